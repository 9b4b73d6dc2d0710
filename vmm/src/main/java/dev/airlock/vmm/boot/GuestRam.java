package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * The guest's memory by guest-physical address, as the one who fills it before boot sees it. Not
 * used while the guest runs; one thread.
 */
public interface GuestRam {

    /**
     * The memory of a range, valid as long as the guest's memory is.
     *
     * @param gpa first guest-physical address
     * @param bytes length; the range must lie in one piece of RAM
     * @throws IndexOutOfBoundsException if there is no RAM at a part of it
     */
    MemorySegment slice(long gpa, long bytes);

    /** Copies bytes to guest memory, as {@link #slice} finds it. */
    default void write(long gpa, byte[] bytes) {
        slice(gpa, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }
}
