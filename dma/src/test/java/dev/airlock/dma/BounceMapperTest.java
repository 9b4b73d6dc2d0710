package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaAttributes.OVERWRITE;
import static dev.airlock.dma.DmaAttributes.SKIP_CPU_SYNC;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static dev.airlock.dma.DmaMapper.MAPPING_ERROR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Single mappings that bounce: what is copied when, what is zeroed, what is refused. */
class BounceMapperTest {
    private static final int PAGE = 4096;

    private final TestGuest guest = TestGuest.isolated(16 * TestGuest.MIB, 8 * TestGuest.MIB);
    private final DmaMapper mapper =
            DmaMapper.forGuest(guest.memory, TestGuest.SMALL, DmaLimits.STORVSC);
    private final long gpa = guest.allocate(64 << 10, 0);

    @AfterEach
    void shouldLeaveNothingMapped() {
        assertThat(mapper.statistics().slotsUsed()).isZero();
        mapper.close();
        assertThat(guest.memory.visiblePages().usedPages()).isZero();
        guest.close();
    }

    @ParameterizedTest
    @EnumSource
    void shouldCopyTheOriginalInForEveryDirection(DmaDirection direction) {
        guest.fill(gpa, PAGE, 0x5A);
        long dma = mapper.mapSingle(gpa, PAGE, direction, NONE);
        assertThat(guest.memory.isVisible(dma, PAGE)).isTrue();
        assertThat(guest.isFilled(dma, PAGE, 0x5A)).isTrue();
        mapper.unmapSingle(dma, PAGE, direction, NONE);
    }

    @ParameterizedTest
    @EnumSource
    void shouldCopyBackWhatTheDeviceWroteUnlessItOnlyReads(DmaDirection direction) {
        guest.fill(gpa, PAGE, 1);
        long dma = mapper.mapSingle(gpa, PAGE, direction, NONE);
        guest.fill(dma, PAGE, 2);
        mapper.unmapSingle(dma, PAGE, direction, NONE);
        assertThat(guest.isFilled(gpa, PAGE, direction == TO_DEVICE ? 1 : 2)).isTrue();
    }

    @Test
    void shouldNotTouchTheCallersBufferWhenTheSyncIsSkipped() {
        guest.fill(gpa, PAGE, 1);
        long dma = mapper.mapSingle(gpa, PAGE, FROM_DEVICE, NONE);
        guest.fill(dma, PAGE, 2);
        mapper.unmapSingle(dma, PAGE, FROM_DEVICE, SKIP_CPU_SYNC);
        assertThat(guest.isFilled(gpa, PAGE, 1)).isTrue();
        assertThat(mapper.statistics().bytesBouncedOut()).isZero();
    }

    @Test
    void shouldCopyInAtMapEvenIfTheSyncIsSkipped() {
        guest.fill(gpa, PAGE, 7);
        long dma = mapper.mapSingle(gpa, PAGE, FROM_DEVICE, SKIP_CPU_SYNC);
        assertThat(guest.isFilled(dma, PAGE, 7)).isTrue();
        mapper.unmapSingle(dma, PAGE, FROM_DEVICE, NONE);
    }

    @Test
    void shouldNotCopyInWhatTheCallerVouchesWillBeOverwritten() {
        guest.fill(gpa, PAGE, 7);
        long dma = mapper.mapSingle(gpa, PAGE, FROM_DEVICE, OVERWRITE);
        assertThat(guest.isFilled(dma, PAGE, 7)).isFalse();
        assertThat(mapper.statistics().bytesBouncedIn()).isZero();
        guest.fill(dma, PAGE, 9);
        mapper.unmapSingle(dma, PAGE, FROM_DEVICE, NONE);
        assertThat(guest.isFilled(gpa, PAGE, 9)).isTrue();
    }

    @ParameterizedTest
    @EnumSource(names = {"TO_DEVICE", "BIDIRECTIONAL"})
    void shouldCopyInWhatTheDeviceReadsWhateverTheCallerVouches(DmaDirection direction) {
        guest.fill(gpa, PAGE, 7);
        long dma = mapper.mapSingle(gpa, PAGE, direction, OVERWRITE);
        assertThat(guest.isFilled(dma, PAGE, 7)).isTrue();
        mapper.unmapSingle(dma, PAGE, direction, NONE);
    }

