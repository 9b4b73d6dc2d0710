package dev.airlock.storvsp.replay;

import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlAssembly;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlHeader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A recording of a guest's bus and rings; the format is that of the field notes. */
record Recording(List<Event> events) {
    enum Kind {
        CONTROL_FROM_GUEST,
        CONTROL_FROM_HOST,
        PACKET_FROM_GUEST,
        PACKET_FROM_HOST
    }

    record Event(Kind kind, int line, MemorySegment bytes) {
        int size() {
            return (int) bytes.byteSize();
        }

        ControlMessage message() {
            return Objects.requireNonNull(
                    ControlMessage.decode(bytes, 0, size()), "line " + line + " is no message");
        }
    }

    /** The folder of recordings, or null: they are not part of the project. */
    static @Nullable Path folder() {
        Path at = Path.of("").toAbsolutePath();
        while (at != null && !Files.isDirectory(at.resolve("../shared/traces"))) {
            at = at.getParent();
        }
        return at == null ? null : at.resolve("../shared/traces").normalize();
    }

    static List<Path> all() throws IOException {
        Path folder = folder();
        if (folder == null) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
        }
    }

    static Recording read(Path file) throws IOException {
        List<Event> events = new ArrayList<>();
        int number = 0;
        for (String line : Files.readAllLines(file)) {
            number++;
            String[] words = line.split(" ");
            Kind kind =
                    switch (words[0]) {
                        case "ctl-guest>host" -> Kind.CONTROL_FROM_GUEST;
                        case "ctl-host>guest" -> Kind.CONTROL_FROM_HOST;
                        case "guest>host" -> Kind.PACKET_FROM_GUEST;
                        case "host>guest" -> Kind.PACKET_FROM_HOST;
                        default -> null;
                    };
            if (kind != null) {
                byte[] raw = HexFormat.of().parseHex(words[words.length - 1]);
                MemorySegment bytes = Arena.ofAuto().allocate(raw.length, 8);
                MemorySegment.copy(raw, 0, bytes, ValueLayout.JAVA_BYTE, 0, raw.length);
                events.add(new Event(kind, number, bytes));
            }
        }
        return new Recording(events);
    }

    /** The pages of the rings, in order. */
    long[] ringPfns() {
        GpadlAssembly assembly = null;
        for (Event event : events) {
            if (event.kind == Kind.CONTROL_FROM_GUEST) {
                ControlMessage message = event.message();
                if (message instanceof GpadlHeader header) {
                    assembly = new GpadlAssembly(header);
                } else if (message instanceof GpadlBody body && assembly != null) {
                    assembly.add(body);
                }
            }
        }
        var gpadl = Objects.requireNonNull(assembly, "no GPADL recorded").finish();
        return Objects.requireNonNull(Objects.requireNonNull(gpadl).wholePages());
    }

    /** The pages that a packet lists; none if it lists none. */
    static long[] dataPfns(MemorySegment packet) {
        if (PacketDescriptor.type(packet, 0) != PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT) {
            return new long[0];
        }
        int pages = GpaDirectPacket.validatedPageCount(packet, 0, (int) packet.byteSize());
        long[] pfns = new long[pages];
        for (int i = 0; i < pages; i++) {
            pfns[i] = GpaDirectPacket.pfn(packet, 0, i);
        }
        return pfns;
    }

    /** The highest page that the host is ever told of. */
    long highestPfn() {
        long highest = 0;
        for (long pfn : ringPfns()) {
            highest = Math.max(highest, pfn);
        }
        for (Event event : events) {
            if (event.kind == Kind.PACKET_FROM_GUEST) {
                for (long pfn : dataPfns(event.bytes)) {
                    highest = Math.max(highest, pfn);
                }
            }
        }
        return highest;
    }
}
