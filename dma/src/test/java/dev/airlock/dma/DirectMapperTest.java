package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static dev.airlock.dma.DmaMapper.MAPPING_ERROR;
import static dev.airlock.dma.DmaMapper.TOO_LARGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Identity mapping: no copies, entries joined within the limits. */
class DirectMapperTest {
    private static final int PAGE = 4096;

    private final TestGuest guest = TestGuest.shared(8 * TestGuest.MIB);
    private final DmaMapper mapper =
            DmaMapper.forGuest(guest.memory, SwiotlbOptions.DEFAULTS, DmaLimits.STORVSC);
    private final long gpa = guest.allocate(1 << 20, 0);
    private final Scatterlist list = new Scatterlist(16);

    @AfterEach
    void closeGuest() {
        mapper.close();
        guest.close();
    }

    @Test
    void shouldBeWhatASharedGuestGetsAndTakeNoPool() {
        assertThat(mapper).isInstanceOf(DirectMapper.class);
        assertThat(guest.memory.visiblePages().usedPages()).isEqualTo((1 << 20) / PAGE);
    }

    @Test
    void shouldGiveTheAddressItself() {
        for (int offset : new int[] {0, 512, 1536, 3584, 4095}) {
            long dma = mapper.mapSingle(gpa + offset, 1 << 19, FROM_DEVICE, NONE);
            assertThat(dma).isEqualTo(gpa + offset);
            mapper.syncForCpu(dma, 100, 1000, FROM_DEVICE);
            mapper.syncForDevice(dma, 100, 1000, FROM_DEVICE);
            mapper.unmapSingle(dma, 1 << 19, FROM_DEVICE, NONE);
        }
        DmaStatistics statistics = mapper.statistics();
        assertThat(statistics.directMappings()).isEqualTo(5);
        assertThat(statistics.mappings()).isEqualTo(5);
        assertThat(statistics.bytesBouncedIn() + statistics.bytesBouncedOut()).isZero();
        assertThat(statistics.slotsTotal()).isZero();
    }

    @Test
    void shouldJoinEntriesThatFollowEachOther() {
        list.add(gpa + 512, PAGE - 512);
        list.add(gpa + PAGE, PAGE);
        list.add(gpa + 4 * PAGE, PAGE);
        list.add(gpa + 5 * PAGE, 100);
        list.add(gpa + 5 * PAGE + 100, 1);
        list.add(gpa + 5 * PAGE, 100);
        assertThat(mapper.mapSg(list, TO_DEVICE, NONE)).isEqualTo(3);
        assertThat(list.dmaAddress(0)).isEqualTo(gpa + 512);
        assertThat(list.dmaBytes(0)).isEqualTo(2 * PAGE - 512);
        assertThat(list.dmaAddress(1)).isEqualTo(gpa + 4 * PAGE);
        assertThat(list.dmaBytes(1)).isEqualTo(PAGE + 101);
        assertThat(list.dmaAddress(2)).isEqualTo(gpa + 5 * PAGE);
        assertThat(mapper.exposesBuffer(list)).isTrue();
        assertThat(mapper.isBounced(list)).isFalse();
        assertThat(mapper.slotsHeld(list)).isZero();
        mapper.unmapSg(list, TO_DEVICE, NONE);
        assertThat(mapper.statistics().directMappings()).isEqualTo(6);
    }

    @Test
    void shouldNotJoinBeyondTheLargestSegment() {
        DmaMapper limited =
                new DirectMapper(guest.memory, DmaLimits.STORVSC.withMaxSegmentBytes(3 * PAGE));
        for (int i = 0; i < 7; i++) {
            list.add(gpa + (long) i * PAGE, PAGE);
        }
        assertThat(limited.mapSg(list, TO_DEVICE, NONE)).isEqualTo(3);
        assertThat(list.dmaBytes(0)).isEqualTo(3 * PAGE);
        assertThat(list.dmaBytes(1)).isEqualTo(3 * PAGE);
        assertThat(list.dmaBytes(2)).isEqualTo(PAGE);
        limited.unmapSg(list, TO_DEVICE, NONE);
        assertThat(limited.maxMappingBytes()).isEqualTo(3 * PAGE);
        assertThat(limited.mapSingle(gpa, 3 * PAGE + 1, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
    }

    @Test
    void shouldNotJoinAcrossASegmentBoundaryNorMapAcrossOne() {
        DmaMapper limited =
                new DirectMapper(guest.memory, DmaLimits.STORVSC.withSegmentBoundaryMask(0x3FFF));
        for (int i = 0; i < 8; i++) {
            list.add(gpa + (long) i * PAGE, PAGE);
        }
        assertThat(limited.mapSg(list, TO_DEVICE, NONE)).isEqualTo(2);
        assertThat(list.dmaBytes(0)).isEqualTo(4 * PAGE);
        limited.unmapSg(list, TO_DEVICE, NONE);

        list.clear();
        list.add(gpa, PAGE);
        list.add(gpa + 3 * PAGE, 2 * PAGE);
        assertThat(limited.mapSg(list, TO_DEVICE, NONE)).isEqualTo(TOO_LARGE);
        assertThat(list.isMapped()).isFalse();
        assertThat(limited.maxMappingBytes()).isEqualTo(4 * PAGE);
        assertThat(limited.optimalMappingBytes()).isEqualTo(4 * PAGE);
    }

    @Test
    void shouldRefuseWhatTheMaskDoesNotReach() {
        DmaMapper narrow = new DirectMapper(guest.memory, DmaLimits.STORVSC.withDmaMask(0xFFFFF));
        assertThat(narrow.mapSingle(0xFF000, PAGE, TO_DEVICE, NONE)).isEqualTo(0xFF000);
        assertThat(narrow.mapSingle(0xFF001, PAGE, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
    }

    @Test
    void shouldRefusePrivateMemoryWhenBouncingIsOff() {
        try (TestGuest isolated = TestGuest.isolated(1 << 20, 1 << 20)) {
            SwiotlbOptions off = SwiotlbOptions.DEFAULTS.withMode(SwiotlbMode.OFF);
            DmaMapper direct = DmaMapper.forGuest(isolated.memory, off, DmaLimits.STORVSC);
            assertThat(direct.mapSingle(PAGE, PAGE, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
            long border = (1 << 20) - PAGE;
            assertThat(direct.mapSingle(border, 2 * PAGE, TO_DEVICE, NONE))
                    .isEqualTo(MAPPING_ERROR);
            assertThat(direct.mapSingle(1 << 20, PAGE, TO_DEVICE, NONE)).isEqualTo(1 << 20);
            list.add(1 << 20, PAGE);
            list.add(border, PAGE);
            assertThat(direct.mapSg(list, TO_DEVICE, NONE)).isEqualTo(TOO_LARGE);
            assertThat(list.isMapped()).isFalse();
        }
    }

    @Test
    void shouldRefuseWhatIsNotGuestMemory() {
        long end = 8L * TestGuest.MIB;
        assertThatThrownBy(() -> mapper.mapSingle(end - 1, 2, TO_DEVICE, NONE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> mapper.unmapSingle(end, 1, TO_DEVICE, NONE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> mapper.syncForCpu(end - 10, 5, 6, BIDIRECTIONAL))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> mapper.syncForDevice(gpa, -1, 1, BIDIRECTIONAL))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
