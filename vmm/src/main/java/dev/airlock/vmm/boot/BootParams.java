package dev.airlock.vmm.boot;

/**
 * boot_params, the "zero page" that a 64-bit kernel finds by RSI. Source: {@code
 * Documentation/arch/x86/zero-page.rst}; {@code struct boot_params}.
 *
 * <pre>
 *  070 acpi_rsdp_addr u64
 *  1e8 e820_entries u8
 *  1f1 setup header, see {@link SetupHeader}
 *  2d0 e820_table: 128 entries of { addr u64, size u64, type u32 }, packed
 * </pre>
 */
final class BootParams {

    static final int ACPI_RSDP_ADDR_OFFSET = 0x70;
    static final int E820_ENTRIES_OFFSET = 0x1E8;
    static final int E820_TABLE_OFFSET = 0x2D0;

    /** {@code struct boot_e820_entry}, from the start of an entry. */
    static final int E820_SIZE_OFFSET = Long.BYTES;

    static final int E820_TYPE_OFFSET = E820_SIZE_OFFSET + Long.BYTES;
    static final int E820_ENTRY_BYTES = E820_TYPE_OFFSET + Integer.BYTES;

    /** {@code E820_MAX_ENTRIES_ZEROPAGE}. */
    static final int E820_MAX_ENTRIES = 128;

    static final int BYTES = 4096;

    private BootParams() {}
}
