package dev.airlock.cli;

import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** The progress bar of a run: on a terminal only, on stderr, gone or full when closed. */
final class RunProgress implements AutoCloseable {
    private static final long STEP_MS = 100;

    private final CountDownLatch done = new CountDownLatch(1);
    private final @Nullable Thread thread;

    private RunProgress(@Nullable Thread thread) {
        this.thread = thread;
    }

    /**
     * Shows a bar for {@code seconds} until closed, or nothing when stderr is no terminal or {@code
     * quiet}.
     */
    static RunProgress show(GuestRun run, double seconds, boolean quiet) {
        if (quiet || !Terminal.isWatched()) {
            return new RunProgress(null);
        }
        RunProgress[] made = new RunProgress[1];
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("progress")
                        .unstarted(() -> made[0].draw(run, seconds));
        made[0] = new RunProgress(thread);
        thread.start();
        return made[0];
    }

    private void draw(GuestRun run, double seconds) {
        long steps = Math.max(1, (long) (seconds * 1000 / STEP_MS));
        try (ProgressBar bar =
                new ProgressBarBuilder()
                        .setTaskName(run.isIsolated() ? "isolated" : "not isolated")
                        .setInitialMax(steps)
                        .setStyle(ProgressBarStyle.ASCII)
                        .hideEta()
                        .setConsumer(new ConsoleProgressBarConsumer(System.err, Terminal.WIDTH))
                        .build()) {
            long step = 0;
            while (!done.await(STEP_MS, TimeUnit.MILLISECONDS)) {
                bar.stepTo(Math.min(steps, ++step));
                bar.setExtraMessage(
                        String.format(
                                Locale.ROOT,
                                " %,d I/Os %s",
                                run.workload().ios(),
                                RunReport.megabytes(run.workload().bytes())));
            }
            bar.stepTo(steps);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        done.countDown();
        if (thread != null) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
