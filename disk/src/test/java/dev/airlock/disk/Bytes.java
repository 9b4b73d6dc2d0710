package dev.airlock.disk;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Contents of sectors in tests, compared without printing all of them. */
final class Bytes {
    private Bytes() {}

    static byte[] filled(int bytes, int value) {
        byte[] content = new byte[bytes];
        Arrays.fill(content, (byte) value);
        return content;
    }

    static byte[] random(SplittableRandom random, int bytes) {
        byte[] content = new byte[bytes];
        random.nextBytes(content);
        return content;
    }

    /** Fails with the place of the first difference. */
    static void requireEqual(byte[] actual, byte[] expected) {
        int at = Arrays.mismatch(actual, expected);
        if (at >= 0) {
            throw new AssertionError(
                    "bytes differ: at="
                            + at
                            + " of="
                            + expected.length
                            + " actual="
                            + tail(actual, at)
                            + " expected="
                            + tail(expected, at));
        }
    }

    /** Fails unless every byte has that value. */
    static void requireAll(int value, byte[] actual) {
        requireEqual(actual, filled(actual.length, value));
    }

    private static String tail(byte[] content, int at) {
        return Arrays.toString(Arrays.copyOfRange(content, at, Math.min(content.length, at + 8)));
    }
}
