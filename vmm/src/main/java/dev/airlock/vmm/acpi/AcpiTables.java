package dev.airlock.vmm.acpi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The tables as they go into guest memory, in one piece. Immutable but for the arrays it hands out.
 */
public final class AcpiTables {

    /** As many vCPUs as KVM takes at most; their tables fit between 0xE0000 and 1 MiB. */
    public static final int MOST_CPUS = 4096;

    private static final int RSDP_REVISION = 2;
    private static final int RSDP_BYTES = 36;
    private static final int RSDP_FIRST_BYTES = 20;
    private static final int RSDP_CHECKSUM_OFFSET = 8;
    private static final int RSDP_EXTENDED_CHECKSUM_OFFSET = 32;
    private static final int XSDT_REVISION = 1;
    private static final int ALIGNMENT = 64;

    private final long baseGpa;
    private final byte[] image;
    private final Map<String, byte[]> tables;

    private AcpiTables(long baseGpa, byte[] image, Map<String, byte[]> tables) {
        this.baseGpa = baseGpa;
        this.image = image;
        this.tables = tables;
    }

    /**
     * Builds the tables for a place in guest memory.
     *
     * @param baseGpa where they will lie; a multiple of 64
     * @param cpus vCPUs, whose APIC ids are 0 to {@code cpus - 1}
     */
    public static AcpiTables build(long baseGpa, int cpus) {
        if (baseGpa < 0 || baseGpa % ALIGNMENT != 0 || cpus < 1 || cpus > MOST_CPUS) {
            throw new IllegalArgumentException("baseGpa=" + baseGpa + " cpus=" + cpus);
        }
        // The RSDP comes first, so that whoever searches 16-byte boundaries finds it at the base.
        Image image = new Image(baseGpa, ALIGNMENT);
        long dsdt = image.add("DSDT", Dsdt.build());
        long fadt = image.add("FACP", Fadt.build(dsdt));
        long madt = image.add("APIC", Madt.build(cpus));
        byte[] entries = new Bytes().u64(fadt).u64(madt).toArray();
        long xsdt = image.add("XSDT", Table.of("XSDT", XSDT_REVISION, entries));
        return new AcpiTables(baseGpa, image.finish(rsdp(xsdt)), image.tablesByName());
    }

    /** Where {@link #image} belongs. */
    public long baseGpa() {
        return baseGpa;
    }

    /** All tables, to be written at {@link #baseGpa}. */
    public byte[] image() {
        return image;
    }

    /** The RSDP's guest-physical address, which boot_params tell the kernel. */
    public long rsdpGpa() {
        return baseGpa;
    }

    /** Each table but the RSDP by its signature. */
    Map<String, byte[]> tables() {
        return tables;
    }

    /** Root system description pointer (ACPI 6.5, 5.2.5.3), without a 32-bit RSDT. */
    private static byte[] rsdp(long xsdtGpa) {
        byte[] rsdp =
                new Bytes()
                        .put(Table.ascii("RSD PTR "))
                        .u8(0)
                        .put(Table.ascii(Table.OEM_ID))
                        .u8(RSDP_REVISION)
                        .u32(0)
                        .u32(RSDP_BYTES)
                        .u64(xsdtGpa)
                        .u32(0)
                        .toArray();
        rsdp[RSDP_CHECKSUM_OFFSET] = Table.checksum(rsdp, RSDP_FIRST_BYTES);
        rsdp[RSDP_EXTENDED_CHECKSUM_OFFSET] = Table.checksum(rsdp, RSDP_BYTES);
        return rsdp;
    }

    /** Tables one after the other, each aligned, behind room for the RSDP. */
    private static final class Image {

        private final long baseGpa;
        private final int alignment;
        private final Map<String, byte[]> tables = new LinkedHashMap<>();
        private final Bytes content = new Bytes();
        private int size;

        Image(long baseGpa, int alignment) {
            this.baseGpa = baseGpa;
            this.alignment = alignment;
            append(new byte[alignment]);
        }

        long add(String signature, byte[] table) {
            long gpa = baseGpa + size;
            tables.put(signature, table);
            append(table);
            append(new byte[Math.floorMod(-size, alignment)]);
            return gpa;
        }

        byte[] finish(byte[] rsdp) {
            byte[] all = content.toArray();
            System.arraycopy(rsdp, 0, all, 0, rsdp.length);
            return all;
        }

        Map<String, byte[]> tablesByName() {
            return Collections.unmodifiableMap(tables);
        }

        private void append(byte[] bytes) {
            content.put(bytes);
            size += bytes.length;
        }
    }
}
