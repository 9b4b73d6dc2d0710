package dev.airlock.vmm.acpi;

import java.nio.charset.StandardCharsets;

/**
 * An encoder for the little AML that the DSDT needs (ACPI 6.5, 20.2). Each function returns one
 * encoded term; terms are nested by passing them to the term around them.
 */
final class Aml {

    /** Where devices live; padded, as every name is. */
    static final String SYSTEM_BUS = "_SB_";

    /** The package that tells the sleep type of soft off. */
    static final String SOFT_OFF = "_S5_";

    private static final int SEGMENT_CHARS = 4;

    private static final int ZERO_OP = 0x00;
    private static final int ONE_OP = 0x01;
    private static final int NAME_OP = 0x08;
    private static final int BYTE_PREFIX = 0x0A;
    private static final int WORD_PREFIX = 0x0B;
    private static final int DWORD_PREFIX = 0x0C;
    private static final int STRING_PREFIX = 0x0D;
    private static final int SCOPE_OP = 0x10;
    private static final int BUFFER_OP = 0x11;
    private static final int PACKAGE_OP = 0x12;
    private static final int EXTENSION_PREFIX = 0x5B;
    private static final int DEVICE_OP = 0x82;

    // PkgLength (20.2.4): the top two bits of the first byte count the bytes after it.
    private static final int ONE_BYTE_LENGTH_MAX = 0x3F;
    private static final int MORE_BYTES_SHIFT = 6;
    private static final int FIRST_NIBBLE_BITS = 4;

    private Aml() {}

    /** Devices and names below a name that is there already. */
    static byte[] scope(String name, byte[]... terms) {
        return counted(new byte[] {SCOPE_OP}, name(name), Bytes.join(terms));
    }

    /** A device with what belongs to it. */
    static byte[] device(String name, byte[]... terms) {
        return counted(
                new byte[] {EXTENSION_PREFIX, (byte) DEVICE_OP}, name(name), Bytes.join(terms));
    }

    /** A name with the value it stands for. */
    static byte[] value(String name, byte[] value) {
        return Bytes.join(new byte[] {NAME_OP}, name(name), value);
    }

    /** The shortest encoding of a number of 32 bits at most. */
    static byte[] integer(long value) {
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("value=" + value);
        }
        if (value <= ONE_OP) {
            return new byte[] {(byte) (value == 0 ? ZERO_OP : ONE_OP)};
        }
        Bytes bytes = new Bytes();
        if (value <= 0xFF) {
            bytes.u8(BYTE_PREFIX).u8((int) value);
        } else if (value <= 0xFFFF) {
            bytes.u8(WORD_PREFIX).u16((int) value);
        } else {
            bytes.u8(DWORD_PREFIX).u32(value);
        }
        return bytes.toArray();
    }

    /** A string of ASCII characters. */
    static byte[] string(String text) {
        return new Bytes()
                .u8(STRING_PREFIX)
                .put(text.getBytes(StandardCharsets.US_ASCII))
                .u8(0)
                .toArray();
    }

    /**
     * An EISA identifier, packed as {@code EisaId("PNP0501")} packs it (ACPI 6.5, 19.6.36): three
     * letters of five bits and four hex digits, the first byte highest.
     */
    static byte[] eisaId(String id) {
        int packed = 0;
        for (int i = 0; i < 3; i++) {
            packed = packed << 5 | (id.charAt(i) - '@') & 0x1F;
        }
        packed = packed << 16 | Integer.parseInt(id.substring(3), 16);
        return integer(Integer.reverseBytes(packed) & 0xFFFF_FFFFL);
    }

    /** A package of at most 255 elements. */
    static byte[] packageOf(byte[]... elements) {
        return counted(
                new byte[] {PACKAGE_OP}, new byte[] {(byte) elements.length}, Bytes.join(elements));
    }

    /** A buffer that holds these bytes. */
    static byte[] buffer(byte[] content) {
        return counted(new byte[] {BUFFER_OP}, integer(content.length), content);
    }

    /** A name of one segment (20.2.2), relative to the scope around it. */
    private static byte[] name(String name) {
        if (name.length() != SEGMENT_CHARS) {
            throw new IllegalArgumentException("name=" + name);
        }
        return name.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] counted(byte[] opcode, byte[] head, byte[] body) {
        return Bytes.join(opcode, packageLength(head.length + body.length), head, body);
    }

    /** The length of a term that has so many bytes after it; it counts itself too. */
    private static byte[] packageLength(int bytes) {
        if (bytes + 1 <= ONE_BYTE_LENGTH_MAX) {
            return new byte[] {(byte) (bytes + 1)};
        }
        int more = 1;
        while (bytes + 1 + more >= 1 << FIRST_NIBBLE_BITS + more * Byte.SIZE) {
            more++;
        }
        int length = bytes + 1 + more;
        Bytes encoded = new Bytes().u8(more << MORE_BYTES_SHIFT | length & 0xF);
        for (int rest = length >> FIRST_NIBBLE_BITS; more > 0; more--, rest >>= Byte.SIZE) {
            encoded.u8(rest & 0xFF);
        }
        return encoded.toArray();
    }
}
