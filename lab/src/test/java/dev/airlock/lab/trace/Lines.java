package dev.airlock.lab.trace;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Decodes lines as the command does: what cannot be decoded is named and passed over. */
final class Lines {
    private Lines() {}

    /** Texts of the events, and in their place {@code !} and the message of what is none. */
    static List<String> decode(String... lines) {
        return decodeBytes((String.join("\n", lines) + "\n").getBytes(ISO_8859_1));
    }

    static List<String> decodeBytes(byte[] recording) {
        List<String> texts = new ArrayList<>();
        TraceDecoder decoder = new TraceDecoder();
        try (TraceReader reader = new TraceReader(new ByteArrayInputStream(recording))) {
            while (true) {
                try {
                    TraceEvent event = reader.next();
                    if (event == null) {
                        return texts;
                    }
                    texts.add(decoder.decode(event).text());
                } catch (TraceException e) {
                    texts.add("!" + e.getMessage());
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static String decodeOne(String line) {
        List<String> texts = decode(line);
        if (texts.size() != 1) {
            throw new AssertionError(texts);
        }
        return texts.getFirst();
    }
}
