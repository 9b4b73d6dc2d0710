package dev.airlock.lab.mapping;

import dev.airlock.dma.BounceMapper;
import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.DmaStatistics;
import dev.airlock.dma.Swiotlb;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.lab.bench.Sample;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * The bounce pool, without the path, when it is nearly full: 1 to 16 threads map and unmap while
 * mappings that nobody ends hold 10 to 99 % of the slots, packed together or strewn. And a pool
 * that may grow. One thread; it starts the others.
 */
final class PoolPressure {
    static final List<Integer> THREADS = List.of(1, 2, 4, 8, 16);
    static final List<Integer> USE_PERCENT = List.of(10, 25, 50, 75, 90, 95, 99);

    private static final long POOL_BYTES = 16L << 20;
    private static final long GROWN_BYTES = 32L << 20;
    private static final long STEP_BYTES = 2L << 20;
    private static final int HELD_BYTES = 4 << 10;
    private static final int PRIVATE_BYTES = 1 << 20;
    private static final int SIZE_STEP = 4 << 10;

    private final LabOptions options;
    private final Map<Cell, List<Result>> results = new LinkedHashMap<>();

    private record Cell(boolean growing, boolean strewn, int usePercent, int threads) {}

    private record Result(
            double nsPerAttempt,
            double failedPercent,
            double failed4KPercent,
            double slotsPerMapping,
            double segmentsPerAttempt,
            double worstToBestThread,
            double largestFreeBytes,
            double growths,
            double slotsAfter) {}

    PoolPressure(LabOptions options) {
        this.options = options;
    }

    /** How often {@link #run} tells of its progress. */
    static int steps(LabOptions options) {
        return cells().size() * options.rounds();
    }

    /** A row for each number of threads, use and kind of fragmentation; then the growing pools. */
    List<ReportRow> run(Consumer<String> told) throws LinuxException, InterruptedException {
        // One memory for all, so that its pages are there after the first cell.
        try (GuestMemory memory =
                GuestMemory.isolated(PRIVATE_BYTES, GROWN_BYTES + PRIVATE_BYTES)) {
            for (int round = 0; round < options.rounds(); round++) {
                for (Cell cell : cells()) {
                    told.accept(
                            "pool at %d %%, %d threads"
                                    .formatted(cell.usePercent(), cell.threads()));
                    results.computeIfAbsent(cell, absent -> new ArrayList<>())
                            .add(measure(memory, cell, round));
                }
            }
        }
        List<ReportRow> rows = new ArrayList<>();
        results.forEach((cell, all) -> rows.add(row(cell, all)));
        return rows;
    }

