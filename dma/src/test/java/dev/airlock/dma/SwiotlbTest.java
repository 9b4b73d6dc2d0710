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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pool as a whole: modes, sizes, growth, statistics. */
class SwiotlbTest {
    private static final int MIB = TestGuest.MIB;
    private static final int PAGE = 4096;
    private static final SwiotlbOptions ONE_MIB = SwiotlbOptions.DEFAULTS.withPoolBytes(MIB);

    private final TestGuest guest = TestGuest.isolated(4 * MIB, 8 * MIB);
    private final long gpa = guest.allocate(512 << 10, 0);
    private final List<Runnable> unmaps = new ArrayList<>();

    @AfterEach
    void shouldReturnAllPages() {
        unmaps.forEach(Runnable::run);
        assertThat(guest.memory.visiblePages().usedPages()).isZero();
        guest.close();
    }

    @Test
    void shouldBounceEvenVisibleBuffersWhenForced() {
        SwiotlbOptions force = ONE_MIB.withMode(SwiotlbMode.FORCE);
        long visible = guest.allocateVisible(PAGE);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, force, DmaLimits.STORVSC)) {
            long dma = mapper.mapSingle(visible, PAGE, TO_DEVICE, NONE);
            assertThat(dma).isNotEqualTo(visible);
            assertThat(mapper.isBounced(dma)).isTrue();
            mapper.unmapSingle(dma, PAGE, TO_DEVICE, NONE);
        }
        guest.memory.visiblePages().free(visible, PAGE);
    }

    @Test
    void shouldBounceInASharedGuestWhenForced() {
        try (TestGuest shared = TestGuest.shared(4 * MIB);
                DmaMapper mapper =
                        DmaMapper.forGuest(
                                shared.memory,
                                ONE_MIB.withMode(SwiotlbMode.FORCE),
                                DmaLimits.STORVSC)) {
            long buffer = shared.allocate(PAGE, 100);
            shared.fill(buffer, PAGE, 1);
            long dma = mapper.mapSingle(buffer, PAGE, BIDIRECTIONAL, NONE);
            assertThat(dma).isNotEqualTo(buffer);
            shared.fill(dma, PAGE, 2);
            mapper.unmapSingle(dma, PAGE, BIDIRECTIONAL, NONE);
            assertThat(shared.isFilled(buffer, PAGE, 2)).isTrue();
        }
    }

    /** As Linux bounces for a 32-bit device on a machine with more memory than that. */
    @Test
    void shouldBounceInASharedGuestWhatTheDeviceDoesNotReach() {
        DmaLimits narrow = DmaLimits.STORVSC.withDmaMask(4 * MIB - 1);
        try (TestGuest shared = TestGuest.shared(8 * MIB);
                DmaMapper mapper = DmaMapper.forGuest(shared.memory, ONE_MIB, narrow)) {
            assertThat(mapper.mapSingle(3 * MIB, PAGE, TO_DEVICE, NONE)).isEqualTo(3 * MIB);
            long high = 5L * MIB;
            shared.fill(high, PAGE, 9);
            long dma = mapper.mapSingle(high, PAGE, TO_DEVICE, NONE);
            assertThat(dma).isBetween(0L, 4L * MIB - PAGE);
            assertThat(shared.isFilled(dma, PAGE, 9)).isTrue();
            mapper.unmapSingle(dma, PAGE, TO_DEVICE, NONE);
        }
    }

    @Test
    void shouldRefuseADeviceThatDoesNotReachThePool() {
        DmaLimits narrow = DmaLimits.STORVSC.withDmaMask(4 * MIB - 1);
        assertThatThrownBy(() -> DmaMapper.forGuest(guest.memory, ONE_MIB, narrow))
                .hasMessageContaining("dmaMask=0x3fffff");
    }

    @Test
    void shouldRefuseAPoolThatIsNeverUsed() {
        assertThatThrownBy(() -> new Swiotlb(guest.memory, ONE_MIB.withMode(SwiotlbMode.OFF)))
                .hasMessageContaining("mode=OFF");
    }

    @Test
    void shouldMapNothingOnceClosed() {
        Swiotlb pool = new Swiotlb(guest.memory, ONE_MIB.withGrowth(8L * MIB, MIB));
        DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
        pool.close();
        assertThat(mapper.mapSingle(gpa, 1, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
    }

    @Test
    void shouldRefuseAGuestWithoutRoomForAPool() {
        try (TestGuest tiny = TestGuest.isolated(MIB, 128 << 10)) {
            assertThatThrownBy(() -> new Swiotlb(tiny.memory, ONE_MIB))
                    .hasMessageContaining("no room for a bounce pool")
                    .hasMessageContaining("visiblePages=32");
        }
    }

    @Test
    void shouldSettleForASmallerFirstPool() {
        long taken = guest.allocateVisible(3 * MIB);
        try (Swiotlb pool = new Swiotlb(guest.memory, SwiotlbOptions.DEFAULTS)) {
            assertThat(pool.slots()).isEqualTo(4 * MIB / 2048);
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            fill(mapper, PAGE);
            assertThat(pool.slots()).as("reduced, and not growing").isEqualTo(4 * MIB / 2048);
            unmaps.forEach(Runnable::run);
            unmaps.clear();
        }
        guest.memory.visiblePages().free(taken, 3 * MIB);
    }

    @Test
    void shouldGrowUpToTheLimitAndThenBeBusy() {
        SwiotlbOptions growing = ONE_MIB.withGrowth(3 * MIB, MIB + 1);
        try (Swiotlb pool = new Swiotlb(guest.memory, growing)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            int first = fill(mapper, PAGE);
            assertThat(first).isEqualTo(3 * MIB / PAGE);
            DmaStatistics statistics = mapper.statistics();
            assertThat(statistics.slotsTotal()).isEqualTo(3L * MIB / 2048);
            assertThat(statistics.growths()).isEqualTo(2);
            assertThat(statistics.slotsHighWater()).isEqualTo(statistics.slotsTotal());
            assertThat(statistics.busy()).isEqualTo(1);
            unmaps.forEach(Runnable::run);
            unmaps.clear();
            assertThat(fill(mapper, PAGE)).isEqualTo(first);
            unmaps.forEach(Runnable::run);
            unmaps.clear();
        }
    }

    @Test
    void shouldGrowByWhatIsLeftOfTheVisiblePagesAndThenStop() {
        SwiotlbOptions growing = ONE_MIB.withGrowth(1L << 30, 4 * MIB);
        try (Swiotlb pool = new Swiotlb(guest.memory, growing)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            fill(mapper, PAGE);
            assertThat(pool.slots()).isEqualTo(8L * MIB / 2048);
            assertThat(guest.memory.visiblePages().usedPages()).isEqualTo(8 * MIB / PAGE);
            assertThat(pool.statistics(0).growths()).isEqualTo(3);
            unmaps.forEach(Runnable::run);
            unmaps.clear();
        }
    }

    @Test
    void shouldNotGrowBeyondWhatTheDeviceReaches() {
        SwiotlbOptions growing = ONE_MIB.withGrowth(8L * MIB, MIB).withMode(SwiotlbMode.FORCE);
        try (TestGuest shared = TestGuest.shared(16 * MIB);
                Swiotlb pool = new Swiotlb(shared.memory, growing)) {
            DmaLimits narrow = DmaLimits.STORVSC.withDmaMask(2 * MIB - 1);
            DmaMapper mapper = new BounceMapper(shared.memory, pool, narrow);
            List<Long> live = new ArrayList<>();
            long dma;
            while ((dma = mapper.mapSingle(4 * MIB, PAGE, TO_DEVICE, NONE)) != MAPPING_ERROR) {
                assertThat(dma).isLessThan(2 * MIB);
                live.add(dma);
            }
            assertThat(live).hasSizeBetween(MIB / PAGE, 2 * MIB / PAGE);
            // Nor use what the pool has grown by for another device.
            DmaMapper wide = new BounceMapper(shared.memory, pool, DmaLimits.STORVSC);
            long beyond;
            do {
                beyond = wide.mapSingle(4 * MIB, PAGE, TO_DEVICE, NONE);
                live.add(beyond);
            } while (beyond < 2 * MIB);
            assertThat(mapper.mapSingle(4 * MIB, PAGE, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
            live.forEach(each -> mapper.unmapSingle(each, PAGE, TO_DEVICE, NONE));
        }
    }

    @ParameterizedTest
    @CsvSource({"512,128", "1024,64", "2048,128", "4096,32", "8192,128", "65536,4"})
    void shouldTakeOtherSlotAndSegmentSizes(int slotBytes, int segmentSlots) {
        SwiotlbOptions options = ONE_MIB.withSlots(slotBytes, segmentSlots).withPoolBytes(2 * MIB);
        try (Swiotlb pool = new Swiotlb(guest.memory, options)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            int room = slotBytes * segmentSlots - Math.max(PAGE, slotBytes);
            assertThat(mapper.maxMappingBytes()).isEqualTo(room);
            guest.fill(gpa, 512 << 10, 3);
            int bytes = Math.min(room, 256 << 10);
            long dma = mapper.mapSingle(gpa + 4095, bytes, TO_DEVICE, NONE);
            assertThat(dma & 4095).isEqualTo(4095);
            assertThat(guest.isFilled(dma, bytes, 3)).isTrue();
            int slots = Math.ceilDiv(4095 % slotBytes + bytes, slotBytes);
            assertThat(pool.slotsUsed()).isEqualTo(slots);
            mapper.unmapSingle(dma, bytes, TO_DEVICE, NONE);
            assertThat(pool.slotsUsed()).isZero();
        }
    }

    @Test
    void shouldCountExactly() {
        try (Swiotlb pool = new Swiotlb(guest.memory, ONE_MIB.withAreas(4))) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            long a = mapper.mapSingle(gpa + 512, 5000, BIDIRECTIONAL, NONE);
            long b = mapper.mapSingle(gpa, 100, FROM_DEVICE, OVERWRITE);
            mapper.syncForCpu(a, 10, 50, BIDIRECTIONAL);
            mapper.syncForDevice(a, 10, 70, BIDIRECTIONAL);
            DmaStatistics during = mapper.statistics();
            assertThat(during.bouncedMappings()).isEqualTo(2);
            assertThat(during.mappings()).isEqualTo(2);
            assertThat(during.bytesMapped()).isEqualTo(5100);
            assertThat(during.bytesBouncedIn()).isEqualTo(5070);
            assertThat(during.bytesBouncedOut()).isEqualTo(50);
            assertThat(during.slotsUsed()).isEqualTo(4);
            assertThat(during.slotsTaken()).isEqualTo(4);
            assertThat(during.slotBytesWasted()).isEqualTo(4 * 2048 - 5100);
            assertThat(during.slotsTotal()).isEqualTo(512);
            assertThat(during.slotBytes()).isEqualTo(2048);
            assertThat(during.segmentsSearched()).isEqualTo(2);
            assertThat(during.busy()).isZero();
            mapper.unmapSingle(a, 5000, BIDIRECTIONAL, NONE);
            mapper.unmapSingle(b, 100, FROM_DEVICE, SKIP_CPU_SYNC);
            DmaStatistics after = mapper.statistics();
            assertThat(after.bytesBouncedOut()).isEqualTo(5050);
            assertThat(after.slotsUsed()).isZero();
            assertThat(after.slotsHighWater()).isEqualTo(4);
        }
    }

    /** Over all areas, though no area ever knows more than its own use. */
    @Test
    void shouldRememberTheMostSlotsUsedAtOnce() throws Exception {
        try (Swiotlb pool = new Swiotlb(guest.memory, ONE_MIB.withAreas(4));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            var random = Seeded.forTest("SwiotlbTest high water").random();
            List<Long> live = new ArrayList<>();
            long most = 0;
            for (int i = 0; i < 3000; i++) {
                boolean map = random.nextInt(400) >= live.size() + (i / 300 % 2) * 150;
                if (map) {
                    // From different threads, one at a time, for different preferred areas.
                    live.add(
                            threads.submit(() -> mapper.mapSingle(gpa, 1, FROM_DEVICE, NONE))
                                    .get());
                } else if (!live.isEmpty()) {
                    long dma = live.remove(random.nextInt(live.size()));
                    mapper.unmapSingle(dma, 1, FROM_DEVICE, NONE);
                }
                most = Math.max(most, live.size());
                assertThat(mapper.statistics().slotsHighWater()).as("step %d", i).isEqualTo(most);
            }
            live.forEach(dma -> mapper.unmapSingle(dma, 1, FROM_DEVICE, NONE));
        }
    }

    @Test
    void shouldServeSeveralDevicesFromOnePool() {
        try (Swiotlb pool = new Swiotlb(guest.memory, ONE_MIB)) {
            DmaMapper storvsc = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            DmaMapper other = new BounceMapper(guest.memory, pool, DmaLimits.UNLIMITED);
            long dma = storvsc.mapSingle(gpa + 100, 1, TO_DEVICE, NONE);
            assertThat(other.isBounced(dma)).isTrue();
            assertThat(other.statistics().slotsUsed()).isEqualTo(1);
            storvsc.close();
            long second = other.mapSingle(gpa, 1, TO_DEVICE, NONE);
            assertThat(second).isNotEqualTo(MAPPING_ERROR).isNotEqualTo(dma);
            assertThatThrownBy(pool::close).hasMessageContaining("slotsUsed=2");
            other.unmapSingle(dma, 1, TO_DEVICE, NONE);
            other.unmapSingle(second, 1, TO_DEVICE, NONE);
        }
    }

    private int fill(DmaMapper mapper, int bytes) {
        int count = 0;
        long dma;
        while ((dma = mapper.mapSingle(gpa, bytes, TO_DEVICE, NONE)) != MAPPING_ERROR) {
            long mapped = dma;
            unmaps.add(() -> mapper.unmapSingle(mapped, bytes, TO_DEVICE, NONE));
            count++;
        }
        return count;
    }
}
