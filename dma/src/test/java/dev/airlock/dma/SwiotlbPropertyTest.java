package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Any mix of map, sync and unmap, from one thread and from many, held against {@link MappingModel}
 * and an owner for every slot.
 */
class SwiotlbPropertyTest {
    private static final int MIB = TestGuest.MIB;
    private static final int SLOT = 2048;

    private final Seeded seeded = Seeded.forTest("SwiotlbPropertyTest");
    private final TestGuest guest = TestGuest.isolated(64 * MIB, 16 * MIB);

    /** Who owns each slot of the visible memory, 0 for nobody. */
    private final AtomicIntegerArray owners = new AtomicIntegerArray(16 * MIB / SLOT);

    @AfterEach
    void closeGuest() {
        guest.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 16})
    void shouldKeepDataExactAndSlotsApartInOneThread(int areas) {
        SwiotlbOptions options = TestGuest.SMALL.withPoolBytes(MIB).withAreas(areas);
        try (Swiotlb pool = new Swiotlb(guest.memory, options)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            new Mix(mapper, seeded.random(), 1, 40).run(6_000);
            requireAllFree(pool);
            assertThat(mapper.statistics().busy()).as("met a full pool").isPositive();
        }
    }

    /** Devices with different limits on one pool, which grows under them. */
    @Test
    void shouldKeepDataExactAndSlotsApartInManyThreads() throws Exception {
        SwiotlbOptions options =
                TestGuest.SMALL.withPoolBytes(2 * MIB).withGrowth(5 * MIB, MIB).withAreas(4);
        try (Swiotlb pool = new Swiotlb(guest.memory, options)) {
            DmaLimits[] limits = {
                DmaLimits.STORVSC,
                DmaLimits.UNLIMITED,
                DmaLimits.STORVSC.withAllocAlignMask(4095),
                DmaLimits.STORVSC.withMinAlignMask(0xFFFF),
                DmaLimits.STORVSC.withSegmentBoundaryMask(0x1FFFF),
                DmaLimits.STORVSC
            };
            List<Callable<Void>> mixes = new ArrayList<>();
            for (int i = 0; i < limits.length; i++) {
                DmaMapper mapper = new BounceMapper(guest.memory, pool, limits[i]);
                Mix mix = new Mix(mapper, seeded.random(i), i + 1, 25);
                mixes.add(() -> {
                    mix.run(1_000);
                    return null;
                });
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(limits.length)) {
                for (Future<Void> each : threads.invokeAll(mixes)) {
                    each.get();
                }
            }
            requireAllFree(pool);
            DmaStatistics statistics = pool.statistics(0);
            assertThat(statistics.slotsTotal()).isBetween(3L * MIB / SLOT, 5L * MIB / SLOT);
            assertThat(statistics.growths()).isBetween(1, 3);
            assertThat(statistics.slotsHighWater()).isBetween(1L, statistics.slotsTotal());
        }
        assertThat(guest.memory.visiblePages().usedPages()).isZero();
    }

    /** Nothing but claiming and freeing, as fast as it goes, on the fewest slots and areas. */
    @Test
    void shouldKeepSlotsApartUnderContention() throws Exception {
        SwiotlbOptions options = TestGuest.SMALL.withPoolBytes(512 << 10).withAreas(2);
        try (Swiotlb pool = new Swiotlb(guest.memory, options)) {
            List<Callable<Long>> works = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int owner = i + 1;
                works.add(() -> churn(pool, seeded.random(owner), owner));
            }
            long mapped = 0;
            try (ExecutorService threads = Executors.newFixedThreadPool(works.size())) {
                for (Future<Long> each : threads.invokeAll(works)) {
                    mapped += each.get();
                }
            }
            assertThat(pool.statistics(0).bouncedMappings()).isEqualTo(mapped);
            requireAllFree(pool);
        }
    }

    /** A double unmap is a bug, but not one that may free slots twice. */
    @Test
    void shouldLetOnlyOneOfTwoUnmapsFreeTheSlots() throws Exception {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            int bytes = mapper.maxMappingBytes(); // Both look, copy for a while, then free.
            long gpa = guest.allocate(bytes, 0);
            CyclicBarrier together = new CyclicBarrier(2);
            for (int round = 0; round < 1_000; round++) {
                long dma =
                        mapper.mapSingle(gpa, bytes, DmaDirection.FROM_DEVICE, DmaAttributes.NONE);
                Callable<Boolean> unmap =
                        () -> {
                            together.await();
                            try {
                                mapper.unmapSingle(
                                        dma, bytes, DmaDirection.FROM_DEVICE, DmaAttributes.NONE);
                                return true;
                            } catch (IllegalStateException somebodyElseHas) {
                                return false;
                            }
                        };
                Future<Boolean> one = threads.submit(unmap);
                Future<Boolean> other = threads.submit(unmap);
                assertThat(one.get()).isNotEqualTo(other.get());
            }
            requireAllFree(pool);
        }
    }

    /** Not only by its own count: every segment can be had as a whole. */
    private void requireAllFree(Swiotlb pool) {
        assertThat(pool.slotsUsed()).isZero();
        DmaMapper whole = new BounceMapper(guest.memory, pool, DmaLimits.UNLIMITED);
        int bytes = whole.maxMappingBytes();
        long gpa = guest.allocate(bytes, 0);
        List<Long> segments = new ArrayList<>();
        for (long slots = pool.slots(); slots > 0; slots -= pool.options().segmentSlots()) {
            segments.add(whole.mapSingle(gpa, bytes, DmaDirection.TO_DEVICE, DmaAttributes.NONE));
        }
        assertThat(segments).doesNotContain(DmaMapper.MAPPING_ERROR).doesNotHaveDuplicates();
        for (long dma : segments) {
            whole.unmapSingle(dma, bytes, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
        }
        assertThat(pool.slotsUsed()).isZero();
    }

    private long churn(Swiotlb pool, RandomGenerator random, int owner) {
        DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
        long gpa = guest.allocate(1 << 18, 0);
        long[] live = new long[16];
        int[] sizes = new int[live.length];
        long mapped = 0;
        for (int i = 0; i < 200_000; i++) {
            int at = random.nextInt(live.length);
            if (sizes[at] != 0) {
                own(live[at], sizes[at], owner, 0);
                mapper.unmapSingle(
                        live[at], sizes[at], DmaDirection.FROM_DEVICE, DmaAttributes.SKIP_CPU_SYNC);
                sizes[at] = 0;
            } else {
                int bytes = 1 + random.nextInt(random.nextInt(8) == 0 ? 100_000 : 6_000);
                long dma =
                        mapper.mapSingle(
                                gpa + random.nextInt(4096),
                                bytes,
                                DmaDirection.FROM_DEVICE,
                                DmaAttributes.OVERWRITE);
                if (dma != DmaMapper.MAPPING_ERROR) {
                    own(dma, bytes, 0, owner);
                    live[at] = dma;
                    sizes[at] = bytes;
                    mapped++;
                }
            }
        }
        for (int at = 0; at < live.length; at++) {
            if (sizes[at] != 0) {
                own(live[at], sizes[at], owner, 0);
                mapper.unmapSingle(
                        live[at], sizes[at], DmaDirection.FROM_DEVICE, DmaAttributes.SKIP_CPU_SYNC);
            }
        }
        return mapped;
    }

    /** Hands every slot that a mapping touches from one owner to another. */
    private void own(long dma, int bytes, int from, int to) {
        long base = 64L * MIB;
        for (int slot = (int) ((dma - base) / SLOT);
                slot <= (int) ((dma + bytes - 1 - base) / SLOT);
                slot++) {
            assertThat(owners.compareAndExchange(slot, from, to))
                    .as("owner of slot %d, dma=%x bytes=%d", slot, dma, bytes)
                    .isEqualTo(from);
        }
    }

    /** A mapping, and the buffer in which it lies. */
    private record Live(MappingModel mapping, long buffer) {}

    /** One thread's random life with a mapper. */
    private final class Mix {
        private static final int BUFFER = 300 << 10;

        private final DmaMapper mapper;
        private final RandomGenerator random;
        private final int owner;
        private final List<Live> live = new ArrayList<>();
        private final List<Long> buffers = new ArrayList<>();

        Mix(DmaMapper mapper, RandomGenerator random, int owner, int liveMost) {
            this.mapper = mapper;
            this.random = random;
            this.owner = owner;
            for (int i = 0; i < liveMost; i++) {
                buffers.add(guest.allocate(BUFFER, 0));
            }
        }

        void run(int steps) {
            for (int i = 0; i < steps; i++) {
                if (live.isEmpty() || !buffers.isEmpty() && random.nextInt(5) < 2) {
                    map();
                } else {
                    step(random.nextInt(live.size()));
                }
            }
            while (!live.isEmpty()) {
                unmap(live.size() - 1);
            }
        }

        private void map() {
            int most = Math.min(mapper.maxMappingBytes(), 200 << 10);
            int bytes = 1 + random.nextInt(random.nextInt(3) == 0 ? most : 9_000);
            long buffer = buffers.removeLast();
            long gpa = buffer + MappingModel.GUARD + random.nextInt(70_000);
            DmaDirection direction = DmaDirection.values()[random.nextInt(3)];
            boolean overwrite = random.nextInt(4) == 0;
            MappingModel mapping =
                    MappingModel.map(guest, mapper, random, gpa, bytes, direction, overwrite);
            if (mapping == null) {
                buffers.add(buffer);
                return;
            }
            own(mapping.dma, mapping.bytes, 0, owner);
            int mask = mapper.limits().minAlignMask();
            assertThat((mapping.dma ^ gpa) & mask).as("offset of %s", mapping).isZero();
            live.add(new Live(mapping, buffer));
        }

        private void step(int index) {
            MappingModel mapping = live.get(index).mapping;
            switch (random.nextInt(5)) {
                case 0 -> mapping.deviceWrites(random);
                case 1 -> mapping.syncForCpu(random);
                case 2 -> mapping.syncForDevice(random);
                case 3 -> mapping.check();
                default -> unmap(index);
            }
        }

        private void unmap(int index) {
            Live ended = live.remove(index);
            own(ended.mapping.dma, ended.mapping.bytes, owner, 0);
            ended.mapping.unmap(random.nextInt(4) == 0);
            buffers.add(ended.buffer);
        }
    }
}
