package dev.airlock.vmm.device;

import dev.airlock.vmm.acpi.Platform;

/**
 * The ACPI sleep registers and the reset register, at the ports that the FADT tells (ACPI 6.5,
 * 4.8.3.6 and 4.8.3.7). Soft off is the only sleep state; others are ignored, as the DSDT names
 * none.
 */
public final class PowerPorts extends BytePorts {

    public static final int FIRST_PORT = Platform.SLEEP_CONTROL_PORT;
    public static final int PORT_COUNT = Platform.RESET_PORT - FIRST_PORT + 1;

    /** SLEEP_CONTROL_REG: SLP_EN, and SLP_TYP in bits 4:2. */
    private static final int SLEEP_ENABLE = 1 << 5;

    private static final int SLEEP_TYPE_SHIFT = 2;
    private static final int SLEEP_TYPE_MASK = 0x7;

    private final MachineEvent.Listener listener;

    public PowerPorts(MachineEvent.Listener listener) {
        super(FIRST_PORT + PORT_COUNT);
        this.listener = listener;
    }

    /** The sleep registers read zero: never woken. */
    @Override
    int readByte(int port) {
        return 0;
    }

    @Override
    void writeByte(int port, int value) {
        if (port == Platform.SLEEP_CONTROL_PORT) {
            int type = value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK;
            if ((value & SLEEP_ENABLE) != 0 && type == Platform.SLEEP_TYPE_SOFT_OFF) {
                listener.on(MachineEvent.POWER_OFF);
            }
        } else if (port == Platform.RESET_PORT && value == Platform.RESET_VALUE) {
            listener.on(MachineEvent.RESET);
        }
    }
}
