package dev.airlock.memory;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A guest's physical memory, in the guest's own process. Isolated: private memory, of which no
 * other process has a mapping or a descriptor, followed by host-visible memory in a sealed memfd.
 * Shared: one memfd is all of it.
 *
 * <p>Thread-safe. Owned by who made it; everything that uses it ends before {@link #close}. Nothing
 * is populated beforehand: pages come with their first touch. Private memory is left out of core
 * dumps.
 */
public final class GuestMemory implements AutoCloseable {
    private final Mapping mapping;
    private final Fd memfd;
    private final long visibleGpa;
    private final PageAllocator privatePages;
    private final PageAllocator visiblePages;
    private final List<SharedRegion> sharedRegions;

    private GuestMemory(Mapping mapping, Fd memfd, long privateBytes, long visibleBytes) {
        this.mapping = mapping;
        this.memfd = memfd;
        visibleGpa = privateBytes;
        visiblePages = new PageAllocator(privateBytes, visibleBytes);
        privatePages = privateBytes == 0 ? visiblePages : new PageAllocator(0, privateBytes);
        sharedRegions = List.of(new SharedRegion(privateBytes, visibleBytes, memfd, 0));
    }

    /**
     * Memory of an isolated guest.
     *
     * @param privateBytes at guest-physical address 0, whole pages, at least two
     * @param visibleBytes after that, whole pages, at least one
     */
    public static GuestMemory isolated(long privateBytes, long visibleBytes) throws LinuxException {
        requirePages("privateBytes", privateBytes, 2);
        requirePages("visibleBytes", visibleBytes, 1);
        return create(privateBytes, visibleBytes);
    }

    /** Memory of a guest that trusts its host with all of it: whole pages, at least two. */
    public static GuestMemory shared(long bytes) throws LinuxException {
        requirePages("bytes", bytes, 2);
        return create(0, bytes);
    }

    /**
     * All of it; the offset in the segment is the guest-physical address. Throws when used after
     * {@link #close}.
     */
    public MemorySegment bytes() {
        return mapping.segment();
    }

    /**
     * Pages that the host cannot see; if nothing is private, the same object as {@link
     * #visiblePages}.
     */
    public PageAllocator privatePages() {
        return privatePages;
    }

    /** Pages that the host can see. */
    public PageAllocator visiblePages() {
        return visiblePages;
    }

    /**
     * Whether the host can see every byte of a range, which must be inside the memory; an empty one
     * is not visible.
     */
    public boolean isVisible(long gpa, long bytes) {
        return gpa >= visibleGpa && bytes > 0 && gpa <= mapping.bytes() - bytes;
    }

    /** Whether the host cannot see some of this memory. */
    public boolean isIsolated() {
        return visibleGpa > 0;
    }

    /**
     * Gives host-visible pages back to the system; they read as zeroes when they are used again.
     *
     * @param gpa page-aligned
     * @param bytes whole pages, all visible
     */
    public void discardVisible(long gpa, long bytes) throws LinuxException {
        if (!HvPage.isAligned(gpa) || !HvPage.isAligned(bytes) || !isVisible(gpa, bytes)) {
            throw new IllegalArgumentException("not visible pages: gpa=" + gpa + " bytes=" + bytes);
        }
        int mode = FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE;
        FileIo.fallocate(memfd, mode, gpa - visibleGpa, bytes);
    }

    /** What to pass to the host. */
    public List<SharedRegion> sharedRegions() {
        return sharedRegions;
    }

    /** Pages that no other process can map. */
    public long privatePageCount() {
        return visibleGpa >>> HvPage.SHIFT;
    }

    /** Pages that the host can map. */
    public long visiblePageCount() {
        return (mapping.bytes() - visibleGpa) >>> HvPage.SHIFT;
    }

    /** Unmaps it all and closes the memfd; a second close does nothing. */
    @Override
    public void close() {
        memfd.close();
        mapping.close();
    }

    private static GuestMemory create(long privateBytes, long visibleBytes) throws LinuxException {
        Fd memfd = Memfd.create("airlock-guest", visibleBytes);
        try {
            Mapping mapping = Mapping.reserve(Math.addExact(privateBytes, visibleBytes));
            try {
                if (privateBytes > 0) {
                    mapping.mapAnonymous(0, privateBytes);
                }
                mapping.mapShared(privateBytes, memfd, 0, visibleBytes);
                return new GuestMemory(mapping, memfd, privateBytes, visibleBytes);
            } catch (LinuxException | RuntimeException e) {
                mapping.close();
                throw e;
            }
        } catch (LinuxException | RuntimeException e) {
            memfd.close();
            throw e;
        }
    }

    private static void requirePages(String name, long bytes, int pagesMin) {
        if (!HvPage.isAligned(bytes) || bytes < (long) pagesMin * HvPage.SIZE) {
            throw new IllegalArgumentException(
                    "guest memory must be whole pages of 4096 bytes, at least %d: %s=%d"
                            .formatted(pagesMin, name, bytes));
        }
    }
}
