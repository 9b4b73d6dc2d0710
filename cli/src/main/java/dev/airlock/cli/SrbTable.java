package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.storvsp.SrbCount;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** SRBs by operation code and size, for people and programs. Stateless. */
final class SrbTable {
    private SrbTable() {}

    /** For JSON: a row for each operation code, with its sizes. */
    static List<Map<String, Object>> fields(List<SrbCount> srbs) {
        List<Map<String, Object>> rows = new ArrayList<>();
        byOpcode(srbs)
                .forEach((opcode, counts) -> {
                    Map<String, Long> bySize = new LinkedHashMap<>();
                    counts.forEach(each -> bySize.put(size(each), each.count()));
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("opcode", String.format(Locale.ROOT, "0x%02x", opcode));
                    row.put("name", name(opcode));
                    row.put("count", sum(counts));
                    row.put("bySizeUpTo", bySize);
                    rows.add(row);
                });
        return rows;
    }

    /** A line for each operation code. */
    static List<String> lines(List<SrbCount> srbs) {
        List<String> lines = new ArrayList<>();
        byOpcode(srbs)
                .forEach((opcode, counts) -> {
                    StringBuilder sizes = new StringBuilder();
                    counts.forEach(each -> {
                        if (each.bytesMax() > 0) {
                            String text = String.format(Locale.ROOT, "%,d", each.count());
                            sizes.append(sizes.isEmpty() ? ": " : ", ");
                            sizes.append(text).append(" up to ").append(size(each));
                        }
                    });
                    lines.add(
                            String.format(
                                    Locale.ROOT, "%,d %s%s", sum(counts), name(opcode), sizes));
                });
        return lines;
    }

    /** One word: {@code READ(10)/4K:12/64K:3,...}; no spaces in names. */
    static String word(List<SrbCount> srbs) {
        StringBuilder word = new StringBuilder();
        byOpcode(srbs)
                .forEach((opcode, counts) -> {
                    word.append(word.isEmpty() ? "" : ",").append(name(opcode).replace(' ', '_'));
                    for (SrbCount each : counts) {
                        word.append('/').append(size(each)).append(':').append(each.count());
                    }
                });
        return word.isEmpty() ? "none" : word.toString();
    }

    private static Map<Integer, List<SrbCount>> byOpcode(List<SrbCount> srbs) {
        Map<Integer, List<SrbCount>> rows = new TreeMap<>();
        for (SrbCount each : srbs) {
            rows.computeIfAbsent(each.opcode(), _ -> new ArrayList<>()).add(each);
        }
        return rows;
    }

    private static long sum(List<SrbCount> counts) {
        return counts.stream().mapToLong(SrbCount::count).sum();
    }

    private static String size(SrbCount each) {
        return each.bytesMax() == Integer.MAX_VALUE ? "more" : ByteSize.format(each.bytesMax());
    }

    /** Of the code alone: some have a service action, which is not counted apart. */
    private static String name(int opcode) {
        if (opcode == ScsiCommand.READ_CAPACITY_16.opcode()) {
            return "SERVICE ACTION IN(16)";
        }
        if (opcode == ScsiCommand.REPORT_TIMESTAMP.opcode()) {
            return "MAINTENANCE IN";
        }
        ScsiCommand command = ScsiCommand.of(opcode, 0);
        return command == null
                ? String.format(Locale.ROOT, "opcode 0x%02x", opcode)
                : command.text();
    }
}
