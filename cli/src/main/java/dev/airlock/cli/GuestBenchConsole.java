package dev.airlock.cli;

import dev.airlock.nest.BenchGuest;
import dev.airlock.vmm.device.ByteSink;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Reads the console of a {@link BenchGuest}, and the VMM's counts at its marks. It is called by the
 * virtual processor that writes the byte, so a count is of that very moment: after the last byte of
 * a begin mark, and at the first one of an end mark. The marks themselves, and all that fio's
 * result takes to be written, are therefore not counted. Thread safe.
 */
final class GuestBenchConsole implements ByteSink {
    /** A line of fio has about a thousand; a guest may say what it likes. */
    private static final int LINE_BYTES_MAX = 16 << 10;

    private final Supplier<GuestCounts> counts;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final Map<String, GuestCounts> begun = new HashMap<>();
    private final Map<String, GuestCounts> during = new HashMap<>();
    private final Map<String, String> results = new HashMap<>();
    private GuestCounts atLineStart = GuestCounts.NONE;
    private String lastLine = "";
    private String failure = "";

    /**
     * @param counts what stands now; called for each line, cheap, and waits for nobody
     */
    GuestBenchConsole(Supplier<GuestCounts> counts) {
        this.counts = counts;
    }

    @Override
    public synchronized void accept(byte value) {
        if (value == '\n') {
            end(line.toString(StandardCharsets.UTF_8).strip());
            line.reset();
            return;
        }
        if (line.size() == 0) {
            atLineStart = counts.get();
        }
        if (line.size() < LINE_BYTES_MAX) {
            line.write(value);
        }
    }

    private void end(String text) {
        if (text.startsWith(BenchGuest.BEGIN)) {
            begun.put(text.substring(BenchGuest.BEGIN.length()), counts.get());
        } else if (text.startsWith(BenchGuest.END)) {
            String name = text.substring(BenchGuest.END.length());
            GuestCounts before = begun.get(name);
            if (before != null) {
                during.put(name, atLineStart.since(before));
            }
        } else if (text.startsWith(BenchGuest.RESULT)) {
            String[] words = text.substring(BenchGuest.RESULT.length()).split(" ", 2);
            if (words.length == 2) {
                results.put(words[0], words[1]);
            }
        } else if (text.startsWith(BenchGuest.FAILED)) {
            failure = text.substring(BenchGuest.FAILED.length());
        }
        if (!text.isEmpty()) {
            lastLine = text;
        }
    }

    /**
     * What a job did.
     *
     * @throws IllegalArgumentException when the guest has not told, or what it told is wrong
     */
    synchronized GuestSample sample(BenchGuest.Job job) {
        String told = results.get(job.name());
        GuestCounts counted = during.get(job.name());
        if (told == null || counted == null) {
            throw new IllegalArgumentException("the guest did not tell of " + job.name());
        }
        return new GuestSample(FioResult.parse(told, job.blockBytes()), counted);
    }

    /** Why the guest gave up, or the last it said. */
    synchronized String lastWords() {
        return failure.isEmpty() ? lastLine : failure;
    }
}
