package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaAttributes.SKIP_CPU_SYNC;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static dev.airlock.dma.DmaMapper.BUSY;
import static dev.airlock.dma.DmaMapper.MAPPING_ERROR;
import static dev.airlock.dma.DmaMapper.TOO_LARGE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One test for each bug that code of this kind has had, and must not have again. */
class HistoricalBugsTest {
    private static final int PAGE = 4096;
    private static final int SLOT = 2048;

    private final TestGuest guest = TestGuest.isolated(16 * TestGuest.MIB, 16 * TestGuest.MIB);
    private final Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL.withAreas(1));
    private final DmaMapper mapper = new BounceMapper(guest.memory, pool, DmaLimits.STORVSC);
    private final long gpa = guest.allocate(512 << 10, 0);

    @AfterEach
    void shouldLeaveNoSlotInUse() {
        assertThat(pool.slotsUsed()).isZero();
        pool.close();
        guest.close();
    }

    /**
     * Linux 6.8, "swiotlb: Fix double-allocation of slots due to broken alignment handling": an
     * earlier odd allocation left the area's index at an odd slot; the next allocation, which was
     * to have whole pages, began there, and its last page's other half was given to somebody else.
     */
    @Test
    void shouldNotAllocateASlotTwiceAfterAnUnalignedAreaIndex() {
        DmaMapper anySlot = new BounceMapper(guest.memory, pool, DmaLimits.UNLIMITED);
        DmaMapper wholePages =
                new BounceMapper(
                        guest.memory, pool, DmaLimits.UNLIMITED.withAllocAlignMask(PAGE - 1));
        List<Long> small = new ArrayList<>();
        List<Long> paged = new ArrayList<>();
        BitSet pages = new BitSet();
        for (int i = 0; i < 100; i++) {
            small.add(anySlot.mapSingle(gpa, 100, TO_DEVICE, NONE));
            long dma = wholePages.mapSingle(gpa + 512, PAGE + SLOT, TO_DEVICE, NONE);
            assertThat(dma & PAGE - 1).as("begins at a page").isZero();
            paged.add(dma);
            pages.set((int) (dma / PAGE), (int) (dma / PAGE) + 2);
        }
        assertThat(pages.cardinality()).as("pages of their own").isEqualTo(200);
        for (long dma : small) {
            assertThat(pages.get((int) (dma / PAGE))).as("page owned by another").isFalse();
            anySlot.unmapSingle(dma, 100, TO_DEVICE, NONE);
        }
        paged.forEach(dma -> wholePages.unmapSingle(dma, PAGE + SLOT, TO_DEVICE, NONE));
    }

    /**
     * Linux 5.18, CVE-2022-0854: slots were not filled for FROM_DEVICE, so that a device which
     * wrote less than the buffer left the previous owner's bytes in the rest.
     */
    @Test
    void shouldNotGiveStaleSlotBytesToTheReaderOfAShortRead() {
        long secret = gpa + 8 * PAGE;
        guest.fill(secret, 4 * PAGE, 0xEE);
        long before = mapper.mapSingle(secret, 4 * PAGE, TO_DEVICE, NONE);
        mapper.unmapSingle(before, 4 * PAGE, TO_DEVICE, NONE);

        guest.fill(gpa, 4 * PAGE, 0x11);
        long dma = mapper.mapSingle(gpa, 4 * PAGE, FROM_DEVICE, NONE);
        assertThat(dma).as("the same slots").isEqualTo(before);
        guest.fill(dma, 512, 0x22);
        mapper.unmapSingle(dma, 4 * PAGE, FROM_DEVICE, NONE);

        assertThat(guest.isFilled(gpa, 512, 0x22)).isTrue();
        assertThat(guest.isFilled(gpa + 512, 4 * PAGE - 512, 0x11)).isTrue();
    }

    /** storvsc: a request whose mapping succeeded in part, then met a full ring or pool, leaked. */
    @Test
    void shouldFreeEverySlotWhenAListCannotBeMappedAsAWhole() {
        int most = mapper.maxMappingBytes();
        List<Long> live = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            live.add(mapper.mapSingle(gpa, most, TO_DEVICE, NONE));
        }
        long used = pool.slotsUsed();
        Scatterlist list = new Scatterlist(3);
        guest.fill(gpa, 3 * PAGE, 0x33);
        list.add(gpa, PAGE);
        list.add(gpa + PAGE, most);
        list.add(gpa + 2 * PAGE, most);
        for (int i = 0; i < 1000; i++) {
            assertThat(mapper.mapSg(list, FROM_DEVICE, NONE)).isEqualTo(BUSY);
            assertThat(pool.slotsUsed()).isEqualTo(used);
            assertThat(list.isMapped()).isFalse();
        }
        assertThat(guest.isFilled(gpa, 3 * PAGE, 0x33)).as("caller's memory untouched").isTrue();
        mapper.unmapSingle(live.removeLast(), most, TO_DEVICE, NONE);
        assertThat(mapper.mapSg(list, FROM_DEVICE, NONE)).isEqualTo(3);
        mapper.unmapSg(list, FROM_DEVICE, NONE);
        live.forEach(dma -> mapper.unmapSingle(dma, most, TO_DEVICE, NONE));
    }

    /**
     * Linux 6.9, "swiotlb: fix swiotlb_bounce() to do partial sync's correctly": a part that began
     * in a later slot, at a lower in-slot offset than the mapping, gave a negative offset.
     */
    @Test
    void shouldSyncAPartAtALowerInSlotOffsetThanTheMappings() {
        int offset = 1536;
        int bytes = 3 * PAGE;
        for (int part = 0; part < bytes; part += 128) {
            guest.fill(gpa, 4 * PAGE, 1);
            long dma = mapper.mapSingle(gpa + offset, bytes, BIDIRECTIONAL, NONE);
            guest.fill(dma, bytes, 2);
            // As Linux drivers do: the part's own address, no offset.
            mapper.syncForCpu(dma + part, 0, 64, BIDIRECTIONAL);
            long at = gpa + offset + part;
            assertThat(guest.isFilled(gpa, offset + part, 1)).as("before %d", part).isTrue();
            assertThat(guest.isFilled(at, 64, 2)).as("part %d", part).isTrue();
            assertThat(guest.isFilled(at + 64, 64, 1)).as("after %d", part).isTrue();

            guest.fill(at, 64, 3);
            mapper.syncForDevice(dma, part, 64, BIDIRECTIONAL);
            assertThat(guest.isFilled(dma + part, 64, 3)).as("to device %d", part).isTrue();
            assertThat(guest.isFilled(dma, part, 2)).isTrue();
            mapper.unmapSingle(dma, bytes, BIDIRECTIONAL, SKIP_CPU_SYNC);
        }
    }

    /**
     * Linux 6.4 and 6.5, "swiotlb: reduce the number of areas to match actual memory pool size": a
     * pool smaller than asked for kept its number of areas, which then had no whole segment.
     */
    @Test
    void shouldNotHaveMoreAreasThanThePoolCanBear() {
        SwiotlbOptions twoSegments = SwiotlbOptions.DEFAULTS.withPoolBytes(512 << 10).withAreas(64);
        try (Swiotlb two = new Swiotlb(guest.memory, twoSegments)) {
            assertThat(two.areas()).isEqualTo(2);
            fillAndDrain(two, 256);
        }
        SwiotlbOptions sevenSegments =
                SwiotlbOptions.DEFAULTS.withPoolBytes(7 * (256 << 10)).withAreas(64);
        try (Swiotlb seven = new Swiotlb(guest.memory, sevenSegments)) {
            assertThat(seven.areas()).isEqualTo(4);
            fillAndDrain(seven, 7 * 128);
        }
        // 64 MiB were asked for, 16 MiB are there, of which this test's own pool has 4.
        SwiotlbOptions tooMuch = SwiotlbOptions.DEFAULTS.withAreas(1024);
        try (Swiotlb reduced = new Swiotlb(guest.memory, tooMuch)) {
            assertThat(reduced.slots()).isEqualTo(8 * TestGuest.MIB / SLOT);
            assertThat(reduced.areas()).isEqualTo(32);
            fillAndDrain(reduced, reduced.slots());
        }
    }

    /**
     * A mapping must not run over the end of its segment (free slots on both sides of it are not
     * one run), nor be larger than the largest that every offset leaves room for.
     */
    @Test
    void shouldNotMapMoreThanASegment() {
        assertThat(mapper.maxMappingBytes()).isEqualTo(258_048);
        for (int offset = 0; offset < PAGE; offset += 17) {
            long dma = mapper.mapSingle(gpa + offset, 258_048, TO_DEVICE, NONE);
            assertThat(dma).as("offset=%d", offset).isNotEqualTo(MAPPING_ERROR);
            long segment = dma / (256 << 10);
            assertThat((dma + 258_047) / (256 << 10)).as("offset=%d", offset).isEqualTo(segment);
            mapper.unmapSingle(dma, 258_048, TO_DEVICE, NONE);

            int[] tooMuch = {258_049, 258_048 + PAGE, 256 << 10, (256 << 10) + 1, 400 << 10};
            Scatterlist list = new Scatterlist(1);
            for (int bytes : tooMuch) {
                long refused = mapper.mapSingle(gpa + offset, bytes, TO_DEVICE, NONE);
                assertThat(refused).isEqualTo(MAPPING_ERROR);
                list.clear();
                list.add(gpa + offset, bytes);
                assertThat(mapper.mapSg(list, TO_DEVICE, NONE)).isEqualTo(TOO_LARGE);
            }
        }
        // Every segment full of 28, 72 and 28 slots; then the outer ones are freed again, so that
        // 56
        // free slots lie around each boundary.
        List<Long> outer = new ArrayList<>();
        List<Long> inner = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            outer.add(mapper.mapSingle(gpa, 28 * SLOT, TO_DEVICE, NONE));
            inner.add(mapper.mapSingle(gpa, 72 * SLOT, TO_DEVICE, NONE));
            outer.add(mapper.mapSingle(gpa, 28 * SLOT, TO_DEVICE, NONE));
        }
        assertThat(pool.slotsUsed()).isEqualTo(pool.slots());
        outer.forEach(dma -> mapper.unmapSingle(dma, 28 * SLOT, TO_DEVICE, NONE));
        assertThat(mapper.mapSingle(gpa, 30 * SLOT, TO_DEVICE, NONE)).isEqualTo(MAPPING_ERROR);
        inner.forEach(dma -> mapper.unmapSingle(dma, 72 * SLOT, TO_DEVICE, NONE));
    }

    /** Every slot can be had, each once. */
    private void fillAndDrain(Swiotlb filled, long slots) {
        DmaMapper each = new BounceMapper(guest.memory, filled, DmaLimits.UNLIMITED);
        List<Long> live = new ArrayList<>();
        long dma;
        while ((dma = each.mapSingle(gpa, 1, TO_DEVICE, NONE)) != MAPPING_ERROR) {
            live.add(dma);
        }
        assertThat(live).doesNotHaveDuplicates().hasSize((int) slots);
        live.forEach(address -> each.unmapSingle(address, 1, TO_DEVICE, NONE));
        assertThat(filled.slotsUsed()).isZero();
    }
}
