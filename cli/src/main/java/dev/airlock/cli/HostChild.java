package dev.airlock.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A host process that this process starts and ends. It ends with us, however we end. What it says
 * is kept, to be told if something went wrong. Thread safe.
 */
final class HostChild implements AutoCloseable {
    private static final long START_SECONDS = 120;
    private static final long END_SECONDS = 20;

    /** Its sockets close a little before it can be waited for. */
    private static final long ENDING_MS = 3_000;

    private static final int LINES_KEPT = 20;

    private final Process process;
    private final CountDownLatch ready = new CountDownLatch(1);
    private final Deque<String> lastLines = new ArrayDeque<>();
    private volatile boolean isReady;

    private HostChild(Process process) {
        this.process = process;
    }

    /**
     * Starts {@code airlock host}; returns before it is ready.
     *
     * @param socket where it shall listen
     * @param disks as for the command
     */
    static HostChild start(Path socket, List<String> disks) throws IOException {
        return start(socket, List.of(), disks);
    }

    /**
     * As {@link #start(Path, List)}.
     *
     * @param options more options of the command, each a word
     */
    static HostChild start(Path socket, List<String> options, List<String> disks)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("@" + Launch.argumentFile());
        command.addAll(List.of("-m", Launch.MAIN, "host", "--socket", socket.toString()));
        command.addAll(options);
        command.addAll(List.of("--with-parent", Long.toString(ProcessHandle.current().pid())));
        command.add("--");
        command.addAll(disks);
        Process process =
                new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        HostChild child = new HostChild(process);
        process.getOutputStream().close();
        Thread.ofVirtual().name("host-stderr").start(child::relay);
        return child;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Whether it has ended, one that is just ending included: waits a little to see. */
    boolean hasEnded() {
        try {
            return process.waitFor(ENDING_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    int exitCode() {
        return process.exitValue();
    }

    /** What the host has said last, most recent last; all of it when it has said little. */
    List<String> lastLines() {
        synchronized (lastLines) {
            return List.copyOf(lastLines);
        }
    }

    private String lastLine() {
        synchronized (lastLines) {
            return lastLines.isEmpty() ? "" : lastLines.getLast();
        }
    }

    /** Waits until the host accepts guests. Its own message is ours if it cannot. */
    void awaitReady() throws InterruptedException {
        if (!ready.await(START_SECONDS, TimeUnit.SECONDS)) {
            throw CommandFailure.usage(
                    "the host process was not ready within " + START_SECONDS + " s");
        }
        if (!isReady) {
            process.waitFor();
            String why = lastLine();
            throw CommandFailure.usage(
                    why.isEmpty()
                            ? "the host process ended without a word, exit code " + exitCode()
                            : why.replaceFirst("^airlock: ", ""));
        }
    }

    /** Ends the host as SIGTERM does, and waits for it. */
    @Override
    public void close() {
        process.toHandle()
                .destroy(); // unlike destroy(), leaves the pipes open for what it says last
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private void relay() {
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("ready ")) {
                    isReady = true;
                    ready.countDown();
                } else {
                    synchronized (lastLines) {
                        lastLines.add(line);
                        if (lastLines.size() > LINES_KEPT) {
                            lastLines.removeFirst();
                        }
                    }
                }
            }
        } catch (IOException e) {
            // The host is gone; whoever waits for it finds out below.
        } finally {
            ready.countDown();
        }
    }
}