    @Test
    void shouldZeroTheClaimedSlotsAroundTheMapping() {
        dirtyThePool();
        for (int offset : new int[] {0, 1, 512, 2047, 2048, 2049, 3584, 4095}) {
            for (int bytes : new int[] {1, 512, 2047, 2048, 2049, 4096, 5000}) {
                long dma = mapper.mapSingle(gpa + offset, bytes, FROM_DEVICE, OVERWRITE);
                long before = dma & 2047;
                long after = -(dma + bytes) & 2047;
                assertThat(guest.isFilled(dma - before, before, 0))
                        .as("before, offset=%d bytes=%d", offset, bytes)
                        .isTrue();
                assertThat(guest.isFilled(dma + bytes, after, 0))
                        .as("after, offset=%d bytes=%d", offset, bytes)
                        .isTrue();
                mapper.unmapSingle(dma, bytes, FROM_DEVICE, SKIP_CPU_SYNC);
            }
        }
    }

    @Test
    void shouldOwnAndZeroWholePagesWhenAskedTo() {
        dirtyThePool();
        DmaLimits wholePages = DmaLimits.STORVSC.withAllocAlignMask(PAGE - 1);
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL.withPoolBytes(1 << 20))) {
            DmaMapper exclusive = new BounceMapper(guest.memory, pool, wholePages);
            long neighbour = exclusive.mapSingle(gpa, 1, TO_DEVICE, NONE);
            for (int offset : new int[] {0, 100, 2048, 3000, 4095}) {
                for (int bytes : new int[] {1, 1000, 3000, 4096, 9000}) {
                    long dma = exclusive.mapSingle(gpa + offset, bytes, FROM_DEVICE, OVERWRITE);
                    assertThat(dma & 4095).isEqualTo(offset);
                    long after = -(dma + bytes) & 4095;
                    assertThat(guest.isFilled(dma - offset, offset, 0)).isTrue();
                    assertThat(guest.isFilled(dma + bytes, after, 0)).isTrue();
                    assertThat(dma >>> 12).isNotEqualTo(neighbour >>> 12);
                    int pages = (offset + bytes + 4095) / 4096;
                    assertThat(pool.slotsUsed()).isEqualTo(2 + 2 * pages);
                    exclusive.unmapSingle(dma, bytes, FROM_DEVICE, SKIP_CPU_SYNC);
                }
            }
            exclusive.unmapSingle(neighbour, 1, TO_DEVICE, NONE);
            assertThat(pool.slotsUsed()).isZero();
        }
    }

    @Test
    void shouldMapAVisibleBufferByIdentityAndCopyNothing() {
        long visible = guest.allocateVisible(3 * PAGE);
        long dma = mapper.mapSingle(visible + 100, 2 * PAGE, BIDIRECTIONAL, NONE);
        assertThat(dma).isEqualTo(visible + 100);
        assertThat(mapper.isBounced(dma)).isFalse();
        mapper.syncForCpu(dma, 10, 20, BIDIRECTIONAL);
        mapper.unmapSingle(dma, 2 * PAGE, BIDIRECTIONAL, NONE);
        DmaStatistics statistics = mapper.statistics();
        assertThat(statistics.directMappings()).isEqualTo(1);
        assertThat(statistics.bouncedMappings()).isZero();
        assertThat(statistics.bytesBouncedIn() + statistics.bytesBouncedOut()).isZero();
        guest.memory.visiblePages().free(visible, 3 * PAGE);
    }

    @Test
    void shouldBounceABufferThatIsVisibleOnlyInPart() {
        long lastPrivatePage = 16L * TestGuest.MIB - PAGE;
        long dma = mapper.mapSingle(lastPrivatePage, 2 * PAGE, TO_DEVICE, NONE);
        assertThat(mapper.isBounced(dma)).isTrue();
        mapper.unmapSingle(dma, 2 * PAGE, TO_DEVICE, NONE);
    }

    @Test
    void shouldSyncAPartInEitherDirection() {
        guest.fill(gpa, 8192, 1);
        long dma = mapper.mapSingle(gpa + 1500, 6000, BIDIRECTIONAL, NONE);
        guest.fill(dma, 6000, 2);
        mapper.syncForCpu(dma, 1000, 300, BIDIRECTIONAL);
        assertThat(guest.isFilled(gpa, 2500, 1)).isTrue();
        assertThat(guest.isFilled(gpa + 2500, 300, 2)).isTrue();
        assertThat(guest.isFilled(gpa + 2800, 8192 - 2800, 1)).isTrue();

        guest.fill(gpa, 8192, 3);
        mapper.syncForDevice(dma + 5000, 500, 500, BIDIRECTIONAL);
        assertThat(guest.isFilled(dma, 5500, 2)).isTrue();
        assertThat(guest.isFilled(dma + 5500, 500, 3)).isTrue();
        mapper.unmapSingle(dma, 6000, BIDIRECTIONAL, SKIP_CPU_SYNC);
    }

    @Test
    void shouldSyncOnlyTheWayTheDataGoes() {
        guest.fill(gpa, PAGE, 1);
        long toDevice = mapper.mapSingle(gpa, PAGE, TO_DEVICE, NONE);
        guest.fill(toDevice, PAGE, 2);
        mapper.syncForCpu(toDevice, 0, PAGE, TO_DEVICE);
        assertThat(guest.isFilled(gpa, PAGE, 1)).isTrue();
        mapper.unmapSingle(toDevice, PAGE, TO_DEVICE, NONE);

        long fromDevice = mapper.mapSingle(gpa, PAGE, FROM_DEVICE, NONE);
        guest.fill(gpa, PAGE, 3);
        mapper.syncForDevice(fromDevice, 0, PAGE, FROM_DEVICE);
        assertThat(guest.isFilled(fromDevice, PAGE, 1)).isTrue();
        mapper.unmapSingle(fromDevice, PAGE, FROM_DEVICE, SKIP_CPU_SYNC);
    }

    @ParameterizedTest
    @EnumSource
    void shouldRefuseASyncOutsideTheMapping(DmaDirection direction) {
        long dma = mapper.mapSingle(gpa + 700, 5000, direction, NONE);
        for (int[] part :
                new int[][] {
                    {0, 5001}, {5000, 1}, {-1, 1}, {1, -1}, {4999, 2}, {1 << 30, 1 << 30}
                }) {
            assertThatThrownBy(() -> mapper.syncForCpu(dma, part[0], part[1], direction))
                    .as("offset=%d bytes=%d", part[0], part[1])
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> mapper.syncForDevice(dma, part[0], part[1], direction))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThatThrownBy(() -> mapper.syncForCpu(dma - 1, 0, 1, direction))
                .isInstanceOf(IllegalStateException.class);
        mapper.syncForCpu(dma, 5000, 0, direction);
        mapper.unmapSingle(dma, 5000, direction, SKIP_CPU_SYNC);
    }

    @Test
    void shouldBeBusyWhenThePoolIsFullAndRecoverWhenItIsNot() {
        List<Long> live = new ArrayList<>();
        long dma;
        while ((dma = mapper.mapSingle(gpa, PAGE, TO_DEVICE, NONE)) != MAPPING_ERROR) {
            live.add(dma);
        }
        assertThat(live).hasSize(4 * TestGuest.MIB / PAGE).doesNotHaveDuplicates();
        assertThat(mapper.statistics().busy()).isEqualTo(1);
        mapper.unmapSingle(live.removeLast(), PAGE, TO_DEVICE, NONE);
        dma = mapper.mapSingle(gpa, PAGE, TO_DEVICE, NONE);
        assertThat(dma).isNotEqualTo(MAPPING_ERROR);
        live.add(dma);
        live.forEach(each -> mapper.unmapSingle(each, PAGE, TO_DEVICE, NONE));
    }

    @Test
    void shouldThrowOnUnmapsThatCannotBeRight() {
        long dma = mapper.mapSingle(gpa + 512, PAGE, TO_DEVICE, NONE);
        assertThatThrownBy(() -> mapper.unmapSingle(dma, PAGE - 1, TO_DEVICE, NONE))
                .hasMessageContaining("mapped there bytes=4096");
        assertThatThrownBy(() -> mapper.unmapSingle(dma + 1, PAGE, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> mapper.unmapSingle(dma + 2048, PAGE, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
        mapper.unmapSingle(dma, PAGE, TO_DEVICE, NONE);
        assertThatThrownBy(() -> mapper.unmapSingle(dma, PAGE, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> mapper.unmapSingle(dma - 512, 0, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldRefuseWhatIsNotGuestMemory() {
        long end = 24L * TestGuest.MIB;
        for (long[] range : new long[][] {{end, 1}, {end - 1, 2}, {-1, 1}, {0, 0}, {0, -1}}) {
            assertThatThrownBy(() -> mapper.mapSingle(range[0], (int) range[1], TO_DEVICE, NONE))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void shouldNotCloseThePoolUnderALiveMapping() {
        long dma = mapper.mapSingle(gpa, 1, TO_DEVICE, NONE);
        assertThatThrownBy(mapper::close).hasMessageContaining("slotsUsed=1");
        mapper.unmapSingle(dma, 1, TO_DEVICE, NONE);
    }

    /** Leaves bytes of others in every free slot. */
    private void dirtyThePool() {
        List<Long> live = new ArrayList<>();
        guest.fill(gpa, PAGE, 0xEE);
        long dma;
        while ((dma = mapper.mapSingle(gpa, PAGE, TO_DEVICE, NONE)) != MAPPING_ERROR) {
            live.add(dma);
        }
        live.forEach(each -> mapper.unmapSingle(each, PAGE, TO_DEVICE, NONE));
    }
}
