package dev.airlock.vmm.memory;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import dev.airlock.memory.HvPage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * One memfd as large as the guest's memory, as the guest has it and as this process reads it. Owns
 * all three.
 *
 * @param guest what KVM is given; pages that the guest must not touch are protected in it
 * @param own always whole
 */
record Backing(Fd memfd, Mapping guest, Mapping own) {
    private static final int PUNCH = FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE;

    static Backing create(String name, long bytes) throws LinuxException {
        Fd memfd = Memfd.create(name, bytes);
        try {
            Mapping guest = Mapping.reserve(bytes);
            guest.mapShared(0, memfd, 0, bytes);
            return new Backing(memfd, guest, Mapping.shared(memfd, 0, bytes));
        } catch (LinuxException | RuntimeException e) {
            memfd.close();
            throw e;
        }
    }

    /** Makes a range read as zeroes, for everybody who has the memfd. */
    void drop(long at, long count) throws IOException {
        FileIo.fallocate(memfd, PUNCH, at, count);
    }

    /** Copies what was ever written or read of a range to the same place of another. */
    void copyTo(Backing target, long at, long count) throws IOException {
        long end = at + count;
        long data = FileIo.seekData(memfd, at);
        while (data >= 0 && data < end) {
            long hole = Math.min(end, FileIo.seekHole(memfd, data));
            MemorySegment.copy(own.segment(), data, target.own.segment(), data, hole - data);
            data = hole < end ? FileIo.seekData(memfd, hole) : end;
        }
    }

    /** Pages of a range that hold something, since somebody wrote or read them. */
    long pagesHeld(int from, int to) throws IOException {
        long pages = 0;
        long end = (long) to << HvPage.SHIFT;
        long data = FileIo.seekData(memfd, (long) from << HvPage.SHIFT);
        while (data >= 0 && data < end) {
            long hole = Math.min(end, FileIo.seekHole(memfd, data));
            pages += hole - data >>> HvPage.SHIFT;
            data = hole < end ? FileIo.seekData(memfd, hole) : end;
        }
        return pages;
    }

    /** As {@link #pagesHeld}, of all pages below {@code end} that are not in a set. */
    long pagesHeldOutside(BitSet pages, int end) throws IOException {
        long held = 0;
        for (int from = pages.nextClearBit(0); from < end; ) {
            int next = pages.nextSetBit(from);
            int to = next < 0 ? end : next;
            held += pagesHeld(from, to);
            from = pages.nextClearBit(to);
        }
        return held;
    }

    void close() {
        guest.close();
        own.close();
        memfd.close();
    }
}
