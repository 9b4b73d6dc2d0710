package dev.airlock.scsitarget;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.scsi.VpdPage;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What a disk is known by, whatever guest, path or LUN it appears at: VPD pages 80h and 83h. The
 * caller keeps it stable over the disk's life; guests name their file systems' devices by it.
 *
 * @param serial unit serial number: 1 to {@value VpdPage#SERIAL_MAX_CHARS} printable ASCII
 *     characters
 * @param localId 60 bits of the locally assigned NAA identifier; the upper four are ignored
 */
public record DiskIdentity(String serial, long localId) {

    public DiskIdentity {
        if (serial.isEmpty() || serial.length() > VpdPage.SERIAL_MAX_CHARS) {
            throw new IllegalArgumentException("serial length=" + serial.length());
        }
        if (!serial.chars().allMatch(c -> c >= 0x20 && c <= 0x7E)) {
            throw new IllegalArgumentException("serial is not printable ASCII: " + serial);
        }
    }

    /** An identity that follows from the serial number alone. */
    public static DiskIdentity ofSerial(String serial) {
        return new DiskIdentity(serial, digest(serial));
    }

    private static long digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
            return ByteBuffer.wrap(hash).getLong() >>> 4;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
