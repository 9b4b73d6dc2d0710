package dev.airlock.memory;

import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A host's view of one guest's memory: the regions the guest has passed, and nothing else. Whatever
 * is asked about pages is the word of a guest that may be hostile; the answer for a page that is
 * not visible is a refusal.
 *
 * <p>Thread-safe: {@link #translate} and {@link #isVisible} take no lock and may run beside {@link
 * #addRegion}. All users end before {@link #close}.
 */
public final class HostMemory implements AutoCloseable {
    /** A PFN in a GPA-direct packet: unaligned little-endian u64. */
    private static final ValueLayout.OfLong PFN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Guest-physical addresses have at most 52 bits on x86-64. */
    private static final long GPA_END = 1L << 52;

    private static final Region NOWHERE = new Region(0, 0, null, null, 0, null);

    private final HostMemoryLimits limits;
    private volatile Region[] regions = {};
    private long mappedPages;
    private long visiblePages;
    private boolean closed;

    /**
     * The region found last, most likely the next as well. Read and written without ordering: a
     * Region is immutable.
     */
    @SuppressWarnings("FieldMayBeFinal")
    private Region recent = NOWHERE;

    public HostMemory(HostMemoryLimits limits) {
        this.limits = limits;
    }

    /**
     * Pages {@code firstPfn} to {@code firstPfn + pages - 1}, mapped in order.
     *
     * @param shown which of them are visible; null for all
     */
    private record Region(
            long firstPfn,
            long pages,
            @Nullable Mapping mapping,
            @Nullable Fd memfd,
            long offset,
            @Nullable PageBits shown) {
        boolean contains(long pfn) {
            return Long.compareUnsigned(pfn - firstPfn, pages) < 0;
        }

        boolean overlaps(long pfn, long count) {
            return pfn < firstPfn + pages && firstPfn < pfn + count;
        }

        Mapping mapped() {
            if (mapping == null) {
                throw new IllegalStateException("no memory here");
            }
            return mapping;
        }

        Fd descriptor() {
            if (memfd == null) {
                throw new IllegalStateException("no memory here");
            }
            return memfd;
        }
    }

    /**
     * Maps a piece of the guest's memory, all of it visible.
     *
     * @param gpa where it begins in guest-physical space
     * @param fd checked before it is mapped; stays owned by the caller, who may close it afterwards
     * @param offset where it begins in {@code fd}
     * @throws MemoryRefusedException if it is not a sealed memfd that is large enough, or not whole
     *     pages, overlaps another region, or is beyond a limit
     * @throws LinuxException if this host cannot map it
     */
    public void addRegion(long gpa, long bytes, Fd fd, long offset)
            throws MemoryRefusedException, LinuxException {
        addRegion(gpa, bytes, fd, offset, true);
    }

    /**
     * As {@link #addRegion(long, long, Fd, long)}.
     *
     * @param visible false when no page of it is to be touched before {@link #setVisible} says so:
     *     the shared backing of a virtual machine, which has holes where pages are private
     */
    public synchronized void addRegion(long gpa, long bytes, Fd fd, long offset, boolean visible)
            throws MemoryRefusedException, LinuxException {
        if (closed) {
            throw new IllegalStateException("guest memory is closed");
        }
        String what = "gpa=0x%x bytes=%d offset=%d".formatted(gpa, bytes, offset);
        if (!HvPage.isAligned(gpa)
                || !HvPage.isAligned(bytes)
                || !HvPage.isAligned(offset)
                || bytes == 0) {
            throw new MemoryRefusedException("region is not made of whole pages: " + what);
        }
        if (bytes > GPA_END || gpa > GPA_END - bytes || offset > Long.MAX_VALUE - bytes) {
            throw new MemoryRefusedException("region is beyond the address space: " + what);
        }
        long pfn = gpa >>> HvPage.SHIFT;
        long pages = bytes >>> HvPage.SHIFT;
        if (regions.length >= limits.regionsMax()) {
            throw new MemoryRefusedException(
                    "too many regions: regionsMax=" + limits.regionsMax() + " " + what);
        }
        if (pages > limits.pagesMax() - mappedPages) {
            throw new MemoryRefusedException(
                    "too much memory: pagesMax="
                            + limits.pagesMax()
                            + " pages="
                            + mappedPages
                            + " "
                            + what);
        }
        for (Region region : regions) {
            if (region.overlaps(pfn, pages)) {
                throw new MemoryRefusedException("region overlaps another: " + what);
            }
        }
        try {
            Memfd.requireSealed(fd, offset + bytes);
        } catch (LinuxException e) {
            throw new MemoryRefusedException(
                    "region is not backed by a sealed memfd: " + what + ": " + e.getMessage(), e);
        }
        append(new Region(pfn, pages, null, fd, offset, visible ? null : new PageBits(pages)));
    }

    /**
     * The guest shows pages, or takes them back, of a region that was added hidden. What is
     * translated already may still be touched; it is the guest's duty to have nothing under way on
     * what it takes back, as on Hyper-V.
     *
     * @throws MemoryRefusedException if they are not whole pages of one such region
     */
    public synchronized void setVisible(long gpa, long bytes, boolean visible)
            throws MemoryRefusedException {
        String what = "gpa=0x%x bytes=%d".formatted(gpa, bytes);
        if (!HvPage.isAligned(gpa) || !HvPage.isAligned(bytes) || bytes <= 0) {
            throw new MemoryRefusedException("not whole pages: " + what);
        }
        long pages = bytes >>> HvPage.SHIFT;
        Region region = findRegion(gpa >>> HvPage.SHIFT);
        PageBits shown = region == null ? null : region.shown();
        if (region == null
                || shown == null
                || (gpa >>> HvPage.SHIFT) - region.firstPfn() > region.pages() - pages) {
            throw new MemoryRefusedException("visibility is not the guest's to change: " + what);
        }
        visiblePages += shown.set((gpa >>> HvPage.SHIFT) - region.firstPfn(), pages, visible);
    }

    /**
     * Finds the memory behind the pages of a GPA range.
     *
     * @param pfns private copy of the packet, so that the guest cannot change it any more
     * @param pfnsOffset where in it the first of {@code pageCount} PFNs is, in bytes
     * @param inPageOffset where the range begins in its first page
     * @param byteCount length of the range
     * @param out replaced by the range's memory, neighbouring pages joined; empty after a refusal
     * @return false when a page is not visible, the numbers do not agree with each other, or {@code
     *     out} is too small
     */
    public boolean translate(
            MemorySegment pfns,
            long pfnsOffset,
            int pageCount,
            int inPageOffset,
            int byteCount,
            IoVector out) {
        out.clear();
        if (inPageOffset < 0
                || inPageOffset >= HvPage.SIZE
                || byteCount < 0
                || pageCount != HvPage.span(byteCount == 0 ? 0 : inPageOffset, byteCount)
                || pfnsOffset < 0
                || pfnsOffset > pfns.byteSize() - 8L * pageCount) {
            return false;
        }
        Region region = recent;
        long offsetInPage = inPageOffset;
        long remaining = byteCount;
        for (int i = 0; i < pageCount; ) {
            long pfn = pfns.get(PFN, pfnsOffset + 8L * i);
            if (!region.contains(pfn)) {
                Region found = findRegion(pfn);
                if (found == null) {
                    out.clear();
                    return false;
                }
                region = found;
                recent = found;
            }
            long index = pfn - region.firstPfn();
            // The run of neighbours from here, as far as this region goes.
            int runEnd = i + (int) Math.min(pageCount - i, region.pages() - index);
            int run = i + 1;
            while (run < runEnd && pfns.get(PFN, pfnsOffset + 8L * run) == pfn + (run - i)) {
                run++;
            }
            PageBits shown = region.shown();
            if (shown != null && !shown.areSet(index, run - i)) {
                out.clear();
                return false;
            }
            long bytes = Math.min(((long) (run - i) << HvPage.SHIFT) - offsetInPage, remaining);
            MemorySegment memory = region.mapped().segment();
            if (!out.add(memory, (index << HvPage.SHIFT) + offsetInPage, bytes)) {
                out.clear();
                return false;
            }
            remaining -= bytes;
            offsetInPage = 0;
            i = run;
        }
        return true;
    }

    /**
     * A contiguous view of pages that need not be neighbours, for rings.
     *
     * @return owned by the caller; independent of this object's life
     * @throws MemoryRefusedException if a page is not visible, or the view is beyond a limit
     */
    public synchronized Mapping mapPages(long[] pfns)
            throws MemoryRefusedException, LinuxException {
        if (closed) {
            throw new IllegalStateException("guest memory is closed");
        }
        if (pfns.length == 0 || pfns.length > limits.mappingPagesMax()) {
            throw new MemoryRefusedException(
                    "view of too many pages or none: mappingPagesMax=%d pages=%d"
                            .formatted(limits.mappingPagesMax(), pfns.length));
        }
        requireRuns(pfns);
        Mapping view = Mapping.reserve((long) pfns.length << HvPage.SHIFT);
        try {
            for (int i = 0; i < pfns.length; ) {
                Region region = visible(pfns[i]);
                int end = runEnd(pfns, i, region);
                long offset = region.offset() + ((pfns[i] - region.firstPfn()) << HvPage.SHIFT);
                long bytes = (long) (end - i) << HvPage.SHIFT;
                view.mapShared((long) i << HvPage.SHIFT, region.descriptor(), offset, bytes);
                i = end;
            }
            return view;
        } catch (LinuxException | RuntimeException e) {
            view.close();
            throw e;
        }
    }

    /** Pages this host can see. */
    public synchronized long visiblePageCount() {
        return visiblePages;
    }

    /** Whether this host can see a page. */
    public boolean isVisible(long pfn) {
        return find(pfn) != null;
    }

    /** Unmaps everything; a second close does nothing. */
    @Override
    public synchronized void close() {
        closed = true;
        for (Region region : regions) {
            region.descriptor().close();
            region.mapped().close();
        }
        regions = new Region[0];
        recent = NOWHERE;
        mappedPages = 0;
        visiblePages = 0;
    }

    private void append(Region asked) throws LinuxException {
        long bytes = asked.pages() << HvPage.SHIFT;
        Fd own = asked.descriptor().duplicate();
        Mapping mapping;
        try {
            mapping = Mapping.shared(own, asked.offset(), bytes);
        } catch (LinuxException | RuntimeException e) {
            own.close();
            throw e;
        }
        Region[] before = regions;
        Region[] after = Arrays.copyOf(before, before.length + 1);
        after[before.length] =
                new Region(
                        asked.firstPfn(),
                        asked.pages(),
                        mapping,
                        own,
                        asked.offset(),
                        asked.shown());
        mappedPages += asked.pages();
        visiblePages += asked.shown() == null ? asked.pages() : 0;
        regions = after;
    }

    private void requireRuns(long[] pfns) throws MemoryRefusedException {
        int runs = 0;
        for (int i = 0; i < pfns.length; i = runEnd(pfns, i, visible(pfns[i]))) {
            runs++;
        }
        if (runs > limits.mappingRunsMax()) {
            throw new MemoryRefusedException(
                    "view of pages too scattered: mappingRunsMax=%d runs=%d"
                            .formatted(limits.mappingRunsMax(), runs));
        }
    }

    private static int runEnd(long[] pfns, int from, Region region) {
        int end = from + 1;
        PageBits shown = region.shown();
        while (end < pfns.length
                && pfns[end] == pfns[end - 1] + 1
                && region.contains(pfns[end])
                && (shown == null || shown.areSet(pfns[end] - region.firstPfn(), 1))) {
            end++;
        }
        return end;
    }

    private Region visible(long pfn) throws MemoryRefusedException {
        Region region = find(pfn);
        if (region == null) {
            throw new MemoryRefusedException("page is not visible: pfn=0x" + Long.toHexString(pfn));
        }
        return region;
    }

    /** The region of a page that is visible. */
    private @Nullable Region find(long pfn) {
        Region region = findRegion(pfn);
        PageBits shown = region == null ? null : region.shown();
        return region != null && (shown == null || shown.areSet(pfn - region.firstPfn(), 1))
                ? region
                : null;
    }

    private @Nullable Region findRegion(long pfn) {
        for (Region region : regions) {
            if (region.contains(pfn)) {
                return region;
            }
        }
        return null;
    }
}
