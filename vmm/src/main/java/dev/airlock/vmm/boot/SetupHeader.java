package dev.airlock.vmm.boot;

/**
 * The setup header of a bzImage, which boot_params carry at the same offset. Source: {@code
 * Documentation/arch/x86/boot.rst}, "The Real-Mode Kernel Header"; {@code struct setup_header}.
 *
 * <pre>
 *  1f1 setup_sects u8     | 1f4 syssize u32       | 1fe boot_flag u16
 *  200 jump 2 bytes       | 202 "HdrS"            | 206 version u16
 *  210 type_of_loader u8  | 211 loadflags u8      | 218 ramdisk_image u32 | 21c ramdisk_size u32
 *  228 cmd_line_ptr u32   | 22c initrd_addr_max u32
 *  236 xloadflags u16     | 238 cmdline_size u32
 *  248 payload_offset u32 | 24c payload_length u32
 *  258 pref_address u64   | 260 init_size u32
 * </pre>
 */
final class SetupHeader {

    /** First byte of the header, in the file and in boot_params. */
    static final int START = 0x1F1;

    static final int SETUP_SECTS_OFFSET = START;
    static final int BOOT_FLAG_OFFSET = 0x1FE;

    /** The operand of the short jump at 0x200: the header ends so far behind {@link #MAGIC}. */
    static final int JUMP_LENGTH_OFFSET = 0x201;

    static final int MAGIC_OFFSET = 0x202;
    static final int VERSION_OFFSET = 0x206;
    static final int TYPE_OF_LOADER_OFFSET = 0x210;
    static final int LOADFLAGS_OFFSET = 0x211;
    static final int RAMDISK_IMAGE_OFFSET = 0x218;
    static final int RAMDISK_SIZE_OFFSET = 0x21C;
    static final int CMD_LINE_PTR_OFFSET = 0x228;
    static final int INITRD_ADDR_MAX_OFFSET = 0x22C;
    static final int XLOADFLAGS_OFFSET = 0x236;
    static final int CMDLINE_SIZE_OFFSET = 0x238;
    static final int PAYLOAD_OFFSET_OFFSET = 0x248;
    static final int PAYLOAD_LENGTH_OFFSET = 0x24C;
    static final int PREF_ADDRESS_OFFSET = 0x258;
    static final int INIT_SIZE_OFFSET = 0x260;

    /** First byte behind the fields that Airlock reads. */
    static final int READ_END = INIT_SIZE_OFFSET + Integer.BYTES;

    /** Bytes at {@link #BOOT_FLAG_OFFSET}: 55 AA. */
    static final int BOOT_FLAG = 0xAA55;

    /** Bytes at {@link #MAGIC_OFFSET}: "HdrS". */
    static final long MAGIC = 0x5372_6448L;

    /** Boot protocol 2.12 (Linux 3.8): the first with xloadflags, hence with a 64-bit entry. */
    static final int LEAST_VERSION = 0x020C;

    /** {@code loadflags}: the protected-mode code is loaded at 1 MiB or above. */
    static final int LOADED_HIGH = 1;

    /** {@code xloadflags} XLF_KERNEL_64: there is a 64-bit entry point at 0x200. */
    static final int XLF_KERNEL_64 = 1;

    /** {@code type_of_loader} of a loader that has no number. */
    static final int LOADER_UNDEFINED = 0xFF;

    static final int SECTOR_BYTES = 512;

    private SetupHeader() {}
}
