package dev.airlock.storvsc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** The ring packets of a recording of the real driver, in order. */
final class TraceFile {
    /** One line. */
    static final class Packet {
        private final boolean fromGuest;
        private final String hex;

        private Packet(boolean fromGuest, String hex) {
            this.fromGuest = fromGuest;
            this.hex = hex;
        }

        boolean isFromGuest() {
            return fromGuest;
        }

        /** Descriptor and payload, a copy of the caller's own. */
        byte[] bytes() {
            return HexFormat.of().parseHex(hex);
        }
    }

    private TraceFile() {}

    /** Reads a recording; skips the test where there is none. */
    static List<Packet> read(String name) {
        Path file = find(name);
        if (file == null) {
            return Assumptions.abort("no recording " + name + " beside the project");
        }
        List<Packet> packets = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file)) {
                if (line.startsWith("guest>host ")) {
                    packets.add(new Packet(true, line.substring(line.lastIndexOf(' ') + 1)));
                } else if (line.startsWith("host>guest ")) {
                    packets.add(new Packet(false, line.substring(line.lastIndexOf(' ') + 1)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return packets;
    }

    private static @Nullable Path find(String name) {
        @Nullable Path at = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (at != null) {
            Path file = at.resolve("shared/traces").resolve(name);
            if (Files.isReadable(file)) {
                return file;
            }
            at = at.getParent();
        }
        return null;
    }
}
