package dev.airlock.vmm.memory;

import dev.airlock.linux.KvmVm;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.SharedRegion;
import dev.airlock.vmm.boot.GuestRam;
import dev.airlock.vmm.boot.RamLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All memory of a virtual machine: one piece below 3 GiB, the rest from 4 GiB on.
 *
 * <p>A machine that is not isolated has one backing, which the host process has too. An isolated
 * one has two, both as large as the guest: a private memfd that never leaves this process, and a
 * shared one whose pages the host may touch once they are visible. The guest finds the private one
 * at a page's address and the shared one at the same address with the <em>boundary</em> bit set
 * (shared-GPA boundary, "virtual top of memory"). Each page exists in one of the two; its other
 * alias cannot be touched, so that an access by the wrong one ends the guest's run with EFAULT
 * instead of reading what is not there. Kernels before 6.2 reach visible pages of a VBS guest
 * without the bit, which Hyper-V lets them: {@link #admitPlainAlias} does too, once it was seen.
 *
 * <p>Thread-safe. Lives longer than the machine's processors.
 */
public final class MachineMemory implements GuestRam, AutoCloseable {
    private static final long HIGH_BASE = RamLayout.ABOVE_HOLE;

    /** {@link #boundaryBit} of a machine that is not isolated. */
    public static final int NO_BOUNDARY = -1;

    /**
     * Runs of visible pages, at most: each costs the kernel some map areas, of which a process has
     * 65,530 ({@code vm.max_map_count}).
     */
    static final int RUNS_MAX = 12_000;

    private final long bytes;
    private final int boundaryBit;

    /** What is visible, or everything where nothing is private. */
    private final Backing shared;

    private final @Nullable Backing hidden;
    private final BitSet visible = new BitSet();
    private final Object lock = new Object();

    /** Whether a visible page can be reached without the boundary's bit. */
    private volatile boolean plainAliasAdmitted;

    private volatile HostView host = HostView.NONE;
    private int runs;
    private long shownEver;
    private long takenBackEver;
    private long mostVisible;
    private long strayEver;

    private MachineMemory(long bytes, int boundaryBit) throws LinuxException {
        this.bytes = bytes;
        this.boundaryBit = boundaryBit;
        shared = Backing.create("airlock-shared", bytes);
        try {
            hidden = boundaryBit == NO_BOUNDARY ? null : Backing.create("airlock-private", bytes);
            if (hidden != null) {
                shared.guest().protect(0, bytes, false);
            }
        } catch (LinuxException | RuntimeException e) {
            shared.close();
            throw e;
        }
    }

    /**
     * Makes the memory and gives it to a machine.
     *
     * @param bytes a multiple of 4096
     * @param boundaryBit of guest-physical addresses, above all memory, or {@link #NO_BOUNDARY}
     */
    public static MachineMemory create(KvmVm vm, long bytes, int boundaryBit)
            throws LinuxException {
        MachineMemory memory = new MachineMemory(bytes, boundaryBit);
        try {
            memory.giveTo(vm);
            return memory;
        } catch (LinuxException | RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    /** Memory that no machine has, for tests of what reads and writes it. */
    public static MachineMemory unattached(long bytes, int boundaryBit) throws LinuxException {
        return new MachineMemory(bytes, boundaryBit);
    }

    private void giveTo(KvmVm vm) throws LinuxException {
        long low = Math.min(bytes, RamLayout.HOLE);
        Backing usual = hidden != null ? hidden : shared;
        vm.setMemory(0, 0, usual.guest().segment().asSlice(0, low));
        if (bytes > low) {
            vm.setMemory(1, HIGH_BASE, usual.guest().segment().asSlice(low));
        }
        if (hidden != null) {
            long alias = 1L << boundaryBit;
            vm.setMemory(2, alias, shared.guest().segment().asSlice(0, low));
            if (bytes > low) {
                vm.setMemory(3, alias | HIGH_BASE, shared.guest().segment().asSlice(low));
            }
        }
    }

    /** Bytes of memory, the hole not counted. */
    public long bytes() {
        return bytes;
    }

    /** Whether pages are private until the guest shows them. */
    public boolean isIsolated() {
        return hidden != null;
    }

    /** The bit that tells the shared alias of a page from the private one. */
    public int boundaryBit() {
        return boundaryBit;
    }

    /** What the host process is given; the descriptors stay owned by this object. */
    public List<SharedRegion> regions() {
        long low = Math.min(bytes, RamLayout.HOLE);
        List<SharedRegion> regions = new ArrayList<>();
        regions.add(new SharedRegion(0, low, shared.memfd(), 0));
        if (bytes > low) {
            regions.add(new SharedRegion(HIGH_BASE, bytes - low, shared.memfd(), low));
        }
        return regions;
    }

    /** Tells {@code view} what is visible now, and of each change from now on. */
    public void attach(HostView view) throws IOException {
        synchronized (lock) {
            for (int from = visible.nextSetBit(0); from >= 0; ) {
                int to = visible.nextClearBit(from);
                tell(view, from, to, true);
                from = visible.nextSetBit(to);
            }
            host = view;
        }
    }

    /**
     * The memory that holds an address now, as this process reads and writes it; {@link #offset} is
     * where in it. What the address means may change at any time, by the guest's own doing: what is
     * read through a page that has moved is stale, and harmless.
     *
     * @param gpa either alias
     * @return null where there is no memory, or the alias is not the page's
     */
    public @Nullable MemorySegment base(long gpa) {
        long plain = plain(gpa);
        long at = offset(plain);
        if (at < 0) {
            return null;
        }
        Backing other = hidden;
        if (other == null) {
            return plain == gpa ? shared.own().segment() : null;
        }
        boolean isShown;
        synchronized (lock) {
            isShown = visible.get((int) (at >>> HvPage.SHIFT));
        }
        if (isShown) {
            return shared.own().segment();
        }
        return plain == gpa ? other.own().segment() : null;
    }

    /** Where {@link #base} holds an address; -1 where there is no memory. */
    public long offset(long gpa) {
        long plain = plain(gpa);
        long low = Math.min(bytes, RamLayout.HOLE);
        if (plain >= 0 && plain < low) {
            return plain;
        }
        return plain >= HIGH_BASE && plain - HIGH_BASE < bytes - low ? plain - HIGH_BASE + low : -1;
    }

    /**
     * A copy of guest memory that lies within one page.
     *
     * @return null where there is no such memory
     */
    public byte @Nullable [] read(long gpa, int count) {
        MemorySegment from = base(gpa);
        if (from == null || (gpa & HvPage.MASK) + count > HvPage.SIZE) {
            return null;
        }
        byte[] copy = new byte[count];
        MemorySegment.copy(from, offset(gpa), MemorySegment.ofArray(copy), 0, count);
        return copy;
    }

    /** Memory as the machine starts with it, for the boot loader: private where pages can be. */
    @Override
    public MemorySegment slice(long gpa, long count) {
        long at = offset(gpa);
        if (at < 0 || count <= 0 || offset(gpa + count - 1) != at + count - 1) {
            throw new IndexOutOfBoundsException(
                    "no such memory: gpa=0x%x bytes=%d".formatted(gpa, count));
        }
        Backing usual = hidden != null ? hidden : shared;
        return usual.own().segment().asSlice(at, count);
    }

    /**
     * Shows a run of pages to the host, or takes it back. Their contents are carried over; what
     * they were is gone from the backing that they leave, so that a page taken back is gone from
     * the host when this returns.
     *
     * @param pfn first page, without the boundary's bit
     * @return false when there is no such memory, nothing is private here, or the pages would be
     *     too scattered
     * @throws IOException when the kernel or the host's socket fails; the machine cannot go on
     */
    public boolean setVisible(long pfn, long pages, boolean show) throws IOException {
        Backing other = hidden;
        if (other == null || pages <= 0 || pfn < 0 || pages > bytes >>> HvPage.SHIFT) {
            return false;
        }
        long first = offset(pfn << HvPage.SHIFT);
        long last = offset((pfn + pages << HvPage.SHIFT) - 1);
        if (first < 0 || last != first + (pages << HvPage.SHIFT) - 1) {
            return false;
        }
        int from = (int) (first >>> HvPage.SHIFT);
        int to = from + (int) pages;
        synchronized (lock) {
            while (from < to) {
                int next = show ? visible.nextClearBit(from) : visible.nextSetBit(from);
                if (next < 0 || next >= to) {
                    return true;
                }
                int end = show ? visible.nextSetBit(next) : visible.nextClearBit(next);
                end = end < 0 ? to : Math.min(end, to);
                if (!fits(next, end, show)) {
                    return false;
                }
                move(other, next, end, show);
                from = end;
            }
            return true;
        }
    }

    /** Whether the guest was seen to reach visible pages without the boundary's bit. */
    public boolean isPlainAliasAdmitted() {
        return plainAliasAdmitted;
    }

    /** Lets the guest reach visible pages without the boundary's bit, from now on. */
    public void admitPlainAlias() throws IOException {
        Backing other = hidden;
        synchronized (lock) {
            if (other == null || plainAliasAdmitted) {
                return;
            }
            for (int from = visible.nextSetBit(0); from >= 0; ) {
                int to = visible.nextClearBit(from);
                long at = (long) from << HvPage.SHIFT;
                other.guest().mapShared(at, shared.memfd(), at, (long) (to - from) << HvPage.SHIFT);
                from = visible.nextSetBit(to);
            }
            plainAliasAdmitted = true;
        }
    }

    /** What happened to visibility so far. */
    public VisibilityCounts visibility() {
        synchronized (lock) {
            long now = visible.cardinality();
            return new VisibilityCounts(
                    hidden == null ? bytes >>> HvPage.SHIFT : now,
                    Math.max(now, mostVisible),
                    shownEver,
                    takenBackEver);
        }
    }

    /**
     * Pages that the host was seen to have touched while they were not visible: the shared backing
     * holds something where nothing may be. Such a page is counted once for each time it was
     * private. Always 0 where nothing is private. Walks the backing: for a look now and then. The
     * kernel gives a shared memfd single pages unless told otherwise ({@code
     * /sys/kernel/mm/transparent_hugepage/shmem_enabled}); with huge ones a neighbour counts, too.
     */
    public long strayPages() throws IOException {
        if (hidden == null) {
            return 0;
        }
        synchronized (lock) {
            return strayEver + shared.pagesHeldOutside(visible, (int) (bytes >>> HvPage.SHIFT));
        }
    }

    /** Pages of the longest run that is visible now; 0 where nothing is private. */
    public long longestVisibleRun() {
        synchronized (lock) {
            int longest = 0;
            for (int from = visible.nextSetBit(0); from >= 0; ) {
                int to = visible.nextClearBit(from);
                longest = Math.max(longest, to - from);
                from = visible.nextSetBit(to);
            }
            return longest;
        }
    }

    @Override
    public void close() {
        shared.close();
        Backing other = hidden;
        if (other != null) {
            other.close();
        }
    }

    private long plain(long gpa) {
        return boundaryBit == NO_BOUNDARY ? gpa : gpa & ~(1L << boundaryBit);
    }

    /** Keeps account of the runs of visible pages; false when this change would make too many. */
    private boolean fits(int from, int to, boolean show) {
        boolean before = from > 0 && visible.get(from - 1);
        boolean after = visible.get(to);
        // Showing joins neighbours to one run; taking back leaves each of them one.
        int neighbours = (before ? 1 : 0) + (after ? 1 : 0);
        int more = show ? 1 - neighbours : neighbours - 1;
        if (runs + more > RUNS_MAX) {
            return false;
        }
        runs += more;
        return true;
    }

    private void move(Backing other, int from, int to, boolean show) throws IOException {
        Backing source = show ? other : shared;
        Backing target = show ? shared : other;
        long at = (long) from << HvPage.SHIFT;
        long count = (long) (to - from) << HvPage.SHIFT;
        if (!show) {
            tell(host, from, to, false);
        }
        other.guest().protect(at, count, false);
        shared.guest().protect(at, count, false);
        if (show) {
            // Nothing, unless somebody touched what was not visible.
            strayEver += target.pagesHeld(from, to);
        }
        target.drop(at, count);
        source.copyTo(target, at, count);
        source.drop(at, count);
        if (show) {
            shared.guest().protect(at, count, true);
            if (plainAliasAdmitted) {
                other.guest().mapShared(at, shared.memfd(), at, count);
            }
        } else {
            other.guest().mapShared(at, other.memfd(), at, count);
        }
        visible.set(from, to, show);
        mostVisible = Math.max(mostVisible, visible.cardinality());
        if (show) {
            shownEver += to - from;
            tell(host, from, to, true);
        } else {
            takenBackEver += to - from;
        }
    }

    private void tell(HostView view, int from, int to, boolean show) throws IOException {
        int lowPages = (int) (Math.min(bytes, RamLayout.HOLE) >>> HvPage.SHIFT);
        int split = Math.clamp(lowPages, from, to);
        long shift = HIGH_BASE - ((long) lowPages << HvPage.SHIFT);
        if (split > from) {
            view.visibilityChanged(
                    (long) from << HvPage.SHIFT, (long) (split - from) << HvPage.SHIFT, show);
        }
        if (to > split) {
            view.visibilityChanged(
                    ((long) split << HvPage.SHIFT) + shift,
                    (long) (to - split) << HvPage.SHIFT,
                    show);
        }
    }
}
