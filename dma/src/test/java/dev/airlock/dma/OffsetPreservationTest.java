package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaAttributes.SKIP_CPU_SYNC;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static dev.airlock.dma.DmaMapper.MAPPING_ERROR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bits of an address under minAlignMask come through the bounce, and boundaries hold. */
class OffsetPreservationTest {
    private static final int PAGE = 4096;

    private final RandomGenerator random = Seeded.forTest("OffsetPreservationTest").random();
    private final TestGuest guest = TestGuest.isolated(16 * TestGuest.MIB, 16 * TestGuest.MIB);
    private final long gpa = guest.allocate(1 << 20, 0);

    @AfterEach
    void closeGuest() {
        guest.close();
    }

    @Test
    void shouldKeepEveryInPageOffset() {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
            for (int offset = 0; offset < PAGE; offset++) {
                int bytes = 1 + random.nextInt(3 * PAGE);
                long dma = mapper.mapSingle(gpa + offset, bytes, TO_DEVICE, NONE);
                assertThat(dma & 4095).isEqualTo(offset);
                mapper.unmapSingle(dma, bytes, TO_DEVICE, NONE);
            }
        }
    }

    /** Masks contiguous and not; slots of all sizes; the pool partly and differently occupied. */
    @ParameterizedTest
    @CsvSource({"2048,128", "512,128", "4096,64", "65536,16", "2048,64"})
    void shouldKeepTheBitsOfEveryMask(int slotBytes, int segmentSlots) {
        SwiotlbOptions options =
                TestGuest.SMALL.withSlots(slotBytes, segmentSlots).withPoolBytes(8 << 20);
        try (Swiotlb pool = new Swiotlb(guest.memory, options)) {
            List<Runnable> unmaps = new ArrayList<>();
            for (int round = 0; round < 4_000; round++) {
                int mask = sampleMask();
                DmaLimits limits = DmaLimits.UNLIMITED.withMinAlignMask(mask);
                if (random.nextInt(4) == 0) {
                    limits = limits.withAllocAlignMask((1 << random.nextInt(15)) - 1);
                }
                int room = options.segmentBytes() - Math.ceilDiv(mask, slotBytes) * slotBytes;
                if (room <= limits.allocAlignMask()) {
                    continue;
                }
                DmaMapper mapper = new BounceMapper(guest.memory, pool, limits);
                int bytes = 1 + random.nextInt(Math.min(mapper.maxMappingBytes(), 70_000));
                long original = gpa + random.nextInt(1 << 17);
                long dma = mapper.mapSingle(original, bytes, FROM_DEVICE, NONE);
                if (dma == MAPPING_ERROR) {
                    unmaps.forEach(Runnable::run);
                    unmaps.clear();
                    assertThat(pool.slotsUsed()).isZero();
                    continue;
                }
                assertThat((dma ^ original) & mask)
                        .as("mask=%x gpa=%x dma=%x limits=%s", mask, original, dma, limits)
                        .isZero();
                assertThat(dma / options.segmentBytes())
                        .isEqualTo((dma + bytes - 1) / options.segmentBytes());
                unmaps.add(() -> mapper.unmapSingle(dma, bytes, FROM_DEVICE, SKIP_CPU_SYNC));
            }
            unmaps.forEach(Runnable::run);
            assertThat(pool.slotsUsed()).isZero();
        }
    }

    @Test
    void shouldKeepNothingButTheSlotWhenNoMaskIsSet() {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL)) {
            DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.UNLIMITED);
            long dma = mapper.mapSingle(gpa + 1234, 100, TO_DEVICE, NONE);
            assertThat(dma & 2047).isZero();
            assertThat(mapper.maxMappingBytes()).isEqualTo(256 << 10);
            mapper.unmapSingle(dma, 100, TO_DEVICE, NONE);
        }
    }

    /** swiotlb_search_pool_area: with no alignment asked for, a page and more begins at a page. */
    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldBeginGuestPagesAtPagesWhenNoMaskIsSet(int guestPageBytes) {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL)) {
            DmaLimits limits = DmaLimits.UNLIMITED.withGuestPageBytes(guestPageBytes);
            DmaMapper mapper = new BounceMapper(guest.memory, pool, limits);
            long small = mapper.mapSingle(gpa, 1, TO_DEVICE, NONE);
            long less = mapper.mapSingle(gpa + 1234, guestPageBytes - 1, TO_DEVICE, NONE);
            long page = mapper.mapSingle(gpa + 1234, guestPageBytes, TO_DEVICE, NONE);
            assertThat(page % guestPageBytes).isZero();
            assertThat(less % guestPageBytes).isNotZero();
            mapper.unmapSingle(small, 1, TO_DEVICE, NONE);
            mapper.unmapSingle(page, guestPageBytes, TO_DEVICE, NONE);
            mapper.unmapSingle(less, guestPageBytes - 1, TO_DEVICE, NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8 << 10, 16 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20})
    void shouldNotCrossASegmentBoundary(int boundary) {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL)) {
            DmaLimits limits = DmaLimits.STORVSC.withSegmentBoundaryMask(boundary - 1L);
            DmaMapper mapper = new BounceMapper(guest.memory, pool, limits);
            int most = mapper.maxMappingBytes();
            assertThat(most).isEqualTo(Math.min(boundary, 256 << 10) - PAGE);
            for (int round = 0; round < 300; round++) {
                List<long[]> live = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    int bytes = random.nextInt(5) == 0 ? most : 1 + random.nextInt(most);
                    int offset = random.nextInt(PAGE);
                    long dma = mapper.mapSingle(gpa + offset, bytes, FROM_DEVICE, NONE);
                    assertThat(dma).isNotEqualTo(MAPPING_ERROR);
                    assertThat(dma / boundary).isEqualTo((dma + bytes - 1) / boundary);
                    live.add(new long[] {dma, bytes});
                }
                for (long[] each : live) {
                    mapper.unmapSingle(each[0], (int) each[1], FROM_DEVICE, SKIP_CPU_SYNC);
                }
            }
        }
    }

    @Test
    void shouldRefuseLimitsThatLeaveNoRoomInASegment() {
        try (Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL.withSlots(2048, 8))) {
            DmaLimits wide = DmaLimits.STORVSC.withMinAlignMask(0x3FFF);
            assertThatThrownBy(() -> new BounceMapper(guest.memory, pool, wide))
                    .hasMessageContaining("no mapping fits a swiotlb segment of bytes=16384");
            DmaLimits aligned = DmaLimits.UNLIMITED.withAllocAlignMask(0x7FFF);
            assertThatThrownBy(() -> new BounceMapper(guest.memory, pool, aligned))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private int sampleMask() {
        return switch (random.nextInt(3)) {
            case 0 -> (1 << random.nextInt(17)) - 1;
            case 1 -> random.nextInt(64 << 10);
            default -> random.nextInt(64 << 10) & 0xA55A;
        };
    }
}