    private static List<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        for (boolean strewn : new boolean[] {false, true}) {
            for (int use : USE_PERCENT) {
                for (int threads : THREADS) {
                    cells.add(new Cell(false, strewn, use, threads));
                }
            }
        }
        for (int threads : THREADS) {
            cells.add(new Cell(true, true, 99, threads));
        }
        return cells;
    }

    private Result measure(GuestMemory memory, Cell cell, int round) throws InterruptedException {
        SwiotlbOptions swiotlb = SwiotlbOptions.DEFAULTS.withPoolBytes(POOL_BYTES);
        if (cell.growing()) {
            swiotlb = swiotlb.withGrowth(GROWN_BYTES, STEP_BYTES);
        }
        try (Swiotlb pool = new Swiotlb(memory, swiotlb)) {
            DmaMapper mapper = new BounceMapper(memory, pool, DmaLimits.STORVSC);
            List<Long> held = hold(mapper, pool, cell, round);
            int largest = cell.growing() ? 0 : largestFree(mapper);
            Result result = measure(mapper, cell, round, largest);
            held.forEach(dma -> release(mapper, dma, HELD_BYTES));
            return result;
        }
    }

    private Result measure(DmaMapper mapper, Cell cell, int round, int largest)
            throws InterruptedException {
        CountDownLatch start = new CountDownLatch(1);
        List<PressureThread> threads = new ArrayList<>();
        for (int i = 0; i < cell.threads(); i++) {
            threads.add(new PressureThread(mapper, start, options.pressureNanos(), seed(round, i)));
        }
        threads.forEach(Thread::start);
        DmaStatistics before = mapper.statistics();
        long begin = System.nanoTime();
        start.countDown();
        for (PressureThread thread : threads) {
            thread.join();
        }
        long elapsed = System.nanoTime() - begin;
        DmaStatistics after = mapper.statistics();
        double attempts = threads.stream().mapToLong(PressureThread::attempts).sum();
        double successes = threads.stream().mapToLong(PressureThread::successes).sum();
        double small = threads.stream().mapToLong(PressureThread::smallAttempts).sum();
        double smallDone = threads.stream().mapToLong(PressureThread::smallSuccesses).sum();
        long mapped = after.bouncedMappings() - before.bouncedMappings();
        int processors = Math.min(cell.threads(), Runtime.getRuntime().availableProcessors());
        return new Result(
                elapsed * (double) processors / attempts,
                100 * (1 - successes / attempts),
                100 * (1 - smallDone / Math.max(1, small)),
                (double) (after.slotsTaken() - before.slotsTaken()) / Math.max(1, mapped),
                (after.segmentsSearched() - before.segmentsSearched()) / attempts,
                worstToBest(threads),
                largest,
                after.growths() - before.growths(),
                after.slotsTotal());
    }

    /** Success rate of the thread that fared worst over that of the one that fared best. */
    private static double worstToBest(List<PressureThread> threads) {
        double worst = 1;
        double best = 0;
        for (PressureThread thread : threads) {
            double rate = (double) thread.successes() / thread.attempts();
            worst = Math.min(worst, rate);
            best = Math.max(best, rate);
        }
        return best == 0 ? 1 : worst / best;
    }

    /** Fills the pool with pages, then frees so many that the wanted share stays in use. */
    private static List<Long> hold(DmaMapper mapper, Swiotlb pool, Cell cell, int round) {
        int slotBytes = pool.options().slotBytes();
        int all = (int) (pool.slots() * slotBytes / HELD_BYTES);
        List<Long> held = new ArrayList<>();
        for (int i = 0; i < all; i++) {
            held.add(map(mapper, HELD_BYTES));
        }
        held.sort(Long::compare);
        int keep = all * cell.usePercent() / 100;
        List<Long> order =
                cell.strewn() ? shuffled(held, seed(round, -1)) : topsLast(held, pool.areas());
        List<Long> kept = new ArrayList<>(order.subList(0, keep));
        order.subList(keep, all).forEach(dma -> release(mapper, dma, HELD_BYTES));
        return kept;
    }

    /** Each area's lowest first, so that what is freed is one run at each area's top. */
    private static List<Long> topsLast(List<Long> sorted, int areas) {
        int each = sorted.size() / areas;
        List<Long> order = new ArrayList<>();
        for (int i = 0; i < each; i++) {
            for (int area = 0; area < areas; area++) {
                order.add(sorted.get(area * each + i));
            }
        }
        order.addAll(sorted.subList(each * areas, sorted.size()));
        return order;
    }

    private static List<Long> shuffled(List<Long> values, long seed) {
        List<Long> order = new ArrayList<>(values);
        java.util.Collections.shuffle(order, new java.util.Random(seed));
        return order;
    }

    /** The largest mapping, in steps of a page, that finds slots now; 0 when not even a page. */
    private static int largestFree(DmaMapper mapper) {
        int fits = 0;
        int fails = mapper.maxMappingBytes() / SIZE_STEP + 1;
        while (fails - fits > 1) {
            int steps = (fits + fails) >>> 1;
            int bytes = steps * SIZE_STEP;
            long dma = map(mapper, bytes);
            if (dma == DmaMapper.MAPPING_ERROR) {
                fails = steps;
            } else {
                release(mapper, dma, bytes);
                fits = steps;
            }
        }
        return fits * SIZE_STEP;
    }

    private static long map(DmaMapper mapper, int bytes) {
        return mapper.mapSingle(0, bytes, DmaDirection.FROM_DEVICE, DmaAttributes.OVERWRITE);
    }

    private static void release(DmaMapper mapper, long dma, int bytes) {
        mapper.unmapSingle(dma, bytes, DmaDirection.FROM_DEVICE, DmaAttributes.SKIP_CPU_SYNC);
    }

    private static long seed(int round, int thread) {
        return new SplittableRandom(31L * round + thread).nextLong();
    }

    private static ReportRow row(Cell cell, List<Result> all) {
        return new ReportRow()
                .key("growing", cell.growing())
                .key("strewn", cell.strewn())
                .key("usePercent", cell.usePercent())
                .key("threads", cell.threads())
                .figure("nsPerAttempt", sample(all, Result::nsPerAttempt))
                .figure("failedPercent", sample(all, Result::failedPercent))
                .figure("failed4KPercent", sample(all, Result::failed4KPercent))
                .figure("slotsPerMapping", sample(all, Result::slotsPerMapping))
                .figure("segmentsPerAttempt", sample(all, Result::segmentsPerAttempt))
                .figure("worstToBestThread", sample(all, Result::worstToBestThread))
                .figure("largestFreeBytes", sample(all, Result::largestFreeBytes))
                .figure("growths", sample(all, Result::growths))
                .figure("slotsAfter", sample(all, Result::slotsAfter));
    }

    private static Sample sample(List<Result> all, ToDoubleFunction<Result> figure) {
        return Sample.of(all.stream().mapToDouble(figure).toArray());
    }
}
