package dev.airlock.vmm.hyperv;

import java.lang.foreign.MemorySegment;

/**
 * The page a guest calls to reach the hypervisor (TLFS, Hypercall Interface), filled with code of
 * ours: a call goes out by a write to {@link HypercallPorts#CALL}. The signal of an event, which a
 * busy guest makes for each batch of I/O, goes by {@link HypercallPorts#SIGNAL} with the connection
 * id as what is written, and RDX, cleared before, becomes its result.
 */
final class HypercallPage {
    /** HvCallSignalEvent (0x5D) with the fast bit (16). */
    private static final int FAST_SIGNAL_EVENT = 0x1_005D;

    private static final byte[] CODE = {
        (byte) 0xF3,
        0x0F,
        0x1E,
        (byte) 0xFA, // endbr64
        (byte) 0x81,
        (byte) 0xF9, // cmp ecx, imm32
        (byte) FAST_SIGNAL_EVENT,
        (byte) (FAST_SIGNAL_EVENT >> 8),
        (byte) (FAST_SIGNAL_EVENT >> 16),
        0,
        0x75,
        0x09, // jne call
        (byte) 0x89,
        (byte) 0xD0, // mov eax, edx
        0x31,
        (byte) 0xD2, // xor edx, edx
        (byte) 0xE7,
        (byte) HypercallPorts.SIGNAL, // out imm8, eax
        (byte) 0x89,
        (byte) 0xD0, // mov eax, edx
        (byte) 0xC3, // ret
        (byte) 0xE7,
        (byte) HypercallPorts.CALL, // call: out imm8, eax
        (byte) 0xC3, // ret
    };

    private HypercallPage() {}

    /** Writes the code; the rest of the page is left alone. */
    static void write(MemorySegment memory, long at) {
        MemorySegment.copy(MemorySegment.ofArray(CODE), 0, memory, at, CODE.length);
    }
}
