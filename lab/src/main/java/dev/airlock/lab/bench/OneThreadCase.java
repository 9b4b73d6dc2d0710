package dev.airlock.lab.bench;

import dev.airlock.disk.Disk;
import dev.airlock.dma.DmaAttributes;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@link OneThreadPath} at a fixed number of reads at once: the time of one request in the fastest
 * batch of a run.
 */
final class OneThreadCase implements BenchCase {
    private static final int BATCH_REQUESTS = 20_000;

    /** Enough for the JIT compiler to have settled before the first run. */
    private static final int WARM_BATCHES = 15;

    private final Label label;
    private final @Nullable Aim aim;
    private final int atOnce;
    private final int attributes;
    private final OneThreadPath path;
    private boolean warm;

    /**
     * @param disk stays the caller's
     * @param atOnce reads sent before their completions are taken; divides 20,000
     * @param overwrite whether the caller vouches for the buffers
     */
    OneThreadCase(Disk disk, boolean isolated, int atOnce, boolean overwrite, @Nullable Aim aim)
            throws IOException {
        String name = "one thread, 4 KiB read x" + atOnce + (overwrite ? " overwriting" : "");
        this.label = new Label(name, BenchCase.isolation(isolated), "µs");
        this.aim = aim;
        this.atOnce = atOnce;
        this.attributes = overwrite ? DmaAttributes.OVERWRITE : DmaAttributes.NONE;
        this.path = new OneThreadPath(isolated, List.of(disk), 0);
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
    public Figures measure(long nanos) throws IOException {
        for (int batch = 0; !warm && batch < WARM_BATCHES; batch++) {
            batch();
        }
        warm = true;
        long least = Long.MAX_VALUE;
        long allocated = Allocation.ofThisThread();
        long requests = 0;
        long start = System.nanoTime();
        do {
            least = Math.min(least, batch());
            requests += BATCH_REQUESTS;
        } while (System.nanoTime() - start < nanos);
        double bytes = (Allocation.ofThisThread() - allocated) / (double) requests;
        return new Figures(
                least / 1e3 / BATCH_REQUESTS, Map.of("allocatedBytesPerIo", bytes), Map.of());
    }

    private long batch() throws IOException {
        long start = System.nanoTime();
        for (int sent = 0; sent < BATCH_REQUESTS; sent += atOnce) {
            path.exchange(atOnce, attributes);
        }
        return System.nanoTime() - start;
    }

    @Override
    public void close() {
        path.close();
    }
}
