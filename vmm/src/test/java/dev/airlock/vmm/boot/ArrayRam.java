package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;

/** Guest memory in an array: the piece below the hole. What nobody wrote is 0xAA. */
final class ArrayRam implements GuestRam {

    static final byte UNTOUCHED = (byte) 0xAA;

    private final MemorySegment memory;

    ArrayRam(RamLayout layout) {
        memory = MemorySegment.ofArray(new byte[(int) layout.belowHoleBytes()]).fill(UNTOUCHED);
    }

    @Override
    public MemorySegment slice(long gpa, long bytes) {
        return memory.asSlice(gpa, bytes);
    }

    byte[] read(long gpa, int bytes) {
        byte[] copy = new byte[bytes];
        MemorySegment.copy(memory, gpa, MemorySegment.ofArray(copy), 0, bytes);
        return copy;
    }
}
