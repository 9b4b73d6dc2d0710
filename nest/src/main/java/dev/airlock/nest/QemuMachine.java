package dev.airlock.nest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * A Linux that runs under QEMU until it powers off. The exit code of what ran in it comes as a line
 * {@code airlock-exit N} on its second serial port, which {@link Initramfs} writes: a machine that
 * crashes, reboots or is killed says none. QEMU ends with this process, however that ends. Thread
 * safe; closing it kills QEMU and removes what it needed.
 */
public final class QemuMachine implements AutoCloseable {
    private static final String EXIT_LINE = "airlock-exit ";
    private static final long KILL_AFTER_SECONDS = 10;
    private static final String MONITOR = "monitor";

    /** So often, as a machine that is still starting does not feel it. */
    private static final long POWER_BUTTON_MS = 1_000;

    private final Process process;
    private final Path scratch;

    /**
     * How a machine ended.
     *
     * @param exitCode of what ran in it; empty if the machine ended before it said one
     * @param isTimedOut whether it was killed because its time was over
     */
    public record Ending(OptionalInt exitCode, boolean isTimedOut) {}

    private QemuMachine(Process process, Path scratch) {
        this.process = process;
        this.scratch = scratch;
    }

    /** Starts it; {@link QemuSettings#start} is the way to call this. */
    static QemuMachine start(QemuSettings settings) throws IOException {
        Path scratch = Files.createTempDirectory("airlock-qemu-");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(
                                    settings.command(
                                            scratch.resolve("report"), scratch.resolve(MONITOR)))
                            .redirectError(scratch.resolve("errors").toFile());
            settings.connectConsole(builder);
            return new QemuMachine(startKept(builder), scratch);
        } catch (IOException e) {
            CacheFolder.delete(scratch);
            throw e;
        }
    }

    /**
     * The kernel signals a child when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG), so
     * that thread stays until the child is gone.
     */
    private static Process startKept(ProcessBuilder builder) throws IOException {
        CompletableFuture<Process> started = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .name("qemu-keeper")
                .start(() -> {
                    try {
                        Process process = builder.start();
                        started.complete(process);
                        process.waitFor();
                    } catch (IOException | InterruptedException e) {
                        started.completeExceptionally(e);
                    }
                });
        try {
            return started.join();
        } catch (CompletionException e) {
            throw new NestException("QEMU does not start: " + e.getCause(), e);
        }
    }

    /** What the machine writes on its console, unless that goes to a file or to the terminal. */
    public InputStream console() {
        return process.getInputStream();
    }

    /** The keyboard of the console, unless that is the terminal. */
    public OutputStream keyboard() {
        return process.getOutputStream();
    }

    /** Whether it still runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** QEMU's process. */
    public long pid() {
        return process.pid();
    }

    /**
     * Waits until the machine has powered off, and kills it when that takes too long.
     *
     * @throws NestException when QEMU itself fails; carries what it said
     */
    public Ending await(Duration timeout) throws IOException, InterruptedException {
        boolean isOver = process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
        if (!isOver) {
            stop();
        }
        OptionalInt exitCode = reportedExitCode();
        if (isOver && exitCode.isEmpty() && process.exitValue() != 0) {
            String said = Files.readString(scratch.resolve("errors")).strip();
            throw new NestException(
                    "QEMU failed with exit code " + process.exitValue() + ": " + said);
        }
        return new Ending(exitCode, !isOver);
    }

    private OptionalInt reportedExitCode() throws IOException {
        Path report = scratch.resolve("report");
        if (!Files.exists(report)) {
            return OptionalInt.empty();
        }
        // Whatever else the machine wrote there: the last such line counts.
        OptionalInt code = OptionalInt.empty();
        for (String line : Files.readString(report, StandardCharsets.ISO_8859_1).split("\r?\n")) {
            if (line.matches(EXIT_LINE + "[0-9]{1,3}")) {
                code = OptionalInt.of(Integer.parseInt(line.substring(EXIT_LINE.length())));
            }
        }
        return code;
    }

    /**
     * Presses the power button until the machine has ended or the time is over. What that does is
     * up to the machine; QEMU that has no button, or has not made it yet, is not waited for.
     *
     * @return whether it has ended
     */
    public boolean pressPowerButton(Duration patience) throws InterruptedException {
        // A command of QEMU's monitor for people; what it says to that is of no interest.
        byte[] press = "system_powerdown\n".getBytes(StandardCharsets.US_ASCII);
        long deadline = System.nanoTime() + patience.toNanos();
        try (SocketChannel monitor =
                SocketChannel.open(UnixDomainSocketAddress.of(scratch.resolve(MONITOR)))) {
            while (process.isAlive() && System.nanoTime() < deadline) {
                monitor.write(ByteBuffer.wrap(press));
                process.waitFor(POWER_BUTTON_MS, TimeUnit.MILLISECONDS);
            }
        } catch (IOException e) {
            return !process.isAlive();
        }
        return !process.isAlive();
    }

    /** Ends it, if it runs: QEMU gets SIGTERM, and SIGKILL when that does not help. */
    public void stop() {
        process.toHandle().destroy(); // QEMU puts the terminal back as it was
        try {
            if (!process.waitFor(KILL_AFTER_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        CacheFolder.delete(scratch);
    }
}
