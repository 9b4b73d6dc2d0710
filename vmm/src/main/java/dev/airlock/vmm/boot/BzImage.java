package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;

/**
 * A bzImage with a 64-bit entry point, checked. Immutable; it reads the caller's segment, which
 * must live as long. Source: {@code Documentation/arch/x86/boot.rst}.
 */
public final class BzImage {

    private final MemorySegment file;
    private final int headerEnd;
    private final long payloadStart;

    private BzImage(MemorySegment file, int headerEnd, long payloadStart) {
        this.file = file;
        this.headerEnd = headerEnd;
        this.payloadStart = payloadStart;
    }

    /** {@link #parse(MemorySegment)} of a file read whole. */
    public static BzImage parse(byte[] file) throws BootException {
        return parse(MemorySegment.ofArray(file));
    }

    /**
     * Checks the header.
     *
     * @param file the whole file
     * @throws BootException if it is no bzImage, was cut short, speaks a boot protocol before 2.12,
     *     or has no 64-bit entry point
     */
    public static BzImage parse(MemorySegment file) throws BootException {
        if (file.byteSize() < SetupHeader.READ_END
                || LittleEndian.u16(file, SetupHeader.BOOT_FLAG_OFFSET) != SetupHeader.BOOT_FLAG
                || LittleEndian.u32(file, SetupHeader.MAGIC_OFFSET) != SetupHeader.MAGIC) {
            throw new BootException(
                    isElf(file)
                            ? "an ELF file, not a bzImage: give the file that the kernel's build"
                                    + " makes as arch/x86/boot/bzImage"
                            : "not a bzImage: no \"HdrS\" at 0x202");
        }
        int version = LittleEndian.u16(file, SetupHeader.VERSION_OFFSET);
        if (version < SetupHeader.LEAST_VERSION) {
            throw new BootException(
                    "kernel too old: its boot protocol is %d.%02d, 2.12 is needed (Linux 3.8)"
                            .formatted(version >> 8, version & 0xFF));
        }
        if ((LittleEndian.u16(file, SetupHeader.XLOADFLAGS_OFFSET) & SetupHeader.XLF_KERNEL_64)
                == 0) {
            throw new BootException("a 32-bit kernel: it has no 64-bit entry point");
        }
        int sectors = LittleEndian.u8(file, SetupHeader.SETUP_SECTS_OFFSET);
        // 0 stands for 4, says boot.rst, for the sake of very old loaders.
        long start = ((sectors == 0 ? 4 : sectors) + 1L) * SetupHeader.SECTOR_BYTES;
        long end =
                start
                        + LittleEndian.u32(file, SetupHeader.PAYLOAD_OFFSET_OFFSET)
                        + LittleEndian.u32(file, SetupHeader.PAYLOAD_LENGTH_OFFSET);
        int headerEnd =
                SetupHeader.MAGIC_OFFSET + LittleEndian.u8(file, SetupHeader.JUMP_LENGTH_OFFSET);
        if (file.byteSize() <= start || file.byteSize() < end) {
            throw new BootException(
                    "the bzImage was cut short: it has %d bytes of at least %d"
                            .formatted(file.byteSize(), Math.max(start + 1, end)));
        }
        if (headerEnd < SetupHeader.READ_END || headerEnd > BootParams.E820_TABLE_OFFSET) {
            throw new BootException("not a bzImage: its header ends at " + headerEnd);
        }
        return new BzImage(file.asReadOnly(), headerEnd, start);
    }

    private static boolean isElf(MemorySegment file) {
        return file.byteSize() >= Integer.BYTES && LittleEndian.u32(file, 0) == 0x464C_457FL;
    }

    /** Boot protocol, major in the high byte: 0x020F is 2.15. */
    public int protocolVersion() {
        return LittleEndian.u16(file, SetupHeader.VERSION_OFFSET);
    }

    /** The setup header as it goes into boot_params, from {@link SetupHeader#START}. */
    MemorySegment header() {
        return file.asSlice(SetupHeader.START, headerEnd - SetupHeader.START);
    }

    /** The protected-mode code: what is loaded; its 64-bit entry is 0x200 behind its start. */
    public MemorySegment payload() {
        return file.asSlice(payloadStart);
    }

    /** Where it wants to be loaded: a guest-physical address. */
    public long prefAddress() {
        return LittleEndian.i64(file, SetupHeader.PREF_ADDRESS_OFFSET);
    }

    /** Memory it needs from its load address before it looks at the memory map, bytes. */
    public long initBytes() {
        return Math.max(LittleEndian.u32(file, SetupHeader.INIT_SIZE_OFFSET), payload().byteSize());
    }

    /** The longest command line it takes, bytes without the final zero. */
    public long cmdlineLimitBytes() {
        return LittleEndian.u32(file, SetupHeader.CMDLINE_SIZE_OFFSET);
    }

    /** The highest address that the last byte of an initrd may have. */
    public long initrdAddressMax() {
        return LittleEndian.u32(file, SetupHeader.INITRD_ADDR_MAX_OFFSET);
    }
}
