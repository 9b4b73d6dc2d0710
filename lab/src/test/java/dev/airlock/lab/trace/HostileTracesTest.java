package dev.airlock.lab.trace;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Damaged recordings: every line ends as one event or one reason, whatever was done to it. */
class HostileTracesTest {
    private static final int LINES = 100_000;

    @Test
    void shouldEndEveryDamagedLineAsAnEventOrAReason() throws Exception {
        Long replay = Long.getLong("airlock.seed");
        long seed = replay != null ? replay : System.nanoTime();
        System.out.println("replay with -Dairlock.seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<String> recorded =
                Files.readAllLines(Recordings.file(Recordings.ISOLATED), ISO_8859_1).stream()
                        .filter(line -> line.length() < 600)
                        .toList();
        TraceDecoder decoder = new TraceDecoder();
        int events = 0;
        int refused = 0;
        for (int i = 0; i < LINES; i++) {
            String line = damaged(recorded.get(random.nextInt(recorded.size())), random);
            try {
                TraceEvent event = LineParser.parse(i + 1, line);
                if (event != null) {
                    assertThat(decoder.decode(event).text())
                            .as("seed=%d %s", seed, line)
                            .isNotEmpty();
                    events++;
                }
            } catch (TraceException e) {
                assertThat(e.line()).isEqualTo(i + 1);
                assertThat(e.reason())
                        .as("seed=%d %s", seed, line)
                        .isNotBlank()
                        .doesNotContain("\n");
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed=" + seed + " line=" + line, e);
            }
        }
        assertThat(events).isGreaterThan(LINES / 10);
        assertThat(refused).isGreaterThan(LINES / 10);
    }

    /** Damages bytes most of the time, so that the line itself is in order; else the text. */
    private static String damaged(String line, SplittableRandom random) {
        int hexAt = line.lastIndexOf(' ') + 1;
        if (random.nextInt(8) == 0 || line.startsWith("gpadl")) {
            char[] text = line.toCharArray();
            text[random.nextInt(text.length)] = (char) random.nextInt(256);
            return new String(text).replace('\n', ' ');
        }
        byte[] bytes = HexFormat.of().parseHex(line.substring(hexAt));
        switch (random.nextInt(3)) {
            case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 16));
            case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            default -> {
                // The words that say how much follows.
                int header = Math.min(bytes.length, 48);
                for (int i = random.nextInt(4); i >= 0; i--) {
                    bytes[random.nextInt(header)] ^= (byte) (1 << random.nextInt(8));
                }
                if (random.nextBoolean() && bytes.length >= 8 && !line.startsWith("ctl")) {
                    bytes[4] = (byte) (bytes.length / 8);
                    bytes[5] = (byte) (bytes.length / 8 >>> 8);
                }
            }
        }
        return line.substring(0, hexAt) + HexFormat.of().formatHex(bytes);
    }

    @Test
    void shouldForgetRequestsThatAreNeverAnswered() {
        Requests requests = new Requests();
        for (int i = 0; i < 200_000; i++) {
            requests.sent(i, new Requests.Request(3, "READ(10)", 0x28, i));
            requests.sent(-1, new Requests.Request(3, "READ(10)", 0x28, i));
        }
        assertThat(requests.completed(0)).isNull();
        assertThat(requests.completed(199_999)).isNotNull();
        int kept = 0;
        while (requests.completed(-1) != null) {
            kept++;
        }
        assertThat(kept).isBetween(1, 1000);
    }

    @Test
    void shouldForgetGpadlsThatAreNeverComplete() {
        ByteArrayOutputStream recording = new ByteArrayOutputStream();
        for (int handle = 0; handle < 10_000; handle++) {
            String header =
                    new Bytes().u32(8, 0, 1, handle).u16(32, 1).u32(4096 * 3, 0).u64(1).toHex();
            recording.writeBytes(("ctl-guest>host " + header + "\n").getBytes(ISO_8859_1));
        }
        String created = new Bytes().u32(10, 0, 1, 9_999, 0).toHex();
        String forgotten = new Bytes().u32(10, 0, 1, 0, 0).toHex();
        recording.writeBytes(
                ("ctl-host>guest " + created + "\nctl-host>guest " + forgotten + "\n")
                        .getBytes(ISO_8859_1));
        List<String> texts = Lines.decodeBytes(recording.toByteArray());
        assertThat(texts.get(10_000))
                .startsWith("!line 10001: GPADL_CREATED for a GPADL that is not");
        assertThat(texts.get(10_001)).startsWith("host>guest control GPADL_CREATED");
    }
}
