package dev.airlock.scsi;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The recorded vstor payloads of {@code ../shared/traces}. */
final class Traces {

    /** A ring packet's payload, its transaction id and who sent it. */
    record Event(String place, boolean fromGuest, long transactionId, byte[] payload) {

        MemorySegment segment() {
            return MemorySegment.ofArray(payload.clone());
        }
    }

    private Traces() {}

    static List<Path> files() {
        // ../shared beside the project, or further up beside a worktree.
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            Path traces = up.resolve("shared/traces");
            if (Files.isDirectory(traces)) {
                return list(traces);
            }
        }
        Assumptions.abort("no recordings: ../shared/traces is absent");
        return List.of();
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Event> events() {
        List<Event> events = new ArrayList<>();
        for (Path file : files()) {
            try {
                List<String> lines = Files.readAllLines(file, US_ASCII);
                for (int i = 0; i < lines.size(); i++) {
                    String[] words = lines.get(i).split(" ");
                    if (words[0].equals("guest>host") || words[0].equals("host>guest")) {
                        events.add(event(file.getFileName() + ":" + (i + 1), words));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return events;
    }

    /**
     * Cuts the vmpacket_descriptor: type u16, offset of the payload u16 and length u16 in 8 bytes,
     * flags u16, id u64.
     */
    private static Event event(String place, String[] words) {
        byte[] packet = HexFormat.of().parseHex(words[words.length - 1]);
        MemorySegment segment = MemorySegment.ofArray(packet);
        int payloadAt = LittleEndian.u16(segment, 2) * 8;
        byte[] payload = Arrays.copyOfRange(packet, payloadAt, packet.length);
        return new Event(
                place, words[0].startsWith("guest"), LittleEndian.i64(segment, 8), payload);
    }
}
