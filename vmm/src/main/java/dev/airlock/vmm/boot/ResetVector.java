package dev.airlock.vmm.boot;

import dev.airlock.vmm.acpi.Platform;

/**
 * What a machine without firmware has where firmware begins: a program that resets the machine.
 * Linux ends there when it restarts by the BIOS ({@code machine_real_restart}, {@code MRR_BIOS}),
 * in real mode, by a jump to FFFF:0000. Stateless.
 */
public final class ResetVector {
    private static final long GPA = 0xF_FFF0;

    private static final byte[] CODE = {
        (byte) 0xBA,
        (byte) Platform.RESET_PORT,
        (byte) (Platform.RESET_PORT >> 8), // mov dx, port
        (byte) 0xB0,
        Platform.RESET_VALUE, // mov al, value
        (byte) 0xEE, // out dx, al
        (byte) 0xEB,
        (byte) 0xFD, // again: jmp to the out
    };

    private ResetVector() {}

    /** Puts it into memory. */
    public static void write(GuestRam ram) {
        ram.write(GPA, CODE);
    }
}
