package dev.airlock.disk;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How image formats mark their files. A file that carries such a mark is almost surely not meant as
 * raw sectors: a guest would see the container instead of the disk, and its first write would ruin
 * the image.
 *
 * <p>The mark proves nothing (a guest can write one into its own raw disk), so it decides only
 * whether the user has to be asked to say {@code raw:}; no format is ever chosen by what a guest
 * can write.
 */
enum ImageSignature {
    /** [MS-VHDX] 2.2.1, File Type Identifier. */
    VHDX("VHDX", Part.HEAD, 0, ascii("vhdxfile")),
    /**
     * VHD specification 1.0, Hard Disk Footer, field Cookie: the copy at the start of a dynamic
     * disk.
     */
    VHD_DYNAMIC("VHD", Part.HEAD, 0, ascii("conectix")),
    /** VHD specification 1.0, Hard Disk Footer: the last 512 bytes of the file. */
    VHD_FIXED("VHD", Part.TAIL, -512, ascii("conectix")),
    /**
     * VHD specification 1.0: files of versions before Virtual PC 2004 end with a footer of 511
     * bytes.
     */
    VHD_FIXED_OLD("VHD", Part.TAIL, -511, ascii("conectix")),
    /** QEMU docs/interop/qcow2, header field magic (the same in versions 1 to 3). */
    QCOW2("qcow2", Part.HEAD, 0, new byte[] {'Q', 'F', 'I', (byte) 0xFB}),
    /** QEMU docs/interop/qed_spec, header field magic. */
    QED("QED", Part.HEAD, 0, new byte[] {'Q', 'E', 'D', 0}),
    /** VMware Virtual Disk Format 5.0, SparseExtentHeader field magicNumber. */
    VMDK_SPARSE("VMDK", Part.HEAD, 0, ascii("KDMV")),
    /** VMware Virtual Disk Format 5.0, COWDisk_Header field magicNumber. */
    VMDK_COW("VMDK", Part.HEAD, 0, ascii("COWD")),
    /** VMware Virtual Disk Format 5.0, "The Descriptor File". */
    VMDK_DESCRIPTOR("VMDK", Part.HEAD, 0, ascii("# Disk DescriptorFile")),
    /** VirtualBox VDICore, VDIPREHEADER field u32Signature, little endian 0xBEDA107F. */
    VDI("VDI", Part.HEAD, 64, new byte[] {0x7F, 0x10, (byte) 0xDA, (byte) 0xBE}),
    /** QEMU docs/interop/parallels, header field magic. */
    PARALLELS("Parallels", Part.HEAD, 0, ascii("WithoutFreeSpace")),
    /** QEMU docs/interop/parallels, header field magic with 64-bit sector counts. */
    PARALLELS_EXTENDED("Parallels", Part.HEAD, 0, ascii("WithouFreSpacExt")),
    /** Bochs bximage header, field magic. */
    BOCHS("Bochs", Part.HEAD, 0, ascii("Bochs Virtual HD Image")),
    /** Apple disk image, trailer field signature: the last 512 bytes of the file. */
    DMG("DMG", Part.TAIL, -512, ascii("koly"));

    private enum Part {
        HEAD,
        TAIL
    }

    private final String format;
    private final Part part;

    /** From the start of the file, or if negative from its end. */
    private final int offset;

    private final byte[] mark;

    ImageSignature(String format, Part part, int offset, byte[] mark) {
        this.format = format;
        this.part = part;
        this.offset = offset;
        this.mark = mark;
    }

    /** The name of the format as its users write it. */
    String format() {
        return format;
    }

    /**
     * The first signature that a file carries, or null.
     *
     * @param head how the file begins, at least 512 bytes
     * @param tail how the file ends, at least 512 bytes
     */
    static @Nullable ImageSignature find(byte[] head, byte[] tail) {
        for (ImageSignature signature : values()) {
            byte[] bytes = signature.part == Part.HEAD ? head : tail;
            int from =
                    signature.part == Part.HEAD
                            ? signature.offset
                            : bytes.length + signature.offset;
            int to = from + signature.mark.length;
            if (to <= bytes.length
                    && Arrays.equals(bytes, from, to, signature.mark, 0, signature.mark.length)) {
                return signature;
            }
        }
        return null;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
