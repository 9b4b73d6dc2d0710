package dev.airlock.vmm.acpi;

import java.nio.charset.StandardCharsets;

/**
 * A system description table: header, body, checksum (ACPI 6.5, 5.2.6).
 *
 * <pre>
 *  0 signature 4 | 4 length u32 | 8 revision u8 | 9 checksum u8 | 10 OEM id 6 | 16 OEM table id 8
 *  24 OEM revision u32 | 28 creator id 4 | 32 creator revision u32 | 36 body
 * </pre>
 */
final class Table {

    static final int LENGTH_OFFSET = 4;
    static final int CHECKSUM_OFFSET = 9;
    static final int HEADER_BYTES = 36;

    static final String OEM_ID = "ARLOCK";

    private static final String OEM_TABLE_ID = "AIRLOCK ";
    private static final String CREATOR_ID = "ARLK";
    private static final int OWN_REVISION = 1;

    private Table() {}

    static byte[] of(String signature, int revision, byte[] body) {
        byte[] table =
                new Bytes()
                        .put(ascii(signature))
                        .u32(HEADER_BYTES + body.length)
                        .u8(revision)
                        .u8(0)
                        .put(ascii(OEM_ID))
                        .put(ascii(OEM_TABLE_ID))
                        .u32(OWN_REVISION)
                        .put(ascii(CREATOR_ID))
                        .u32(OWN_REVISION)
                        .put(body)
                        .toArray();
        table[CHECKSUM_OFFSET] = checksum(table, table.length);
        return table;
    }

    /** The byte that makes the sum of the first {@code bytes} bytes zero. */
    static byte checksum(byte[] data, int bytes) {
        int sum = 0;
        for (int i = 0; i < bytes; i++) {
            sum += data[i];
        }
        return (byte) -sum;
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
