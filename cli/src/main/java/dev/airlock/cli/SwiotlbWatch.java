package dev.airlock.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a guest's console tells of its bounce buffers: nobody but the guest's kernel knows how many
 * slots are in use. Read are the kernel's own lines ({@code kernel/dma/swiotlb.c}), which {@code
 * quiet} keeps off the console unless somebody prints them, and the counters of debugfs as {@code
 * grep . /sys/kernel/debug/swiotlb/io_tlb_*} prints them. A guest may say what it likes: this
 * reports, and decides nothing. Thread-safe.
 */
final class SwiotlbWatch {
    private static final Pattern MAPPED =
            Pattern.compile("software IO TLB: mapped \\[mem .{1,80}] \\((\\d{1,9})MB\\)");
    private static final Pattern FULL =
            Pattern.compile(
                    "swiotlb buffer is full \\(sz: (\\d{1,18}) bytes\\), total (\\d{1,18}) \\(slots\\), used (\\d{1,18}) \\(slots\\)");
    private static final Pattern COUNTER =
            Pattern.compile("swiotlb/io_tlb_(nslabs|used|used_hiwater):(\\d{1,18})\\b");

    /** Not told. */
    private static final long UNKNOWN = -1;

    private long mebibytes = UNKNOWN;
    private long slots = UNKNOWN;
    private long used = UNKNOWN;
    private long usedMost = UNKNOWN;
    private long full;

    /** A line of the console. */
    synchronized void follow(String line) {
        Matcher mapped = MAPPED.matcher(line);
        Matcher refused = FULL.matcher(line);
        Matcher counter = COUNTER.matcher(line);
        if (mapped.find()) {
            mebibytes = Long.parseLong(mapped.group(1));
        } else if (refused.find()) {
            full++;
            slots = Long.parseLong(refused.group(2));
            tellUsed(Long.parseLong(refused.group(3)));
        } else if (counter.find()) {
            long value = Long.parseLong(counter.group(2));
            switch (counter.group(1)) {
                case "nslabs" -> slots = value;
                case "used" -> tellUsed(value);
                default -> usedMost = Math.max(usedMost, value);
            }
        }
    }

    private void tellUsed(long now) {
        used = now;
        usedMost = Math.max(usedMost, now);
    }

    /** For a guest that starts again. */
    synchronized void clear() {
        mebibytes = UNKNOWN;
        slots = UNKNOWN;
        used = UNKNOWN;
        usedMost = UNKNOWN;
        full = 0;
    }

    /**
     * What is known so far, by name: {@code mebibytes} of the pool, {@code slots} of 2 KiB in it,
     * {@code used} when it was told last, {@code usedMost} of what was told, {@code full} how often
     * the kernel said that it had no room; empty if it said nothing.
     */
    synchronized Map<String, Long> told() {
        Map<String, Long> told = new LinkedHashMap<>();
        put(told, "mebibytes", mebibytes);
        put(told, "slots", slots);
        put(told, "used", used);
        put(told, "usedMost", usedMost);
        if (full > 0 || !told.isEmpty()) {
            told.put("full", full);
        }
        return told;
    }

    private static void put(Map<String, Long> into, String name, long value) {
        if (value != UNKNOWN) {
            into.put(name, value);
        }
    }

    /** For people. */
    static String words(Map<String, Long> told) {
        if (told.isEmpty()) {
            return "the console tells nothing";
        }
        StringBuilder words = new StringBuilder();
        told.forEach((name, value) -> {
            String text =
                    switch (name) {
                        case "mebibytes" -> "%,d MiB";
                        case "slots" -> "%,d slots";
                        case "used" -> "%,d in use";
                        case "usedMost" -> "%,d at most of what it told";
                        default -> "full %,d times";
                    };
            words.append(words.isEmpty() ? "" : ", ");
            words.append(String.format(Locale.ROOT, text, value));
        });
        return words.toString();
    }
}
