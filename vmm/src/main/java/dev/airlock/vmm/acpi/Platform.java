package dev.airlock.vmm.acpi;

/** Addresses of the machine that its tables tell and its devices answer at. */
public final class Platform {

    /** Local APIC, the same for each vCPU (Intel SDM volume 3, 11.4.1). */
    public static final long LOCAL_APIC = 0xFEE0_0000L;

    /** The only IO-APIC: global interrupts from 0, at its usual address. */
    public static final long IO_APIC = 0xFEC0_0000L;

    /** Addresses for the memory of VMBus devices: up to the IO-APIC. */
    public static final long VMBUS_MMIO = 0xF800_0000L;

    public static final long VMBUS_MMIO_BYTES = IO_APIC - VMBUS_MMIO;

    /** COM1. */
    public static final int SERIAL_PORT = 0x3F8;

    public static final int SERIAL_PORTS = 8;

    /** Global interrupt of COM1, edge triggered, at the IO-APIC. */
    public static final int SERIAL_GSI = 4;

    /** The real-time clock's index and data. */
    public static final int CLOCK_PORT = 0x70;

    public static final int CLOCK_PORTS = 2;

    /** The clock's register that holds the century. */
    public static final int CLOCK_CENTURY = 0x32;

    /** SLEEP_CONTROL_REG (ACPI 6.5, 4.8.3.7): one byte. */
    public static final int SLEEP_CONTROL_PORT = 0x600;

    /** SLEEP_STATUS_REG (ACPI 6.5, 4.8.3.7): one byte. */
    public static final int SLEEP_STATUS_PORT = 0x601;

    /** RESET_REG (ACPI 6.5, 4.8.3.6): one byte; {@link #RESET_VALUE} resets. */
    public static final int RESET_PORT = 0x602;

    public static final int RESET_VALUE = 1;

    /** SLP_TYP of S5, which {@code \_S5} tells: the machine goes off. */
    public static final int SLEEP_TYPE_SOFT_OFF = 5;

    /** {@code _STA} (ACPI 6.5, 6.3.7): present, enabled, shown, working. */
    static final int PRESENT_AND_WORKING = 0xF;

    private Platform() {}
}
