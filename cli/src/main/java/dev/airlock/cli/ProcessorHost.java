package dev.airlock.cli;

import dev.airlock.linux.Cpu;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * A {@link HostChild} that stays on the last processor, which it inherits from the thread that
 * starts it. That thread lives as long as the host: the host ends with its parent, which for the
 * kernel is the thread.
 */
final class ProcessorHost implements AutoCloseable {
    private final HostChild host;
    private final CountDownLatch ended;

    private ProcessorHost(HostChild host, CountDownLatch ended) {
        this.host = host;
        this.ended = ended;
    }

    /**
     * Starts it; returns before it is ready.
     *
     * @param pinned whether to keep it on one processor, if there are two
     */
    static ProcessorHost start(Path socket, List<String> disks, boolean pinned)
            throws IOException, InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        FutureTask<HostChild> start =
                new FutureTask<>(() -> {
                    int[] processors = Cpu.available();
                    if (pinned && processors.length > 1) {
                        Cpu.pin(processors[processors.length - 1]);
                    }
                    return HostChild.start(socket, disks);
                });
        Thread.ofPlatform()
                .name("host-parent")
                .daemon()
                .start(() -> {
                    start.run();
                    awaitQuietly(ended);
                });
        try {
            return new ProcessorHost(start.get(), ended);
        } catch (ExecutionException e) {
            ended.countDown();
            if (e.getCause() instanceof CommandFailure failure) {
                throw failure;
            }
            throw new IOException("cannot start a host: " + e.getMessage(), e);
        }
    }

    /** As {@link HostChild#awaitReady}. */
    void awaitReady() throws InterruptedException {
        host.awaitReady();
    }

    @Override
    public void close() {
        host.close();
        ended.countDown();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
