package dev.airlock.vmm.device;

/**
 * The ports of PCI configuration mechanism #1 in a machine without PCI: all read as ones, which a
 * kernel takes for "no PCI". Port 0xCF9 lies within: it is the reset control register of Intel's
 * chipsets, and answers only to single bytes, so that an address written to 0xCF8 never resets.
 * Source: Linux {@code arch/x86/pci/direct.c}; {@code native_machine_emergency_restart}, BOOT_CF9.
 */
public final class PciHole implements PortDevice {

    public static final int FIRST_PORT = 0xCF8;
    public static final int PORT_COUNT = 8;

    private static final int RESET_CONTROL_PORT = 0xCF9;

    /** RST_CPU; the other bits tell what kind of reset, and all are the same here. */
    private static final int RESET_CPU = 1 << 2;

    private final MachineEvent.Listener listener;

    public PciHole(MachineEvent.Listener listener) {
        this.listener = listener;
    }

    @Override
    public int read(int port, int bytes) {
        // Linux reads the reset control register before it writes it.
        return port == RESET_CONTROL_PORT && bytes == 1 ? 0 : -1;
    }

    @Override
    public void write(int port, int bytes, int value) {
        if (port == RESET_CONTROL_PORT && bytes == 1 && (value & RESET_CPU) != 0) {
            listener.on(MachineEvent.RESET);
        }
    }
}
