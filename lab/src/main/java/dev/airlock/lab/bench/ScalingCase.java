package dev.airlock.lab.bench;

import dev.airlock.disk.Disk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * What an I/O costs with much of something, beside what it costs with little of it, both measured
 * in the same run: the least of some batches each, turn about. On one thread, so that nothing but
 * the work itself is counted.
 */
final class ScalingCase implements BenchCase {
    private static final int AT_ONCE = 16;
    private static final int BATCH_REQUESTS = 16_128;
    private static final int WARM_BATCHES = 10;

    private final Label label;
    private final List<OneThreadPath> few = new ArrayList<>();
    private final List<OneThreadPath> many = new ArrayList<>();
    private boolean warm;

    private ScalingCase(String name, boolean isolated) {
        label = new Label(name, BenchCase.isolation(isolated), "ns");
    }

    /** 16 guests with one LUN each, against 16 with 63 each: 1,008 in all. */
    static ScalingCase luns(Disk disk) throws IOException {
        ScalingCase made = new ScalingCase("per I/O, 1,008 LUNs against 16", false);
        for (int guest = 0; guest < 16; guest++) {
            made.few.add(new OneThreadPath(false, List.of(disk), 0));
            made.many.add(new OneThreadPath(false, Collections.nCopies(63, disk), 0));
        }
        return made;
    }

    static ScalingCase guests(Disk disk) throws IOException {
        ScalingCase made = new ScalingCase("per I/O, 64 guests against 1", false);
        made.few.add(new OneThreadPath(false, List.of(disk), 0));
        for (int guest = 0; guest < 64; guest++) {
            made.many.add(new OneThreadPath(false, List.of(disk), 0));
        }
        return made;
    }

    static ScalingCase channels(Disk disk) throws IOException {
        ScalingCase made = new ScalingCase("per I/O, 8 channels against 1", false);
        made.few.add(new OneThreadPath(false, List.of(disk), 0));
        made.many.add(new OneThreadPath(false, List.of(disk), 7));
        return made;
    }

    static ScalingCase poolUse(Disk disk) throws IOException {
        ScalingCase made = new ScalingCase("per I/O, pool 95 % full against empty", true);
        made.few.add(new OneThreadPath(true, List.of(disk), 0));
        OneThreadPath full = new OneThreadPath(true, List.of(disk), 0);
        full.fillPool(0.95);
        made.many.add(full);
        return made;
    }

    @Override
    public Label label() {
        return label;
    }

    @Override
    public Aim aim() {
        return Aim.withinSpreadOf("fewNs");
    }

    @Override
    public Figures measure(long nanos) throws IOException {
        for (int i = 0; !warm && i < WARM_BATCHES; i++) {
            batch(few);
            batch(many);
        }
        warm = true;
        long leastFew = Long.MAX_VALUE;
        long leastMany = Long.MAX_VALUE;
        long start = System.nanoTime();
        do {
            leastFew = Math.min(leastFew, batch(few));
            leastMany = Math.min(leastMany, batch(many));
        } while (System.nanoTime() - start < nanos);
        double fewNs = leastFew / (double) BATCH_REQUESTS;
        return Figures.beside(leastMany / (double) BATCH_REQUESTS, Map.of("fewNs", fewNs));
    }

    private static long batch(List<OneThreadPath> paths) throws IOException {
        long start = System.nanoTime();
        int guest = 0;
        for (int sent = 0; sent < BATCH_REQUESTS; sent += AT_ONCE) {
            paths.get(guest).exchange(AT_ONCE, 0);
            guest = guest + 1 == paths.size() ? 0 : guest + 1;
        }
        return System.nanoTime() - start;
    }

    @Override
    public void close() {
        few.forEach(OneThreadPath::close);
        many.forEach(OneThreadPath::close);
    }
}
