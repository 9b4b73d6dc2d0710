package dev.airlock.vmm.device;

/**
 * Port 0x61, where a PC has the reason of an NMI, the speaker, and the output of its timer. No
 * error is ever reported, and the timer's output is high, so that a kernel that waits for it stops
 * waiting. Source: Linux {@code asm/nmi.h} NMI_REASON_*, {@code pit_calibrate_tsc}.
 */
public final class SystemControlPort extends BytePorts {

    public static final int PORT = 0x61;

    private static final int WRITABLE = 0x0F;
    private static final int TIMER_OUTPUT = 1 << 5;

    private volatile int written;

    public SystemControlPort() {
        super(PORT + 1);
    }

    @Override
    int readByte(int port) {
        return written | TIMER_OUTPUT;
    }

    @Override
    void writeByte(int port, int value) {
        written = value & WRITABLE;
    }
}
