package dev.airlock.lab.bench;

import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Load} on a disk of a host in another process. What is reported depends on the load: the
 * round trip at queue depth 1, I/Os a second at others, bytes a second for large blocks, and bytes
 * copied a second where copying large blocks is all there is to do.
 */
final class PathCase implements BenchCase {
    private static final int MIB = 1 << 20;

    /** Both processes compile this load's code before its first run. */
    private static final long FIRST_WARM_NANOS = 700_000_000;

    private final StorageGuest guest;
    private final boolean isolated;
    private final int lun;
    private final Load load;
    private final long hostPid;
    private final boolean countsCopies;
    private final Label label;
    private final @Nullable Aim aim;
    private final @Nullable Rival rival;
    private boolean warm;

    /** Something measured right after the path, for the same time. */
    interface Rival {
        /** Figures by name with the unit last; empty if it cannot be had here. */
        Map<String, Double> measure(long nanos) throws IOException, InterruptedException;

        /** Why it cannot be had; empty if it can. */
        default String note() {
            return "";
        }
    }

    /**
     * @param guest stays the caller's
     * @param disk the name of the disk at {@code lun}
     * @param countsCopies whether to report bytes copied instead of bytes moved
     */
    PathCase(
            StorageGuest guest,
            boolean isolated,
            String disk,
            int lun,
            Load load,
            long hostPid,
            boolean countsCopies,
            @Nullable Aim aim,
            @Nullable Rival rival) {
        this.guest = guest;
        this.isolated = isolated;
        this.lun = lun;
        this.load = load;
        this.hostPid = hostPid;
        this.countsCopies = countsCopies;
        this.aim = aim;
        this.rival = rival;
        label =
                new Label(
                        disk + " " + load.name() + (countsCopies ? ", bytes copied" : ""),
                        BenchCase.isolation(isolated),
                        load.blockBytes() >= MIB ? "MB/s" : load.queueDepth() == 1 ? "µs" : "IOPS");
    }

    @Override
    public Label label() {
        return label;
    }

    @Override
    public @Nullable Aim aim() {
        return aim;
    }

    @Override
    public String note() {
        return rival == null ? "" : rival.note();
    }

    @Override
    public Figures measure(long nanos) throws IOException, InterruptedException {
        if (guest.disks().size() <= lun) {
            throw new IOException("the host offers no LUN " + lun);
        }
        BlockDevice device = guest.disks().get(lun);
        LoadRun.Measured run =
                new LoadRun(guest, device, load)
                        .run(warm ? nanos / 3 : FIRST_WARM_NANOS, nanos, hostPid);
        warm = true;
        double megabytes = run.iops() * load.blockBytes() / 1e6;
        Map<String, Double> details = new LinkedHashMap<>();
        details.put("iops", run.iops());
        details.put("MBps", megabytes);
        details.put("latencyP50Us", run.p50Us());
        details.put("latencyP99Us", run.p99Us());
        details.put("guestCpuUsPerIo", run.guestCpuUs());
        details.put("hostCpuUsPerIo", run.hostCpuUs());
        details.put("signalsPerIo", run.signals());
        double value =
                switch (label.unit()) {
                    case "µs" -> run.p50Us();
                    case "MB/s" -> megabytes * (countsCopies ? load.copies() : 1);
                    default -> run.iops();
                };
        return new Figures(value, details, rival == null ? Map.of() : rival.measure(nanos));
    }
}
