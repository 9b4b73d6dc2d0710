package dev.airlock.psk;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Users and their secrets, from a file as GnuTLS' {@code psktool} makes it: a line {@code
 * USER:HEXKEY} each; a user that starts with {@code #} is itself in hexadecimal. Of two lines for a
 * user the first counts. Thread-safe; holds the secrets as long as it lives.
 */
final class PskKeys {
    private static final int FILE_BYTES_MAX = 1 << 20;

    /** RFC 4279, section 5.3: an implementation must take identities up to 128 bytes at least. */
    private static final int USER_BYTES_MAX = 1024;

    /** psktool's largest. */
    private static final int KEY_BYTES_MAX = 512;

    private final Map<ByteBuffer, byte[]> keys = new LinkedHashMap<>();

    private PskKeys() {}

    /**
     * Reads the file.
     *
     * @throws IOException when it cannot be read or is malformed; the message has no secret in it
     */
    static PskKeys load(Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(FILE_BYTES_MAX + 1);
        }
        try {
            if (bytes.length > FILE_BYTES_MAX) {
                throw new IOException(file + " is too long for a file of pre-shared keys");
            }
            PskKeys keys = parse(bytes, file);
            if (keys.keys.isEmpty()) {
                throw new IOException("no user in " + file + " (psktool -u USER -p " + file + ")");
            }
            return keys;
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    private static PskKeys parse(byte[] bytes, Path file) throws IOException {
        PskKeys result = new PskKeys();
        int number = 0;
        for (int start = 0; start < bytes.length; number++) {
            int end = indexOf(bytes, '\n', start, bytes.length);
            int next = end + 1;
            while (end > start && (bytes[end - 1] == '\r' || bytes[end - 1] == ' ')) {
                end--;
            }
            if (end > start && !result.addLine(bytes, start, end)) {
                throw new IOException(file + ":" + (number + 1) + " is not USER:HEXKEY");
            }
            start = next;
        }
        return result;
    }

    private boolean addLine(byte[] bytes, int start, int end) {
        int colon = indexOf(bytes, ':', start, end);
        boolean isHex = bytes[start] == '#';
        byte[] user =
                isHex
                        ? decode(bytes, start + 1, colon, USER_BYTES_MAX)
                        : Arrays.copyOfRange(bytes, start, colon);
        if (user == null || user.length == 0 || user.length > USER_BYTES_MAX || colon == end) {
            return false;
        }
        byte[] key = decode(bytes, colon + 1, end, KEY_BYTES_MAX);
        if (key == null || key.length == 0) {
            return false;
        }
        keys.putIfAbsent(ByteBuffer.wrap(user), key);
        return true;
    }

    /** A copy of the user's secret; null for a user that the file does not name. */
    byte @Nullable [] find(byte[] user) {
        byte[] key = keys.get(ByteBuffer.wrap(user));
        return key == null ? null : key.clone();
    }

    /** The user of the first line. */
    String firstUser() {
        return new String(keys.keySet().iterator().next().array(), UTF_8);
    }

    /** Decodes without a string in between, which could not be overwritten. */
    private static byte @Nullable [] decode(byte[] hex, int start, int end, int bytesMax) {
        int length = (end - start) / 2;
        if ((end - start) % 2 != 0 || length > bytesMax) {
            return null;
        }
        byte[] decoded = new byte[length];
        for (int i = 0; i < length; i++) {
            int high = hex[start + 2 * i];
            int low = hex[start + 2 * i + 1];
            if (!HexFormat.isHexDigit(high) || !HexFormat.isHexDigit(low)) {
                Arrays.fill(decoded, (byte) 0);
                return null;
            }
            decoded[i] = (byte) (HexFormat.fromHexDigit(high) << 4 | HexFormat.fromHexDigit(low));
        }
        return decoded;
    }

    /** Where the byte is, or {@code end}. */
    private static int indexOf(byte[] bytes, char what, int start, int end) {
        int at = start;
        while (at < end && bytes[at] != what) {
            at++;
        }
        return at;
    }
}
