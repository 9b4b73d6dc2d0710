package dev.airlock.lab.bench;

import dev.airlock.linux.Usage;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * The whole path, two processes: each load on each disk of a host, isolated and not. Runs are
 * interleaved, all rows once, then all again, with the yardsticks measured in every round, so that
 * a noisy moment hits all alike. One thread.
 */
public final class PathBench {
    private static final List<Load> LOADS =
            List.of(
                    Load.READ_4K_QD1,
                    Load.WRITE_4K_QD1,
                    Load.READ_4K_QD32,
                    Load.WRITE_4K_QD32,
                    Load.READ_1M_QD4,
                    Load.WRITE_1M_QD4);
    private static final int PAGE = 4096;
    private static final int MIB = 1 << 20;
    private static final long YARDSTICK_NANOS = 50_000_000;
    private static final long SECOND_NANOS = 1_000_000_000;
    private static final long IDLE_NANOS = 10 * SECOND_NANOS;

    private final Path socket;
    private final long hostPid;
    private final List<String> disks;
    private final Path folder;
    private final Map<Key, List<LoadRun.Figures>> figures = new LinkedHashMap<>();
    private final Map<String, List<Double>> yardsticks = new LinkedHashMap<>();
    private final Map<String, Double> idlePercent = new LinkedHashMap<>();

    private record Key(boolean isolated, int lun, Load load) {}

    /**
     * @param socket the host's; its disks may be overwritten and must be shared between two guests
     * @param hostPid the host's process, for its CPU time
     * @param disks what to call the disks, by LUN
     * @param folder where the preadv yardstick puts its file; best the one of the raw disk
     */
    public PathBench(Path socket, long hostPid, List<String> disks, Path folder) {
        this.socket = socket;
        this.hostPid = hostPid;
        this.disks = List.copyOf(disks);
        this.folder = folder;
    }

    /** How many measurements {@link #run} makes for each of its runs. */
    public int steps() {
        return 2 * disks.size() * LOADS.size();
    }

    /**
     * Measures everything.
     *
     * @param runs how often, at least 1
     * @param nanos how long each measurement takes; a third of it more to warm up
     * @param told learns the name of each measurement before it is made
     */
    public List<BenchRow> run(int runs, long nanos, Consumer<String> told)
            throws IOException, InterruptedException {
        try (StorageGuest isolated = StorageGuest.connect(socket, GuestOptions.standard(true));
                StorageGuest open = StorageGuest.connect(socket, GuestOptions.standard(false))) {
            for (int run = 0; run < runs; run++) {
                measureYardsticks();
                for (int lun = 0; lun < disks.size(); lun++) {
                    for (Load load : LOADS) {
                        measure(isolated, new Key(true, lun, load), nanos, told);
                        measure(open, new Key(false, lun, load), nanos, told);
                    }
                }
            }
            told.accept("idle");
            measureIdle();
        }
        return rows();
    }

    /**
     * Nothing to do, guests attached: what both processes still use, after a second to calm down.
     */
    private void measureIdle() throws IOException, InterruptedException {
        TimeUnit.NANOSECONDS.sleep(SECOND_NANOS);
        long guest = Usage.selfCpuNanos();
        long host = Usage.cpuNanos(hostPid);
        long start = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep(IDLE_NANOS);
        double elapsed = System.nanoTime() - start;
        idlePercent.put("guestIdlePercent", (Usage.selfCpuNanos() - guest) * 100 / elapsed);
        idlePercent.put("hostIdlePercent", (Usage.cpuNanos(hostPid) - host) * 100 / elapsed);
        Usage usage = Usage.of(hostPid);
        idlePercent.put(
                "hostOwnMemoryMiB", (usage.rssAnonBytes() + usage.rssFileBytes()) / (double) MIB);
    }

    /**
     * Percent of a core that each process used over ten idle seconds, and the host's own memory;
     * after {@link #run}.
     */
    public Map<String, Double> idle() {
        return Map.copyOf(idlePercent);
    }

    private void measure(StorageGuest guest, Key key, long nanos, Consumer<String> told)
            throws IOException, InterruptedException {
        told.accept(name(key));
        if (guest.disks().size() <= key.lun()) {
            throw new IOException("the host offers no LUN " + key.lun());
        }
        BlockDevice device = guest.disks().get(key.lun());
        LoadRun.Figures measured =
                new LoadRun(guest, device, key.load()).run(nanos / 3, nanos, hostPid);
        figures.computeIfAbsent(key, absent -> new ArrayList<>()).add(measured);
    }

    private void measureYardsticks() throws IOException, InterruptedException {
        yardstick(
                "memcpy4KMBps",
                Yardsticks.memcpyBytesPerSecond(PAGE, 16 * MIB, YARDSTICK_NANOS) / 1e6);
        yardstick(
                "memcpy1MMBps",
                Yardsticks.memcpyBytesPerSecond(MIB, 16 * MIB, YARDSTICK_NANOS) / 1e6);
        yardstick("preadv4KNs", Yardsticks.preadNanos(folder, PAGE, 64 * MIB, YARDSTICK_NANOS));
        yardstick("preadv1MNs", Yardsticks.preadNanos(folder, MIB, 64 * MIB, YARDSTICK_NANOS));
        yardstick("coreHopNs", Yardsticks.hopNanos(YARDSTICK_NANOS));
        yardstick("eventfdRoundTripNs", Yardsticks.eventFdRoundTripNanos(YARDSTICK_NANOS));
    }

    private void yardstick(String name, double value) {
        yardsticks.computeIfAbsent(name, absent -> new ArrayList<>()).add(value);
    }

    /** The machine's figures, medians over the runs. */
    public Map<String, Double> yardsticks() {
        Map<String, Double> medians = new LinkedHashMap<>();
        yardsticks.forEach((name, values) -> medians.put(name, sample(values, v -> v).median()));
        return medians;
    }

    private List<BenchRow> rows() {
        Map<String, Double> machine = yardsticks();
        List<BenchRow> rows = new ArrayList<>();
        figures.forEach((key, runs) -> rows.add(row(key, runs, machine)));
        return rows;
    }

    private BenchRow row(Key key, List<LoadRun.Figures> runs, Map<String, Double> machine) {
        boolean large = key.load().blockBytes() >= MIB;
        Sample iops = sample(runs, LoadRun.Figures::iops);
        Map<String, Double> details = new LinkedHashMap<>();
        details.put("iops", iops.median());
        details.put("MBps", iops.median() * key.load().blockBytes() / 1e6);
        details.put("latencyP50Us", sample(runs, LoadRun.Figures::p50Us).median());
        details.put("latencyP99Us", sample(runs, LoadRun.Figures::p99Us).median());
        details.put("guestCpuUsPerIo", sample(runs, LoadRun.Figures::guestCpuUs).median());
        details.put("hostCpuUsPerIo", sample(runs, LoadRun.Figures::hostCpuUs).median());
        details.put("signalsPerIo", sample(runs, LoadRun.Figures::signals).median());
        return new BenchRow(
                name(key),
                key.isolated() ? "forced" : "none",
                large ? "MB/s" : "IOPS",
                large ? iops.times(key.load().blockBytes() / 1e6) : iops,
                details,
                machine);
    }

    private String name(Key key) {
        return disks.get(key.lun()) + " " + key.load().name();
    }

    private static <T> Sample sample(List<T> values, ToDoubleFunction<T> figure) {
        return Sample.of(values.stream().mapToDouble(figure).toArray());
    }
}
