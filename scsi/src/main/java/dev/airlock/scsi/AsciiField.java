package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/** Fixed-length ASCII fields, left-aligned and padded with blanks (SPC-4 section 4.3.1). */
final class AsciiField {

    private AsciiField() {}

    /** Writes text cut or padded to {@code bytes}; what is not printable ASCII becomes a blank. */
    static void write(MemorySegment segment, long at, int bytes, String text) {
        for (int i = 0; i < bytes; i++) {
            char c = i < text.length() ? text.charAt(i) : ' ';
            BigEndian.u8(segment, at + i, isPrintable(c) ? c : ' ');
        }
    }

    /**
     * Reads text without the padding at both ends; what is not printable ASCII becomes a question
     * mark.
     */
    static String read(MemorySegment segment, long at, int bytes) {
        StringBuilder text = new StringBuilder(bytes);
        for (int i = 0; i < bytes; i++) {
            int c = BigEndian.u8(segment, at + i);
            text.append(isPrintable(c) ? (char) c : c == 0 ? ' ' : '?');
        }
        return text.toString().strip();
    }

    static boolean isPrintable(int c) {
        return c >= 0x20 && c <= 0x7E;
    }
}
