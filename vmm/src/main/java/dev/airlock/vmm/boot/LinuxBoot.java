package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads a kernel for its 64-bit entry point ({@code Documentation/arch/x86/boot.rst}, "64-bit Boot
 * Protocol"). Memory may hold anything before, as it does when a guest boots again.
 */
public final class LinuxBoot {

    private static final long PAGE_BYTES = 4096;

    private LinuxBoot() {}

    /**
     * Places kernel, initrd, command line, boot_params, GDT and page tables. The kernel goes where
     * it prefers to be, the initrd as high as the kernel allows.
     *
     * @param ram memory as {@code layout} tells
     * @param initrd the initial RAM disk, copied, or null for none
     * @param cmdline the kernel's command line; non-ASCII characters go as UTF-8
     * @param rsdpGpa where the ACPI tables' RSDP is, 0 for none
     * @return how the first vCPU starts
     * @throws BootException if something does not fit in memory, or the command line is too long
     */
    public static BootEntry load(
            GuestRam ram,
            RamLayout layout,
            BzImage kernel,
            @Nullable MemorySegment initrd,
            String cmdline,
            long rsdpGpa)
            throws BootException {
        long load = placeKernel(layout, kernel);
        MemorySegment payload = kernel.payload();
        byte[] line = cmdline.getBytes(StandardCharsets.UTF_8);
        checkCmdline(kernel, line);
        long initrdGpa = initrd == null ? 0 : placeInitrd(layout, kernel, load, initrd.byteSize());

        ram.slice(load, payload.byteSize()).copyFrom(payload);
        if (initrd != null) {
            ram.slice(initrdGpa, initrd.byteSize()).copyFrom(initrd);
        }
        ram.write(LowMemory.CMDLINE, line);
        LittleEndian.u8(ram.slice(LowMemory.CMDLINE + line.length, 1), 0, 0);
        LowMemory.writeGdt(ram);
        LowMemory.writePageTables(ram);

        MemorySegment params = ram.slice(LowMemory.BOOT_PARAMS, BootParams.BYTES).fill((byte) 0);
        MemorySegment.copy(
                kernel.header(), 0, params, SetupHeader.START, kernel.header().byteSize());
        LittleEndian.u8(params, SetupHeader.TYPE_OF_LOADER_OFFSET, SetupHeader.LOADER_UNDEFINED);
        LittleEndian.u8(
                params,
                SetupHeader.LOADFLAGS_OFFSET,
                LittleEndian.u8(params, SetupHeader.LOADFLAGS_OFFSET) | SetupHeader.LOADED_HIGH);
        LittleEndian.u32(params, SetupHeader.CMD_LINE_PTR_OFFSET, LowMemory.CMDLINE);
        LittleEndian.u32(params, SetupHeader.RAMDISK_IMAGE_OFFSET, initrdGpa);
        LittleEndian.u32(
                params, SetupHeader.RAMDISK_SIZE_OFFSET, initrd == null ? 0 : initrd.byteSize());
        LittleEndian.i64(params, BootParams.ACPI_RSDP_ADDR_OFFSET, rsdpGpa);
        writeE820(params, layout.e820());
        return entry(load + SetupHeader.SECTOR_BYTES);
    }

    private static BootEntry entry(long rip) {
        return new BootEntry(
                rip,
                LowMemory.BOOT_PARAMS,
                LowMemory.STACK_END,
                LowMemory.PML4,
                LowMemory.GDT,
                LowMemory.GDT_BYTES - 1);
    }

    /** GDT and page tables for a program other than a kernel, which begins at {@code rip}. */
    public static BootEntry program(GuestRam ram, long rip) {
        LowMemory.writeGdt(ram);
        LowMemory.writePageTables(ram);
        return entry(rip);
    }

    private static long placeKernel(RamLayout layout, BzImage kernel) throws BootException {
        long load = kernel.prefAddress();
        if (load < RamLayout.HIGH_START || load >= RamLayout.HOLE) {
            throw new BootException("the kernel wants to be loaded at 0x%x".formatted(load));
        }
        long end = load + kernel.initBytes();
        if (end > layout.belowHoleBytes()) {
            throw new BootException(
                    "the kernel needs memory up to %s, the guest has %s below 3 GiB: more --memory"
                            .formatted(mib(end), mib(layout.belowHoleBytes())));
        }
        return load;
    }

    private static void checkCmdline(BzImage kernel, byte[] line) throws BootException {
        long most = Math.min(kernel.cmdlineLimitBytes(), LowMemory.CMDLINE_ROOM_BYTES - 1);
        if (line.length > most) {
            throw new BootException(
                    "a command line of %d bytes: the kernel takes %d".formatted(line.length, most));
        }
        for (byte b : line) {
            if (b == 0) {
                throw new BootException("the command line holds a zero byte");
            }
        }
    }

    private static long placeInitrd(RamLayout layout, BzImage kernel, long load, long bytes)
            throws BootException {
        long end = Math.min(layout.belowHoleBytes(), kernel.initrdAddressMax() + 1);
        long at = (end - bytes) / PAGE_BYTES * PAGE_BYTES;
        long kernelEnd = load + kernel.initBytes();
        if (at < kernelEnd) {
            throw new BootException(
                    "an initrd of %s does not fit between the kernel, which ends at %s, and %s"
                            .formatted(mib(bytes), mib(kernelEnd), mib(end)));
        }
        return at;
    }

    private static void writeE820(MemorySegment params, List<MemoryRange> ranges) {
        if (ranges.size() > BootParams.E820_MAX_ENTRIES) {
            throw new IllegalArgumentException("ranges=" + ranges.size());
        }
        LittleEndian.u8(params, BootParams.E820_ENTRIES_OFFSET, ranges.size());
        long at = BootParams.E820_TABLE_OFFSET;
        for (MemoryRange range : ranges) {
            LittleEndian.i64(params, at, range.gpa());
            LittleEndian.i64(params, at + BootParams.E820_SIZE_OFFSET, range.bytes());
            LittleEndian.u32(params, at + BootParams.E820_TYPE_OFFSET, range.type().e820());
            at += BootParams.E820_ENTRY_BYTES;
        }
    }

    private static String mib(long bytes) {
        return "%d MiB".formatted((bytes + (1 << 20) - 1) >> 20);
    }
}
