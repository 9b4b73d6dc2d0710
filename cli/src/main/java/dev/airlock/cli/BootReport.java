package dev.airlock.cli;

import dev.airlock.memory.HvPage;
import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.server.GuestStatus;
import dev.airlock.vmbus.service.Heartbeat;
import dev.airlock.vmm.Machine;
import dev.airlock.vmm.MachineOptions;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.bus.VmbusForwarder;
import dev.airlock.vmm.memory.VisibilityCounts;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What crossed a guest's boundary, as it stands at one moment. Immutable.
 *
 * @param pages of its memory
 * @param boundary what it has shown
 * @param exits returns of KVM_RUN by reason
 * @param hypercalls by name
 * @param storage what the host counted of this guest; null where it does not tell
 * @param heartbeat what it says of the guest's life
 */
record BootReport(
        boolean isolated,
        int cpus,
        long pages,
        double seconds,
        Boundary boundary,
        Map<String, Long> exits,
        Map<String, Long> hypercalls,
        long interrupts,
        long messages,
        @Nullable GuestStatistics storage,
        Heartbeat heartbeat) {
    private static final double MEGA = 1e6;

    static BootReport of(
            MachineOptions options,
            Machine machine,
            Boundary boundary,
            double seconds,
            @Nullable GuestStatus guest) {
        VmbusForwarder bus = machine.bus();
        return new BootReport(
                options.isolated(),
                options.cpus(),
                options.memoryBytes() >>> HvPage.SHIFT,
                seconds,
                boundary,
                machine.exits().snapshot(),
                hypercalls(machine),
                bus == null ? 0 : bus.interrupts(),
                bus == null ? 0 : bus.messages(),
                guest == null ? null : guest.statistics(),
                guest == null ? Heartbeat.NONE : guest.heartbeat());
    }

    /** By name, so far. */
    static Map<String, Long> hypercalls(Machine machine) {
        Map<String, Long> hypercalls = new LinkedHashMap<>();
        machine.hypercalls()
                .counts()
                .forEach((code, count) -> hypercalls.put(hypercallName(code), count));
        return hypercalls;
    }

    private static String hypercallName(int code) {
        return switch (code) {
            case 0x5C -> "postMessage";
            case 0x5D -> "signalEvent";
            case 0xDB -> "modifyVisibility";
            default -> "0x%x".formatted(code);
        };
    }

    /** For {@code --report}. */
    Map<String, Object> fields(Outcome outcome) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("outcome", outcome.kind().name());
        fields.put("detail", outcome.detail());
        fields.put("seconds", Math.round(seconds * 10) / 10.0);
        fields.put("isolated", isolated);
        fields.put("cpus", cpus);
        VisibilityCounts visibility = boundary.visibility();
        fields.put("pages", pages);
        fields.put("pagesPrivate", pagesPrivate());
        fields.put("pagesVisible", visibility.now());
        fields.put("pagesVisibleMost", visibility.most());
        fields.put("pagesVisibleLongestRun", boundary.longestRun());
        fields.put("pagesShown", visibility.shown());
        fields.put("pagesTakenBack", visibility.takenBack());
        fields.put("privatePagesTouchedByHost", boundary.stray());
        fields.put("visiblePagesReachedByPlainAlias", boundary.plainAlias());
        fields.put(
                "visibleOverTime",
                boundary.series().stream().map(VisibilitySeries.Sample::fields).toList());
        fields.put("swiotlb", boundary.swiotlb());
        fields.put("returns", exits);
        fields.put("hypercalls", hypercalls);
        fields.put("interrupts", interrupts);
        fields.put("controlMessages", messages);
        GuestStatistics guest = storage;
        if (guest != null) {
            fields.put("commands", guest.io().commands());
            fields.put("failed", guest.io().failed());
            fields.put("bytesRead", guest.io().bytesRead());
            fields.put("bytesWritten", guest.io().bytesWritten());
            fields.put("invisiblePagesRefused", guest.invisiblePages());
            fields.put("invalidPackets", guest.invalidPackets());
            fields.put("channels", guest.channels());
            fields.put("heartbeat", word(heartbeat));
            fields.put("srbs", SrbTable.fields(guest.srbs()));
        }
        return fields;
    }

    /** For people, some lines. */
    String text(Outcome outcome) {
        StringBuilder text = new StringBuilder();
        line(
                text,
                "guest",
                "%s after %.1f s, %s, %d processor%s%s",
                outcome.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                seconds,
                isolated ? "isolated (VBS)" : "not isolated",
                cpus,
                cpus == 1 ? "" : "s",
                heartbeat == Heartbeat.NONE ? "" : ", heartbeat " + word(heartbeat));
        VisibilityCounts visibility = boundary.visibility();
        if (isolated) {
            line(
                    text,
                    "pages",
                    "%,d private, %,d visible (%,d at most), %,d shown, %,d taken back; %,d touched by the host while private%s",
                    pagesPrivate(),
                    visibility.now(),
                    visibility.most(),
                    visibility.shown(),
                    visibility.takenBack(),
                    boundary.stray(),
                    boundary.plainAlias() ? "; visible ones reached by their private address" : "");
            line(
                    text,
                    "swiotlb",
                    "%s; longest run of visible pages %,d (%,d MiB)",
                    SwiotlbWatch.words(boundary.swiotlb()),
                    boundary.longestRun(),
                    boundary.longestRun() << HvPage.SHIFT >> 20);
        } else {
            line(text, "pages", "%,d, all of them the host's to see", pages);
        }
        GuestStatistics guest = storage;
        if (guest != null) {
            line(
                    text,
                    "rings",
                    "%,d commands (%,d failed) on %d channel%s, %.1f MB read, %.1f MB written; %,d refused for a page not visible",
                    guest.io().commands(),
                    guest.io().failed(),
                    guest.channels(),
                    guest.channels() == 1 ? "" : "s",
                    guest.io().bytesRead() / MEGA,
                    guest.io().bytesWritten() / MEGA,
                    guest.invisiblePages());
            String name = "SRBs";
            for (String row : SrbTable.lines(guest.srbs())) {
                line(text, name, "%s", row);
                name = "";
            }
        }
        line(text, "returns", "%s; %,d interrupts for rings", words(exits), interrupts);
        line(text, "hypercalls", "%s; %,d control messages", words(hypercalls), messages);
        return text.toString();
    }

    /** One line a second, while it runs. */
    String statsLine() {
        GuestStatistics guest = storage;
        StringBuilder line = new StringBuilder("stats ");
        line.append(
                "seconds=%.0f private=%d visible=%d touchedPrivate=%d"
                        .formatted(
                                seconds,
                                pagesPrivate(),
                                boundary.visibility().now(),
                                boundary.stray()));
        boundary.swiotlb()
                .forEach((name, value) ->
                        line.append(" swiotlb.").append(name).append('=').append(value));
        if (guest != null) {
            line.append(
                    " heartbeat=%s commands=%d readMB=%.1f writtenMB=%.1f refused=%d srbs=%s"
                            .formatted(
                                    word(heartbeat),
                                    guest.io().commands(),
                                    guest.io().bytesRead() / MEGA,
                                    guest.io().bytesWritten() / MEGA,
                                    guest.invisiblePages(),
                                    SrbTable.word(guest.srbs())));
        }
        long returns = exits.values().stream().mapToLong(Long::longValue).sum();
        return line + " returns=%d interrupts=%d".formatted(returns, interrupts);
    }

    private long pagesPrivate() {
        return isolated ? pages - boundary.visibility().now() : 0;
    }

    private static String word(Heartbeat heartbeat) {
        return heartbeat.name().toLowerCase(Locale.ROOT);
    }

    private static String words(Map<String, Long> counts) {
        StringBuilder text = new StringBuilder();
        counts.forEach((name, count) -> {
            if (count != 0) {
                text.append(text.isEmpty() ? "" : ", ").append("%,d %s".formatted(count, name));
            }
        });
        return text.isEmpty() ? "none" : text.toString();
    }

    private static void line(StringBuilder text, String name, String format, Object... values) {
        text.append("%-11s".formatted(name)).append(format.formatted(values)).append('\n');
    }
}
