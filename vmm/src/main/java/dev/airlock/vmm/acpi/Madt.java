package dev.airlock.vmm.acpi;

/**
 * The multiple APIC description table (ACPI 6.5, 5.2.12): a local APIC for each vCPU, whose id is
 * the vCPU's index, and one IO-APIC.
 */
final class Madt {

    private static final int REVISION = 5;

    /** No PCAT_COMPAT: there is no 8259 that the kernel had to mask. */
    private static final int FLAGS = 0;

    private static final int LOCAL_APIC = 0;
    private static final int LOCAL_APIC_BYTES = 8;
    private static final int IO_APIC = 1;
    private static final int IO_APIC_BYTES = 12;

    /** What the id register of KVM's IO-APIC holds after reset. */
    private static final int IO_APIC_ID = 0;

    private static final int SOURCE_OVERRIDE = 2;
    private static final int SOURCE_OVERRIDE_BYTES = 10;
    private static final int LOCAL_X2APIC = 9;
    private static final int LOCAL_X2APIC_BYTES = 16;

    private static final int ENABLED = 1;

    /** The first APIC id that an entry for a local APIC cannot name: 255 means all of them. */
    private static final int FIRST_X2APIC_ID = 0xFF;

    // MPS INTI flags (table 5.26): active high, edge triggered.
    private static final int EDGE_HIGH = 0x5;
    private static final int ISA_BUS = 0;

    private Madt() {}

    static byte[] build(int cpus) {
        Bytes body = new Bytes().u32(Platform.LOCAL_APIC).u32(FLAGS);
        for (int cpu = 0; cpu < cpus; cpu++) {
            if (cpu < FIRST_X2APIC_ID) {
                body.u8(LOCAL_APIC).u8(LOCAL_APIC_BYTES).u8(cpu).u8(cpu).u32(ENABLED);
            } else {
                body.u8(LOCAL_X2APIC).u8(LOCAL_X2APIC_BYTES).u16(0);
                body.u32(cpu).u32(ENABLED).u32(cpu);
            }
        }
        body.u8(IO_APIC).u8(IO_APIC_BYTES).u8(IO_APIC_ID).u8(0).u32(Platform.IO_APIC).u32(0);
        body.u8(SOURCE_OVERRIDE)
                .u8(SOURCE_OVERRIDE_BYTES)
                .u8(ISA_BUS)
                .u8(Platform.SERIAL_GSI)
                .u32(Platform.SERIAL_GSI)
                .u16(EDGE_HIGH);
        return Table.of("APIC", REVISION, body.toArray());
    }
}
