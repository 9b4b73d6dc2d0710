package dev.airlock.cli;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar that counts measurements, on a terminal only. One thread. */
final class BenchProgress implements AutoCloseable {
    private final @Nullable ProgressBar bar;

    private BenchProgress(@Nullable ProgressBar bar) {
        this.bar = bar;
    }

    static BenchProgress show(int steps, boolean quiet) {
        if (quiet || !Terminal.isWatched()) {
            return new BenchProgress(null);
        }
        return new BenchProgress(
                new ProgressBarBuilder()
                        .setTaskName("bench")
                        .setInitialMax(steps)
                        .setStyle(ProgressBarStyle.ASCII)
                        .setConsumer(new ConsoleProgressBarConsumer(System.err, Terminal.WIDTH))
                        .build());
    }

    /** A measurement begins. */
    void step(String name) {
        if (bar != null) {
            bar.step();
            bar.setExtraMessage(" " + name);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
