package dev.airlock.lab.trace;

import dev.airlock.memory.HostMemory;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.host.HostTap;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.Consumer;

/**
 * Writes a recording that {@link TraceReader} reads: one event a line, as they cross the boundary.
 * Thread-safe. A file that cannot be written any more ends the recording, not the host.
 */
public final class TraceWriter implements HostTap, AutoCloseable {
    private static final HexFormat HEX = HexFormat.of();
    private static final int BUFFER_CHARS = 1 << 16;

    private final Writer out;
    private final Consumer<String> onFailure;
    private boolean ended;

    private TraceWriter(Writer out, Consumer<String> onFailure) {
        this.out = out;
        this.onFailure = onFailure;
    }

    /**
     * Begins a recording, in place of what the file holds.
     *
     * @param onFailure told once when the file cannot be written any more
     */
    public static TraceWriter create(Path file, Consumer<String> onFailure) throws IOException {
        return new TraceWriter(
                new BufferedWriter(
                        Files.newBufferedWriter(file, StandardCharsets.US_ASCII), BUFFER_CHARS),
                onFailure);
    }

    @Override
    public void message(boolean fromGuest, MemorySegment from, long at, int bytes) {
        line((fromGuest ? "ctl-guest>host " : "ctl-host>guest ") + hex(from, at, bytes), true);
    }

    @Override
    public void gpadl(int pages, int visiblePages) {
        line("gpadl pages=%d visible=%d".formatted(pages, visiblePages), true);
    }

    @Override
    public void packet(
            boolean fromGuest, MemorySegment from, long at, int bytes, HostMemory memory) {
        if (!fromGuest) {
            line("host>guest " + hex(from, at, bytes), false);
            return;
        }
        int pages =
                PacketDescriptor.type(from, at) == PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT
                        ? Math.max(0, GpaDirectPacket.validatedPageCount(from, at, bytes))
                        : 0;
        int visible = 0;
        for (int i = 0; i < pages; i++) {
            visible += memory.isVisible(GpaDirectPacket.pfn(from, at, i)) ? 1 : 0;
        }
        line("guest>host visible=%d/%d %s".formatted(visible, pages, hex(from, at, bytes)), false);
    }

    @Override
    public synchronized void close() throws IOException {
        ended = true;
        out.close();
    }

    /** Control events are rare: each is in the file at once, and all packets before it. */
    private synchronized void line(String text, boolean flush) {
        if (ended) {
            return;
        }
        try {
            out.write(text);
            out.write('\n');
            if (flush) {
                out.flush();
            }
        } catch (IOException e) {
            ended = true;
            onFailure.accept("the recording ends: " + e.getMessage());
        }
    }

    private static String hex(MemorySegment from, long at, int bytes) {
        return HEX.formatHex(from.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE));
    }
}
