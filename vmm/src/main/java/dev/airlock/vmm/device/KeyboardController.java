package dev.airlock.vmm.device;

/**
 * What is left of an 8042: ports 0x60 and 0x64 without keyboard or mouse. Its one use is the
 * command that pulses the processor's reset line, by which Linux reboots with {@code reboot=k}.
 * Source: Linux {@code native_machine_emergency_restart}, BOOT_KBD.
 */
public final class KeyboardController extends BytePorts {

    public static final int FIRST_PORT = 0x60;
    public static final int PORT_COUNT = 1;
    public static final int COMMAND_PORT = 0x64;

    /** Pulse output lines; a zero in bit 0 is the reset line. */
    private static final int PULSE = 0xF0;

    private static final int PULSE_MASK = 0xF0;
    private static final int NO_RESET = 0x01;

    private final MachineEvent.Listener listener;

    public KeyboardController(MachineEvent.Listener listener) {
        super(COMMAND_PORT + 1);
        this.listener = listener;
    }

    /** Nothing to read, and ready for a command: both buffers empty. */
    @Override
    int readByte(int port) {
        return 0;
    }

    @Override
    void writeByte(int port, int value) {
        if (port == COMMAND_PORT && (value & PULSE_MASK) == PULSE && (value & NO_RESET) == 0) {
            listener.on(MachineEvent.RESET);
        }
    }
}
