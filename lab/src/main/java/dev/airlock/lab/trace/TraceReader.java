package dev.airlock.lab.trace;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a recording event by event. Lines end with LF or CR LF; blank lines and lines that begin
 * with {@code #} are passed over; hexadecimal may be in either case. Memory is bounded by {@link
 * #MAX_LINE_BYTES}. For one thread.
 */
public final class TraceReader implements AutoCloseable {
    /**
     * Longest line accepted, in bytes: four times what the largest ring packet there can be needs
     * (65535 units of 8 bytes, two digits a byte).
     */
    public static final int MAX_LINE_BYTES = 1 << 22;

    private static final int BUFFER_BYTES = 1 << 16;
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final InputStream input;
    private final ByteArrayOutputStream current = new ByteArrayOutputStream();
    private int line;

    /** Reads from a stream, which {@link #close} closes. */
    public TraceReader(InputStream input) {
        this.input = new BufferedInputStream(input, BUFFER_BYTES);
    }

    /**
     * All events of a file.
     *
     * @throws TraceException at the first line that is no event
     */
    public static List<TraceEvent> readAll(Path file) throws IOException, TraceException {
        List<TraceEvent> events = new ArrayList<>();
        try (TraceReader reader = new TraceReader(Files.newInputStream(file))) {
            for (TraceEvent e = reader.next(); e != null; e = reader.next()) {
                events.add(e);
            }
        }
        return events;
    }

    /**
     * The next event.
     *
     * @return null at the end
     * @throws TraceException when the next line is no event; the call after that goes on with the
     *     line behind it
     */
    public @Nullable TraceEvent next() throws IOException, TraceException {
        for (String text = nextLine(); text != null; text = nextLine()) {
            TraceEvent event = LineParser.parse(line, text);
            if (event != null) {
                return event;
            }
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        input.close();
    }

    private @Nullable String nextLine() throws IOException, TraceException {
        current.reset();
        boolean tooLong = false;
        int b = input.read();
        if (b < 0) {
            return null;
        }
        line++;
        for (; b >= 0 && b != '\n'; b = input.read()) {
            if (current.size() < MAX_LINE_BYTES) {
                current.write(b);
            } else {
                tooLong = true;
            }
        }
        if (tooLong) {
            throw new TraceException(line, "longer than " + MAX_LINE_BYTES + " bytes");
        }
        byte[] bytes = current.toByteArray();
        int from = line == 1 && startsWithMark(bytes) ? BYTE_ORDER_MARK.length : 0;
        // Every byte is a character here, so that nothing in a damaged file fails to be read.
        return new String(bytes, from, bytes.length - from, StandardCharsets.ISO_8859_1);
    }

    private static boolean startsWithMark(byte[] bytes) {
        int length = BYTE_ORDER_MARK.length;
        return bytes.length >= length
                && java.util.Arrays.equals(bytes, 0, length, BYTE_ORDER_MARK, 0, length);
    }
}
