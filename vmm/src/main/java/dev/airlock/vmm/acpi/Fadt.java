package dev.airlock.vmm.acpi;

/**
 * The fixed ACPI description table (ACPI 6.5, 5.2.9) of a hardware-reduced machine: no fixed
 * hardware but the sleep registers and the reset register, and so no FACS.
 */
final class Fadt {

    private static final int REVISION = 6;
    private static final int MINOR_REVISION = 5;
    private static final int BYTES = 276;

    // Offsets from the start of the table.
    private static final int DSDT_OFFSET = 40;
    private static final int CENTURY_OFFSET = 108;
    private static final int IAPC_BOOT_ARCH_OFFSET = 109;
    private static final int FLAGS_OFFSET = 112;
    private static final int RESET_REG_OFFSET = 116;
    private static final int RESET_VALUE_OFFSET = 128;
    private static final int MINOR_REVISION_OFFSET = 131;
    private static final int X_DSDT_OFFSET = 140;
    private static final int SLEEP_CONTROL_REG_OFFSET = 244;
    private static final int SLEEP_STATUS_REG_OFFSET = 256;

    // IAPC_BOOT_ARCH (5.2.9.3): a serial port counts as a legacy device; no keyboard controller
    // for input, no VGA; MSI works, and there is a CMOS clock.
    private static final int LEGACY_DEVICES = 1;
    private static final int VGA_NOT_PRESENT = 1 << 2;

    // Fixed feature flags (5.2.9, table 5.10).
    private static final int WBINVD = 1;
    private static final int PROC_C1 = 1 << 2;
    private static final int NO_FIXED_POWER_BUTTON = 1 << 4;
    private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;
    private static final int NO_FIXED_CLOCK_WAKE = 1 << 6;
    private static final int RESET_REG_SUP = 1 << 10;
    private static final int HEADLESS = 1 << 12;
    private static final int HW_REDUCED_ACPI = 1 << 20;

    // Generic address structure (5.2.3.2): space, width, offset, access size, address.
    private static final int SYSTEM_IO = 1;
    private static final int BYTE_ACCESS = 1;

    private Fadt() {}

    static byte[] build(long dsdtGpa) {
        byte[] body = new byte[BYTES - Table.HEADER_BYTES];
        put(body, DSDT_OFFSET, new Bytes().u32(dsdtGpa));
        put(body, CENTURY_OFFSET, new Bytes().u8(Platform.CLOCK_CENTURY));
        put(body, IAPC_BOOT_ARCH_OFFSET, new Bytes().u16(LEGACY_DEVICES | VGA_NOT_PRESENT));
        int flags =
                WBINVD
                        | PROC_C1
                        | NO_FIXED_POWER_BUTTON
                        | NO_FIXED_SLEEP_BUTTON
                        | NO_FIXED_CLOCK_WAKE
                        | RESET_REG_SUP
                        | HEADLESS
                        | HW_REDUCED_ACPI;
        put(body, FLAGS_OFFSET, new Bytes().u32(flags));
        put(body, RESET_REG_OFFSET, port(Platform.RESET_PORT));
        put(body, RESET_VALUE_OFFSET, new Bytes().u8(Platform.RESET_VALUE));
        put(body, MINOR_REVISION_OFFSET, new Bytes().u8(MINOR_REVISION));
        put(body, X_DSDT_OFFSET, new Bytes().u64(dsdtGpa));
        put(body, SLEEP_CONTROL_REG_OFFSET, port(Platform.SLEEP_CONTROL_PORT));
        put(body, SLEEP_STATUS_REG_OFFSET, port(Platform.SLEEP_STATUS_PORT));
        return Table.of("FACP", REVISION, body);
    }

    private static Bytes port(int port) {
        return new Bytes().u8(SYSTEM_IO).u8(Byte.SIZE).u8(0).u8(BYTE_ACCESS).u64(port);
    }

    private static void put(byte[] body, int tableOffset, Bytes value) {
        byte[] bytes = value.toArray();
        System.arraycopy(bytes, 0, body, tableOffset - Table.HEADER_BYTES, bytes.length);
    }
}
