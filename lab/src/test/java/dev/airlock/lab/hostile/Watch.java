package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Bounded waits: what takes longer is a hang, which ends in a failure that shows every thread. */
final class Watch {
    private static final long STILL_MS = 60_000;
    private static final long LOOK_MS = 20;
    private static final long LOOK_SOON_MS = 2;
    private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(30);

    private Watch() {}

    /** Work of a thread that may throw. */
    interface Work {
        void run() throws Exception;
    }

    /** A thread with the exception that ended it. */
    static final class Running {
        private final Thread thread;
        private volatile @Nullable Throwable failure;

        private Running(String name, Work work) {
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name(name)
                            .start(() -> {
                                try {
                                    work.run();
                                } catch (Throwable t) {
                                    failure = t;
                                }
                            });
        }

        boolean isRunning() {
            return thread.isAlive();
        }

        /** Waits as long as {@code progress} moves; then throws what the thread threw. */
        void join(LongSupplier progress) throws InterruptedException {
            long last = progress.getAsLong();
            long since = System.nanoTime();
            while (!thread.join(Duration.ofMillis(LOOK_MS))) {
                long now = progress.getAsLong();
                if (now != last) {
                    last = now;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > TimeUnit.MILLISECONDS.toNanos(STILL_MS)) {
                    hang(thread.getName() + " makes no progress, at " + now);
                }
            }
            requireNoFailure();
        }

        /** Throws what the thread threw, if it has. */
        void requireNoFailure() {
            if (failure != null) {
                throw new AssertionError(thread.getName() + " failed", failure);
            }
        }

        /** Waits for the end, whatever it was. */
        void awaitEnd() {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A progress to be waited on that is told on standard output now and then. */
    static LongSupplier told(String what, LongSupplier progress, long end) {
        long start = System.nanoTime();
        AtomicLong told = new AtomicLong(start);
        return () -> {
            long now = System.nanoTime();
            long at = progress.getAsLong();
            long before = told.get();
            if (now - before > TELL_NANOS && told.compareAndSet(before, now)) {
                System.out.printf(
                        "progress: %s events=%,d of %,d in %d s%n",
                        what, at, end, TimeUnit.NANOSECONDS.toSeconds(now - start));
            }
            return at;
        };
    }

    static Running start(String name, Work work) {
        return new Running(name, work);
    }

    /** Waits until something holds. */
    static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long start = System.nanoTime();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(STILL_MS)) {
                hang("not in time: " + what);
            }
            Thread.sleep(LOOK_SOON_MS);
        }
    }

    private static void hang(String what) {
        StringBuilder dump = new StringBuilder(what);
        for (Map.Entry<Thread, StackTraceElement[]> entry : Thread.getAllStackTraces().entrySet()) {
            dump.append("\n\n").append(entry.getKey());
            for (StackTraceElement frame : entry.getValue()) {
                dump.append("\n    at ").append(frame);
            }
        }
        System.out.println(dump);
        fail(what + " (threads above)");
    }
}
