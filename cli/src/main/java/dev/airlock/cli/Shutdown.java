package dev.airlock.cli;

import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A clean end by SIGTERM or Ctrl-C: the running command's cleanup is done, then the process exits
 * with 0 (the JVM alone would exit with 143 or 130 and leave things behind). Thread safe; one
 * cleanup at a time, the last one set.
 */
final class Shutdown {
    private static final CountDownLatch REQUESTED = new CountDownLatch(1);
    private static final CountDownLatch ENDED = new CountDownLatch(1);
    private static final Object LOCK = new Object();
    private static @Nullable Runnable cleanup;
    private static boolean hooked;
    private static boolean exiting;

    private Shutdown() {}

    /** Runs {@code action} once when a signal asks the process to end; then the exit code is 0. */
    static void onSignal(Runnable action) {
        synchronized (LOCK) {
            cleanup = action;
            if (!hooked) {
                hooked = true;
                Runtime.getRuntime().addShutdownHook(new Thread(Shutdown::hook, "shutdown"));
            }
        }
    }

    /** Waits until a signal asks the process to end. The cleanup runs on another thread. */
    static void awaitSignal() {
        try {
            REQUESTED.await();
            ENDED.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Ends the process with {@code exitCode} by the command's own will: the signal's cleanup is not
     * run.
     */
    static void exit(int exitCode) {
        synchronized (LOCK) {
            exiting = true;
        }
        System.out.flush();
        System.exit(exitCode);
    }

    private static void hook() {
        Runnable action;
        synchronized (LOCK) {
            if (exiting) {
                return;
            }
            action = cleanup;
        }
        REQUESTED.countDown();
        int code = 0;
        try {
            if (action != null) {
                action.run();
            }
        } catch (RuntimeException | Error e) {
            System.err.println("airlock: while ending: " + e);
            code = Main.EXIT_FAILED;
        }
        ENDED.countDown();
        System.out.flush();
        // halt, not exit: a hook may not call exit, and the signal's own code must not win.
        Runtime.getRuntime().halt(code);
    }
}
