package dev.airlock.lab.bench;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.disk.NullDisk;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The benchmark: what the product does beside what the machine could do, each figure with the aim
 * it was built for. Runs are interleaved, all rows once, then all again, with the yardsticks
 * measured in every round, so that a noisy moment hits all alike. One thread; close it after use.
 */
public final class Bench implements AutoCloseable {
    private static final long YARDSTICK_NANOS = 40_000_000;
    private static final long LOAD_NANOS = 300_000_000;
    private static final int PAGE = 4096;
    private static final int MIB = 1 << 20;
    private static final int NULL_LUN = 0;
    private static final int RAW_LUN = 1;

    private final Setting setting;
    private final StorageGuest isolated;
    private final StorageGuest open;
    private final NullDisk nullDisk = new NullDisk(64L << 30, 512, false);
    private final MemoryDisk zeroes = new MemoryDisk(256 * MIB, 512, false);
    private final List<BenchCase> cases = new ArrayList<>();
    private final Map<BenchCase, List<BenchCase.Figures>> figures = new LinkedHashMap<>();
    private final Map<String, List<Double>> yardsticks = new LinkedHashMap<>();
    private final boolean idles;

    /**
     * What to measure and with whom.
     *
     * @param socket of a host whose LUN 0 is a null disk and LUN 1 a raw disk on tmpfs; both may be
     *     overwritten and must be shared between two guests
     * @param hostPid the host's process, for its CPU time
     * @param folder on the same tmpfs, for the yardsticks' files
     * @param rawFile the file of LUN 1, filled with data
     * @param pattern what a row's name must contain, in any case; empty for all
     */
    public record Setting(Path socket, long hostPid, Path folder, Path rawFile, String pattern) {}

    /** Attaches two guests to the host and prepares the rows. */
    public Bench(Setting setting) throws IOException {
        this.setting = setting;
        isolated = StorageGuest.connect(setting.socket(), GuestOptions.standard(true));
        open = StorageGuest.connect(setting.socket(), GuestOptions.standard(false));
        idles = isWanted("idle");
        oneThreadRows();
        pathRows();
        partRows();
    }

    /** Number of measurements that {@link #run} makes. */
    public int steps(int runs) {
        return cases.size() * runs + (idles ? 1 : 0);
    }

    /**
     * Measures everything.
     *
     * @param runs how often, at least 1
     * @param nanos about how long each measurement takes
     * @param told learns the name of each measurement before it is made
     */
    public List<BenchRow> run(int runs, long nanos, Consumer<String> told)
            throws IOException, InterruptedException {
        for (int run = 0; run < runs; run++) {
            measureYardsticks();
            for (BenchCase each : cases) {
                told.accept(each.label().name());
                add(each, each.measure(nanos));
            }
        }
        if (idles) {
            told.accept("idle");
            idle();
        }
        List<BenchRow> rows = new ArrayList<>();
        figures.forEach((each, of) -> rows.add(row(each, of)));
        return rows;
    }

    /** The machine's figures, medians over the runs. */
    public Map<String, Double> yardsticks() {
        return medians(samples(yardsticks));
    }

    private void oneThreadRows() throws IOException {
        oneThread(false, 1, false, Aim.atMost(0.60));
        oneThread(false, 4, false, Aim.atMost(0.42));
        oneThread(false, 16, false, Aim.atMost(0.37));
        oneThread(true, 16, false, null);
        oneThread(true, 16, true, null);
    }

    private void oneThread(boolean bounced, int atOnce, boolean overwrite, @Nullable Aim aim)
            throws IOException {
        if (isWanted("one thread, 4 KiB read x" + atOnce + (overwrite ? " overwriting" : ""))) {
            cases.add(new OneThreadCase(zeroes, bounced, atOnce, overwrite, aim));
        }
    }

    private void pathRows() {
        Aim roundTrip = Aim.atMost(3);
        both("null", NULL_LUN, Load.READ_4K_QD1, roundTrip, roundTrip);
        both("null", NULL_LUN, Load.WRITE_4K_QD1, roundTrip, roundTrip);
        asleep(isolated, true);
        asleep(open, false);
        Aim bounced = Aim.atLeast(1_000_000);
        Aim direct = Aim.atLeast(1_300_000);
        both("null", NULL_LUN, Load.READ_4K_QD32, bounced, direct);
        path(true, "null", NULL_LUN, Load.OVERWRITING_4K_QD32, false, null, null);
        both("null", NULL_LUN, Load.WRITE_4K_QD32, bounced, direct);
        copied(Load.READ_1M_QD4);
        copied(Load.OVERWRITING_1M_QD4);
        copied(Load.WRITE_1M_QD4);
        both("tmpfs", RAW_LUN, Load.READ_4K_QD1, null, null);
        both("tmpfs", RAW_LUN, Load.WRITE_4K_QD1, null, null);
        againstFio(Load.READ_4K_QD32);
        againstFio(Load.WRITE_4K_QD32);
        both("tmpfs", RAW_LUN, Load.READ_1M_QD4, null, null);
        both("tmpfs", RAW_LUN, Load.WRITE_1M_QD4, null, null);
    }

