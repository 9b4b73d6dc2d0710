package dev.airlock.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory mapped into this process, or a reservation of address space into which memory is mapped
 * piece by piece. Owned by who made it. Thread-safe, but the pieces of a reservation are to be
 * placed by one thread at a time.
 *
 * <p>Closing unmaps. An access by Java code after that throws; an I/O that the kernel still does on
 * the memory is not stopped: end it first. Touching a part of a reservation with nothing mapped
 * kills the process, as does touching a file mapping beyond the end of its file (see {@link
 * Memfd#requireSealed}).
 */
public final class Mapping implements AutoCloseable {
    /** Everything is a multiple of this: offsets, sizes, places. */
    public static final int PAGE_BYTES = 4096;

    /** {@code asm-generic/mman-common.h}. */
    private static final int PROT_NONE = 0;

    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_SHARED = 0x01;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_FIXED = 0x10;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MADV_DONTDUMP = 16;

    private final Arena arena;
    private final MemorySegment segment;
    private final boolean reservation;

    private Mapping(long address, long bytes, boolean reservation) {
        this.reservation = reservation;
        arena = Arena.ofShared();
        segment =
                MemorySegment.ofAddress(address)
                        .reinterpret(bytes, arena, unmapped -> MemoryCalls.munmap(address, bytes));
    }

    /** Zeroed memory of this process alone, left out of core dumps. */
    public static Mapping anonymous(long bytes) throws LinuxException {
        Mapping mapping =
                map(
                        bytes,
                        PROT_READ_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        -1,
                        0,
                        false);
        return mapping.withoutDump(0, bytes);
    }

    /**
     * A part of a file, shared with everybody else who maps it. The descriptor may be closed
     * afterwards.
     */
    public static Mapping shared(Fd fd, long offset, long bytes) throws LinuxException {
        requirePages("offset", offset);
        int raw = fd.acquire();
        try {
            return map(bytes, PROT_READ_WRITE, MAP_SHARED, raw, offset, false);
        } finally {
            fd.release();
        }
    }

    /** Address space without memory. */
    public static Mapping reserve(long bytes) throws LinuxException {
        return map(bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, true);
    }

    /** Maps a part of a file at offset {@code at} of this reservation, replacing what is there. */
    public void mapShared(long at, Fd fd, long offset, long bytes) throws LinuxException {
        requirePages("offset", offset);
        int raw = fd.acquire();
        try {
            place(at, bytes, MAP_SHARED, raw, offset);
        } finally {
            fd.release();
        }
    }

    /**
     * Maps zeroed memory of this process alone at offset {@code at} of this reservation, left out
     * of core dumps.
     */
    public void mapAnonymous(long at, long bytes) throws LinuxException {
        place(at, bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        withoutDump(at, bytes);
    }

    /**
     * Takes away or gives back the right to touch a part: without it an access by the processor
     * faults and one by the kernel fails with EFAULT.
     */
    public void protect(long at, long bytes, boolean accessible) throws LinuxException {
        requirePages("at", at);
        requirePages("bytes", bytes);
        if (at > bytes() - bytes) {
            throw new IllegalArgumentException(
                    "outside the mapping: at=" + at + " bytes=" + bytes + " mapped=" + bytes());
        }
        int rights = accessible ? PROT_READ_WRITE : PROT_NONE;
        int result = MemoryCalls.mprotect(segment.address() + at, bytes, rights);
        if (result < 0) {
            throw new LinuxException("mprotect", "at=" + at + " bytes=" + bytes, -result);
        }
    }

    /** All of it. Using it after {@link #close} throws {@link IllegalStateException}. */
    public MemorySegment segment() {
        return segment;
    }

    /** Size in bytes. */
    public long bytes() {
        return segment.byteSize();
    }

    /** False once closed. */
    public boolean isOpen() {
        return arena.scope().isAlive();
    }

    /**
     * Unmaps; a second close does nothing.
     *
     * @throws IllegalStateException when a native call is using the segment right now; nothing is
     *     unmapped then
     */
    @Override
    public synchronized void close() {
        if (isOpen()) {
            arena.close();
        }
    }

    private synchronized void place(long at, long bytes, int flags, int raw, long offset)
            throws LinuxException {
        if (!reservation) {
            throw new IllegalStateException("not a reservation: bytes=" + bytes());
        }
        if (!isOpen()) {
            throw new IllegalStateException("reservation is closed: bytes=" + bytes());
        }
        requirePages("at", at);
        requirePages("bytes", bytes);
        if (bytes == 0 || at > bytes() - bytes) {
            throw new IllegalArgumentException(
                    "outside the reservation: at="
                            + at
                            + " bytes="
                            + bytes
                            + " reserved="
                            + bytes());
        }
        long address = segment.address() + at;
        long placed =
                MemoryCalls.mmap(address, bytes, PROT_READ_WRITE, flags | MAP_FIXED, raw, offset);
        if (placed < 0) {
            throw new LinuxException(
                    "mmap", "at=" + at + " bytes=" + bytes + " offset=" + offset, (int) -placed);
        }
    }

    private Mapping withoutDump(long at, long bytes) throws LinuxException {
        int result = MemoryCalls.madvise(segment.address() + at, bytes, MADV_DONTDUMP);
        if (result < 0) {
            close();
            throw new LinuxException("madvise", "advice=MADV_DONTDUMP bytes=" + bytes, -result);
        }
        return this;
    }

    private static Mapping map(
            long bytes, int protection, int flags, int raw, long offset, boolean reservation)
            throws LinuxException {
        requirePages("bytes", bytes);
        long address = MemoryCalls.mmap(0, bytes, protection, flags, raw, offset);
        if (address < 0) {
            throw new LinuxException(
                    "mmap", "bytes=" + bytes + " offset=" + offset, (int) -address);
        }
        return new Mapping(address, bytes, reservation);
    }

    private static void requirePages(String name, long value) {
        if (value < 0 || value % PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    name + " is not a multiple of 4096: " + name + "=" + value);
        }
    }
}
