package dev.airlock.cli;

import dev.airlock.nbd.LatencyCounts;
import dev.airlock.nbd.NbdServer;
import dev.airlock.nbd.NbdStatistics;
import dev.airlock.storvsc.guest.StorageGuest;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.json.JsonMapper;

/** Tells once a second what an export's clients do. One thread of its own. */
final class ExportStats {
    private static final double MEGA = 1e6;

    private final NbdServer server;
    private final ExportHost host;
    private final boolean json;
    private final JsonMapper mapper = JsonMapper.builder().build();
    private NbdStatistics last;
    private long lastBounced;
    private long lastNanos;

    private ExportStats(NbdServer server, ExportHost host, boolean json) {
        this.server = server;
        this.host = host;
        this.json = json;
        this.last = server.statistics();
        this.lastBounced = bounced();
        this.lastNanos = System.nanoTime();
    }

    /** Tells until the returned thread is interrupted, and once more then. */
    static Thread start(NbdServer server, ExportHost host, boolean json) {
        ExportStats stats = new ExportStats(server, host, json);
        Thread thread = new Thread(stats::run, "export-stats");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void run() {
        try {
            while (true) {
                TimeUnit.SECONDS.sleep(1);
                tell();
            }
        } catch (InterruptedException end) {
            tell();
        }
    }

    private void tell() {
        NbdStatistics now = server.statistics();
        long nanos = System.nanoTime();
        long bounced = bounced();
        double seconds = Math.max(1e-9, (nanos - lastNanos) / 1e9);
        LatencyCounts latencies = now.latencies().since(last.latencies());
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("clients", now.connections());
        fields.put("queue", now.underWay());
        fields.put("iops", Math.round((now.requests() - last.requests()) / seconds));
        fields.put("readMBps", rate(now.bytesRead() - last.bytesRead(), seconds));
        fields.put("writeMBps", rate(now.bytesWritten() - last.bytesWritten(), seconds));
        fields.put("p50us", micros(latencies.percentile(0.5)));
        fields.put("p99us", micros(latencies.percentile(0.99)));
        fields.put("p999us", micros(latencies.percentile(0.999)));
        fields.put("bouncedMBps", rate(Math.max(0, bounced - lastBounced), seconds));
        fields.put("errors", now.errors() - last.errors());
        last = now;
        lastBounced = bounced;
        lastNanos = nanos;
        if (json) {
            System.out.println(mapper.writeValueAsString(fields));
            System.out.flush();
        } else {
            System.err.println("stats " + line(fields));
        }
    }

    private static String line(Map<String, Object> fields) {
        StringBuilder line = new StringBuilder();
        fields.forEach((name, value) -> line.append(name).append('=').append(value).append(' '));
        return line.toString().strip();
    }

    /** Bytes copied because the host cannot see their place, both ways, by the guest of now. */
    private long bounced() {
        StorageGuest guest = host.guest();
        if (guest == null) {
            return 0;
        }
        var dma = guest.mapper().statistics();
        return dma.bytesBouncedIn() + dma.bytesBouncedOut();
    }

    private static double rate(long bytes, double seconds) {
        return round(bytes / MEGA / seconds);
    }

    private static double micros(long nanos) {
        return round(nanos / 1e3);
    }

    private static double round(double value) {
        return Double.parseDouble(String.format(Locale.ROOT, "%.1f", value));
    }
}
