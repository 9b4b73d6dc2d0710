package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * What the kernel finds below 1 MiB besides the ACPI tables, and the parts of it that the processor
 * reads itself.
 *
 * <pre>
 *  5000 GDT | 7000 boot_params | 8000 stack | 9000 PML4 | A000 PDPT | B000 4 page directories
 *  20000 command line, up to 64 KiB
 * </pre>
 */
final class LowMemory {

    static final long GDT = 0x5000;
    static final long BOOT_PARAMS = 0x7000;
    static final long STACK_END = 0x9000;
    static final long PML4 = 0x9000;
    static final long PDPT = 0xA000;
    static final long DIRECTORIES = 0xB000;
    static final long CMDLINE = 0x2_0000;

    /** Room for a command line with its final zero, bytes. */
    static final int CMDLINE_ROOM_BYTES = 0x1_0000;

    private static final int TABLE_BYTES = 4096;
    private static final int ENTRIES = TABLE_BYTES / Long.BYTES;
    private static final int DIRECTORY_COUNT = 4;
    private static final long LARGE_PAGE_BYTES = 2L << 20;

    // Intel SDM volume 3, 4.5.4: present, writable; and in a directory's entry, a 2 MiB page.
    private static final long PRESENT_WRITABLE = 0x3;
    private static final long LARGE_PAGE = 0x80;

    // Intel SDM volume 3, 3.4.5: base 0, limit 4 GiB, present, accessed; code that is 64-bit and
    // readable, data that is writable.
    private static final long CODE_DESCRIPTOR = 0x00AF_9B00_0000_FFFFL;
    private static final long DATA_DESCRIPTOR = 0x00CF_9300_0000_FFFFL;

    static final int GDT_BYTES = BootEntry.DATA_SELECTOR + Long.BYTES;

    private LowMemory() {}

    static void writeGdt(GuestRam ram) {
        MemorySegment gdt = ram.slice(GDT, GDT_BYTES).fill((byte) 0);
        LittleEndian.i64(gdt, BootEntry.CODE_SELECTOR, CODE_DESCRIPTOR);
        LittleEndian.i64(gdt, BootEntry.DATA_SELECTOR, DATA_DESCRIPTOR);
    }

    /** Maps the first 4 GiB to themselves by 2 MiB pages, which every 64-bit processor has. */
    static void writePageTables(GuestRam ram) {
        MemorySegment pml4 = ram.slice(PML4, TABLE_BYTES).fill((byte) 0);
        LittleEndian.i64(pml4, 0, PDPT | PRESENT_WRITABLE);
        MemorySegment pdpt = ram.slice(PDPT, TABLE_BYTES).fill((byte) 0);
        for (int i = 0; i < DIRECTORY_COUNT; i++) {
            long directory = DIRECTORIES + (long) i * TABLE_BYTES;
            LittleEndian.i64(pdpt, (long) i * Long.BYTES, directory | PRESENT_WRITABLE);
        }
        MemorySegment directories = ram.slice(DIRECTORIES, (long) DIRECTORY_COUNT * TABLE_BYTES);
        for (long i = 0; i < (long) DIRECTORY_COUNT * ENTRIES; i++) {
            LittleEndian.i64(
                    directories,
                    i * Long.BYTES,
                    i * LARGE_PAGE_BYTES | LARGE_PAGE | PRESENT_WRITABLE);
        }
    }
}
