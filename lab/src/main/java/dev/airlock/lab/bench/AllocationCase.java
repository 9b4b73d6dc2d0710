package dev.airlock.lab.bench;

import dev.airlock.disk.Disk;
import java.io.IOException;
import java.util.List;

/** Heap memory for each I/O, both sides together: they run on the one thread that is looked at. */
final class AllocationCase implements BenchCase {
    private static final int AT_ONCE = 16;
    private static final int WARM_REQUESTS = 200_000;

    private final Label label;
    private final OneThreadPath path;
    private boolean warm;

    AllocationCase(Disk disk, boolean isolated) throws IOException {
        label = new Label("allocation, both sides", BenchCase.isolation(isolated), "B/IO");
        path = new OneThreadPath(isolated, List.of(disk), 0);
    }

    @Override
    public Label label() {
        return label;
    }

    @Override
    public Aim aim() {
        return Aim.atMost(0);
    }

    @Override
    public Figures measure(long nanos) throws IOException {
        if (!warm) {
            run(WARM_REQUESTS);
            warm = true;
        }
        long start = System.nanoTime();
        long before = Allocation.ofThisThread();
        long requests = 0;
        do {
            requests += run(AT_ONCE);
        } while (System.nanoTime() - start < nanos);
        return Figures.of((Allocation.ofThisThread() - before) / (double) requests);
    }

    private int run(int requests) throws IOException {
        for (int sent = 0; sent < requests; sent += AT_ONCE) {
            path.exchange(AT_ONCE, 0);
        }
        return requests;
    }

    @Override
    public void close() {
        path.close();
    }
}