    private void both(
            String disk, int lun, Load load, @Nullable Aim bounced, @Nullable Aim direct) {
        path(true, disk, lun, load, false, bounced, null);
        path(false, disk, lun, load, false, direct, null);
    }

    private void asleep(StorageGuest guest, boolean bounced) {
        AsleepCase made = new AsleepCase(guest, bounced, "null", NULL_LUN);
        if (isWanted(made.label().name())) {
            cases.add(made);
        }
    }

    private void copied(Load load) {
        int piece = isolated.disks().get(NULL_LUN).maxTransferBytes();
        Aim aim = Aim.atLeast(0.9, "memcpySameWayMBps");
        path(true, "null", NULL_LUN, load, true, aim, new CopyRival(load, piece));
    }

    private void againstFio(Load load) {
        for (boolean bounced : new boolean[] {true, false}) {
            Aim aim = Aim.atLeast(0.7, "fioIops");
            FioRival fio = new FioRival(setting.rawFile(), load);
            path(bounced, "tmpfs", RAW_LUN, load, false, aim, fio);
        }
    }

    private void path(
            boolean bounced,
            String disk,
            int lun,
            Load load,
            boolean countsCopies,
            @Nullable Aim aim,
            PathCase.@Nullable Rival rival) {
        StorageGuest guest = bounced ? isolated : open;
        PathCase made =
                new PathCase(
                        guest,
                        bounced,
                        disk,
                        lun,
                        load,
                        setting.hostPid(),
                        countsCopies,
                        aim,
                        rival);
        if (isWanted(made.label().name())) {
            cases.add(made);
        }
    }

    private void partRows() throws IOException {
        keepWanted(MappingCase.identity());
        keepWanted(MappingCase.bounce());
        keepWanted(new AllocationCase(nullDisk, true));
        keepWanted(new AllocationCase(nullDisk, false));
        if (isWanted("per I/O")) {
            cases.add(ScalingCase.luns(nullDisk));
            cases.add(ScalingCase.guests(nullDisk));
            cases.add(ScalingCase.channels(nullDisk));
            cases.add(ScalingCase.poolUse(nullDisk));
        }
    }

    private void keepWanted(BenchCase made) {
        if (isWanted(made.label().name())) {
            cases.add(made);
        } else {
            made.close();
        }
    }

    private boolean isWanted(String name) {
        String pattern = setting.pattern().toLowerCase(Locale.ROOT);
        return name.toLowerCase(Locale.ROOT).contains(pattern);
    }

    private void idle() throws IOException, InterruptedException {
        IdleCase guest = new IdleCase(setting.hostPid(), false);
        IdleCase host = new IdleCase(setting.hostPid(), true);
        IdleCase.calm();
        for (int window = 0; window < IdleCase.WINDOWS; window++) {
            add(host, host.measure(0));
            add(guest, host.other());
        }
    }

    private void measureYardsticks() throws IOException, InterruptedException {
        Path folder = setting.folder();
        yardstick("usedByOthersPercentOfCore", Yardsticks.machineLoadPercent(LOAD_NANOS));
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

    private void add(BenchCase each, BenchCase.Figures measured) {
        figures.computeIfAbsent(each, absent -> new ArrayList<>()).add(measured);
    }

    private BenchRow row(BenchCase each, List<BenchCase.Figures> runs) {
        Map<String, List<Double>> details = new LinkedHashMap<>();
        Map<String, List<Double>> own = new LinkedHashMap<>();
        for (BenchCase.Figures run : runs) {
            collect(run.details(), details);
            collect(run.yardsticks(), own);
        }
        Map<String, Sample> beside = samples(own);
        Map<String, Double> all = new LinkedHashMap<>(medians(beside));
        all.putAll(yardsticks());
        Aim aim = each.aim();
        return new BenchRow(
                each.label().name(),
                each.label().isolation(),
                each.label().unit(),
                Sample.of(runs.stream().mapToDouble(BenchCase.Figures::value).toArray()),
                aim,
                aim == null ? Double.NaN : aim.bound(beside),
                medians(samples(details)),
                all,
                each.note());
    }

    private static void collect(Map<String, Double> from, Map<String, List<Double>> into) {
        from.forEach((name, value) ->
                into.computeIfAbsent(name, absent -> new ArrayList<>()).add(value));
    }

    private static Map<String, Sample> samples(Map<String, List<Double>> values) {
        Map<String, Sample> samples = new LinkedHashMap<>();
        values.forEach((name, all) ->
                samples.put(name, Sample.of(all.stream().mapToDouble(v -> v).toArray())));
        return samples;
    }

    private static Map<String, Double> medians(Map<String, Sample> samples) {
        Map<String, Double> medians = new LinkedHashMap<>();
        samples.forEach((name, sample) -> medians.put(name, sample.median()));
        return medians;
    }

    @Override
    public void close() {
        cases.forEach(BenchCase::close);
        isolated.close();
        open.close();
        nullDisk.close();
        zeroes.close();
    }
}
