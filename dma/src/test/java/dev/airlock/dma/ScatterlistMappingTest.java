package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaAttributes.SKIP_CPU_SYNC;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static dev.airlock.dma.DmaMapper.BUSY;
import static dev.airlock.dma.DmaMapper.TOO_LARGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Mapping a list: whole entries, all or nothing, in the order of its bytes. */
class ScatterlistMappingTest {
    private static final int PAGE = 4096;

    private final TestGuest guest = TestGuest.isolated(16 * TestGuest.MIB, 8 * TestGuest.MIB);
    private final Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL.withAreas(1));
    private final DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
    private final long gpa = guest.allocate(512 << 10, 0);
    private final long visible = guest.allocateVisible(64 << 10);
    private final Scatterlist list = new Scatterlist(64);

    @AfterEach
    void shouldLeaveNoSlotInUse() {
        assertThat(pool.slotsUsed()).isZero();
        pool.close();
        guest.close();
    }

    @Test
    void shouldBounceEachEntryWhole() {
        list.add(gpa + 3584, 512);
        list.add(gpa + 10 * PAGE, 3 * PAGE);
        list.add(gpa + 20 * PAGE, 700);
        guest.fill(gpa, 32 * PAGE, 0x44);
        assertThat(mapper.mapSg(list, BIDIRECTIONAL, NONE)).isEqualTo(3);
        assertThat(list.dmaBytes(0)).isEqualTo(512);
        assertThat(list.dmaAddress(0) & 4095).isEqualTo(3584);
        assertThat(list.dmaBytes(1)).isEqualTo(3 * PAGE);
        assertThat(list.dmaAddress(1) & 4095).isZero();
        assertThat(list.dmaBytes(2)).isEqualTo(700);
        assertThat(mapper.isBounced(list)).isTrue();
        assertThat(mapper.exposesBuffer(list)).isFalse();
        assertThat(mapper.slotsHeld(list)).isEqualTo(1 + 6 + 1);
        assertThat(pool.slotsUsed()).isEqualTo(8);
        for (int i = 0; i < 3; i++) {
            assertThat(guest.isFilled(list.dmaAddress(i), list.dmaBytes(i), 0x44)).isTrue();
        }
        mapper.unmapSg(list, BIDIRECTIONAL, NONE);
        assertThat(list.isMapped()).isFalse();
        assertThat(mapper.slotsHeld(list)).isZero();
    }

    @Test
    void shouldMapVisibleEntriesDirectlyBesideBouncedOnes() {
        list.add(visible, PAGE);
        list.add(gpa, PAGE);
        list.add(visible + PAGE, PAGE);
        list.add(visible + 2 * PAGE, PAGE);
        assertThat(mapper.mapSg(list, FROM_DEVICE, NONE)).isEqualTo(3);
        assertThat(list.dmaAddress(0)).isEqualTo(visible);
        assertThat(mapper.isBounced(list.dmaAddress(1))).isTrue();
        assertThat(list.dmaAddress(2)).isEqualTo(visible + PAGE);
        assertThat(list.dmaBytes(2)).as("merged").isEqualTo(2 * PAGE);
        assertThat(mapper.isBounced(list)).isTrue();
        assertThat(mapper.exposesBuffer(list)).isTrue();
        assertThat(mapper.statistics().directMappings()).isEqualTo(3);
        mapper.unmapSg(list, FROM_DEVICE, NONE);
    }

    /**
     * Slots and a visible buffer can be neighbours; joined, the unmap could not tell them apart.
     */
    @Test
    void shouldNotJoinADirectEntryToABouncedOne() {
        long lastSlots = visible - PAGE;
        assertThat(mapper.isBounced(lastSlots)).as("the pool ends here").isTrue();
        Scatterlist filler = new Scatterlist(2048);
        for (int i = 0; i < 1023; i++) {
            filler.add(gpa, PAGE);
        }
        assertThat(mapper.mapSg(filler, TO_DEVICE, NONE)).isEqualTo(1023);
        list.add(gpa, PAGE);
        list.add(visible, PAGE);
        assertThat(mapper.mapSg(list, TO_DEVICE, NONE)).isEqualTo(2);
        assertThat(list.dmaAddress(0)).isEqualTo(lastSlots);
        mapper.unmapSg(list, TO_DEVICE, NONE);
        mapper.unmapSg(filler, TO_DEVICE, NONE);
    }

    @Test
    void shouldSayTooLargeWhenAnEntryCanNeverFit() {
        list.add(gpa, PAGE);
        list.add(gpa, mapper.maxMappingBytes() + 1);
        assertThat(mapper.mapSg(list, TO_DEVICE, NONE)).isEqualTo(TOO_LARGE);
        assertThat(pool.slotsUsed()).isZero();
    }

    @Test
    void shouldSayTooLargeWhenTheListNeedsMoreThanThePool() {
        Scatterlist huge = new Scatterlist(17);
        for (int i = 0; i < 17; i++) {
            huge.add(gpa, mapper.maxMappingBytes());
        }
        assertThat(mapper.mapSg(huge, TO_DEVICE, NONE)).isEqualTo(TOO_LARGE);
        assertThat(pool.slotsUsed()).isZero();

        long other = mapper.mapSingle(gpa, 1, TO_DEVICE, NONE);
        assertThat(mapper.mapSg(huge, TO_DEVICE, NONE))
                .as("another's slots may come free")
                .isEqualTo(BUSY);
        mapper.unmapSingle(other, 1, TO_DEVICE, NONE);
    }

    @Test
    void shouldRollBackWhenAnEntryIsNotGuestMemory() {
        list.add(gpa, PAGE);
        list.add(1L << 40, PAGE);
        assertThatThrownBy(() -> mapper.mapSg(list, TO_DEVICE, NONE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(list.isMapped()).isFalse();
    }

    @Test
    void shouldRefuseEmptyMappedAndUnmappedLists() {
        assertThatThrownBy(() -> mapper.mapSg(list, TO_DEVICE, NONE))
                .isInstanceOf(IllegalArgumentException.class);
        list.add(gpa, PAGE);
        assertThatThrownBy(() -> mapper.unmapSg(list, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
        mapper.mapSg(list, TO_DEVICE, NONE);
        assertThatThrownBy(() -> mapper.mapSg(list, TO_DEVICE, NONE))
                .isInstanceOf(IllegalStateException.class);
        mapper.unmapSg(list, TO_DEVICE, NONE);
    }

    @Test
    void shouldSyncAPartOfAListAcrossItsRanges() {
        list.add(gpa + 100, PAGE);
        list.add(gpa + 4 * PAGE, 2 * PAGE);
        list.add(gpa + 8 * PAGE, PAGE);
        guest.fill(gpa, 16 * PAGE, 1);
        mapper.mapSg(list, FROM_DEVICE, NONE);
        for (int i = 0; i < 3; i++) {
            guest.fill(list.dmaAddress(i), list.dmaBytes(i), 2);
        }
        // The device says it wrote all but the first 50 and the last 4000 bytes.
        mapper.syncSgForCpu(list, 50, 4L * PAGE - 4050, FROM_DEVICE);
        mapper.unmapSg(list, FROM_DEVICE, SKIP_CPU_SYNC);
        assertThat(guest.isFilled(gpa, 150, 1)).isTrue();
        assertThat(guest.isFilled(gpa + 150, PAGE - 50, 2)).isTrue();
        assertThat(guest.isFilled(gpa + 100 + PAGE, 3 * PAGE - 100, 1)).isTrue();
        assertThat(guest.isFilled(gpa + 4 * PAGE, 2 * PAGE, 2)).isTrue();
        assertThat(guest.isFilled(gpa + 6 * PAGE, 2 * PAGE, 1)).isTrue();
        assertThat(guest.isFilled(gpa + 8 * PAGE, 96, 2)).isTrue();
        assertThat(guest.isFilled(gpa + 8 * PAGE + 96, 8 * PAGE - 96, 1)).isTrue();
    }

    @Test
    void shouldSyncAPartOfAListToTheDevice() {
        list.add(gpa, PAGE);
        list.add(gpa + 4 * PAGE, PAGE);
        guest.fill(gpa, 8 * PAGE, 1);
        mapper.mapSg(list, TO_DEVICE, NONE);
        guest.fill(gpa, 8 * PAGE, 2);
        mapper.syncSgForDevice(list, PAGE - 1, 2, TO_DEVICE);
        assertThat(guest.isFilled(list.dmaAddress(0), PAGE - 1, 1)).isTrue();
        assertThat(guest.isFilled(list.dmaAddress(0) + PAGE - 1, 1, 2)).isTrue();
        assertThat(guest.isFilled(list.dmaAddress(1), 1, 2)).isTrue();
        assertThat(guest.isFilled(list.dmaAddress(1) + 1, PAGE - 1, 1)).isTrue();
        assertThatThrownBy(() -> mapper.syncSgForDevice(list, PAGE, PAGE + 1, TO_DEVICE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        mapper.unmapSg(list, TO_DEVICE, NONE);
        assertThatThrownBy(() -> mapper.syncSgForCpu(list, 0, 1, TO_DEVICE))
                .isInstanceOf(IllegalStateException.class);
    }
}
