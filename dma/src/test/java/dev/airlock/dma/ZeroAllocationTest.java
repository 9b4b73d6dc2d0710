package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.testkit.Allocation;
import org.junit.jupiter.api.Test;

/** No mapping, unmapping or sync allocates, by whichever way, full pool included. */
class ZeroAllocationTest {
    private static final int PAGE = 4096;
    private static final int FIRST_OFFSET = 1536;

    @Test
    void shouldNotAllocateWhenBouncing() throws Throwable {
        try (TestGuest guest = TestGuest.isolated(4 << 20, 4 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(
                                guest.memory,
                                TestGuest.SMALL.withPoolBytes(1 << 20),
                                DmaLimits.STORVSC)) {
            long gpa = guest.allocate(64 << 10, FIRST_OFFSET);
            long visible = guest.allocateVisible(PAGE);
            Scatterlist list = new Scatterlist(8);
            Allocation.assertNone(() -> {
                mapMixed(mapper, list, gpa, visible);
                mapSingle(mapper, gpa);
            });
            assertThat(mapper.statistics().slotsUsed()).isZero();
            assertThat(mapper.statistics().bytesBouncedOut()).isPositive();
            assertThat(mapper.statistics().directMappings()).isPositive();
        }
    }

    @Test
    void shouldNotAllocateWhenMappingDirectly() throws Throwable {
        try (TestGuest guest = TestGuest.shared(4 << 20);
                DmaMapper mapper =
                        DmaMapper.forGuest(guest.memory, TestGuest.SMALL, DmaLimits.STORVSC)) {
            long gpa = guest.allocate(64 << 10, FIRST_OFFSET);
            long other = guest.allocate(PAGE, 0);
            Scatterlist list = new Scatterlist(8);
            Allocation.assertNone(() -> {
                mapMixed(mapper, list, gpa, other);
                mapSingle(mapper, gpa);
            });
            assertThat(mapper).isInstanceOf(DirectMapper.class);
        }
    }

    @Test
    void shouldNotAllocateWhenThePoolIsFull() throws Throwable {
        try (TestGuest guest = TestGuest.isolated(4 << 20, 4 << 20);
                Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL.withPoolBytes(1 << 20))) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            int most = mapper.maxMappingBytes();
            long gpa = guest.allocate(most, 0);
            long[] live = new long[4];
            for (int i = 0; i < live.length; i++) {
                live[i] = mapper.mapSingle(gpa, most, BIDIRECTIONAL, NONE);
                assertThat(live[i]).isNotEqualTo(DmaMapper.MAPPING_ERROR);
            }
            Scatterlist list = new Scatterlist(2);
            list.add(gpa, PAGE);
            list.add(gpa + PAGE, 4 * PAGE);
            Allocation.assertNone(() -> {
                if (mapper.mapSg(list, BIDIRECTIONAL, NONE) != DmaMapper.BUSY) {
                    throw new AssertionError("room in a full pool");
                }
            });
            for (long dma : live) {
                mapper.unmapSingle(dma, most, BIDIRECTIONAL, NONE);
            }
        }
    }

    private static void mapMixed(DmaMapper mapper, Scatterlist list, long gpa, long visible) {
        list.clear();
        list.add(gpa, PAGE - FIRST_OFFSET);
        list.add(gpa + PAGE - FIRST_OFFSET, 3 * PAGE);
        list.add(visible, PAGE);
        list.add(gpa + 6 * PAGE - FIRST_OFFSET, 700);
        if (mapper.mapSg(list, BIDIRECTIONAL, NONE) < 1) {
            throw new AssertionError("not mapped");
        }
        mapper.syncSgForCpu(list, 100, 9000, BIDIRECTIONAL);
        mapper.syncForDevice(list.dmaAddress(0), 5, 5, BIDIRECTIONAL);
        mapper.unmapSg(list, BIDIRECTIONAL, NONE);
    }

    private static void mapSingle(DmaMapper mapper, long gpa) {
        long dma = mapper.mapSingle(gpa, 20_000, BIDIRECTIONAL, NONE);
        mapper.syncForCpu(dma, 19_000, 1000, BIDIRECTIONAL);
        mapper.unmapSingle(dma, 20_000, BIDIRECTIONAL, NONE);
    }
}
