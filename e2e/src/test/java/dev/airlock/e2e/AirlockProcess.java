package dev.airlock.e2e;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One run of {@code ./airlock}, as a user starts it: its output is collected, it is killed when
 * closed. The limits here only keep a broken program from hanging the tests; they assert nothing
 * about speed.
 */
final class AirlockProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Process process;
    private final List<String> errorLines = new ArrayList<>();
    private final CompletableFuture<String> output;
    private final Thread errorReader;

    private AirlockProcess(Process process) {
        this.process = process;
        output =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return new String(
                                        process.getInputStream().readAllBytes(),
                                        StandardCharsets.UTF_8);
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        },
                        AirlockProcess::startThread);
        errorReader = Thread.ofVirtual().start(this::readErrors);
    }

    /** Runs a task that may block on a thread of its own; the common pool has too few. */
    static void startThread(Runnable task) {
        Thread.ofPlatform().daemon().start(task);
    }

    /** The project's folder: the one that holds the launcher. */
    static Path home() {
        Path at = Path.of("").toAbsolutePath();
        while (at != null && !Files.isExecutable(at.resolve("airlock"))) {
            at = at.getParent();
        }
        if (at == null) {
            throw new IllegalStateException("no ./airlock above the working folder");
        }
        return at;
    }

    static AirlockProcess start(Object... arguments) throws IOException {
        return startIn(Path.of("/tmp"), arguments);
    }

    static AirlockProcess startIn(Path folder, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(home().resolve("airlock").toString());
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return start(new ProcessBuilder(command).directory(folder.toFile()));
    }

    /** Starts any command; for those that wrap ./airlock in another program. */
    static AirlockProcess start(ProcessBuilder builder) throws IOException {
        return new AirlockProcess(builder.start());
    }

    /** Runs to the end. */
    static Result run(Object... arguments) throws Exception {
        try (AirlockProcess process = start(arguments)) {
            return process.await();
        }
    }

    /** What a finished run left. */
    record Result(int exitCode, String output, String errors) {}

    long pid() {
        return process.pid();
    }

    Process process() {
        return process;
    }

    /** Waits for the end. */
    Result await() throws InterruptedException, ExecutionException, TimeoutException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new TimeoutException("still running; stderr: " + errors());
        }
        errorReader.join();
        return new Result(
                process.exitValue(), output.get(PATIENCE.toSeconds(), TimeUnit.SECONDS), errors());
    }

    /** Waits for a line on stderr that starts with {@code prefix} and returns it. */
    String awaitErrorLine(String prefix) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        synchronized (errorLines) {
            while (true) {
                for (String line : errorLines) {
                    if (line.startsWith(prefix)) {
                        return line;
                    }
                }
                if (!errorReader.isAlive() || System.nanoTime() - deadline > 0) {
                    throw new AssertionError("no line '" + prefix + "' on stderr: " + errorLines);
                }
                errorLines.wait(50);
            }
        }
    }

    String errors() {
        synchronized (errorLines) {
            return String.join("\n", errorLines);
        }
    }

    /** SIGTERM. */
    void terminate() {
        process.toHandle()
                .destroy(); // unlike destroy(), leaves the pipes open for what it says last
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void readErrors() {
        try (var reader =
                new BufferedReader(
                        new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (errorLines) {
                    errorLines.add(line);
                    errorLines.notifyAll();
                }
            }
        } catch (IOException e) {
            // The process was killed with its output half read: what came is kept.
        } finally {
            synchronized (errorLines) {
                errorLines.notifyAll();
            }
        }
    }
}
