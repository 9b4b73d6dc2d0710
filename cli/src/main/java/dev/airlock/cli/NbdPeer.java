package dev.airlock.cli;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** An NBD server to be measured: ours, or another one that is installed. Single-threaded. */
final class NbdPeer implements AutoCloseable {
    private static final long START_SECONDS = 30;

    private final String name;
    private final Path socket;
    private final List<String> command;
    private final Map<String, String> environment;
    private @Nullable Process process;

    private NbdPeer(
            String name, Path socket, List<String> command, Map<String, String> environment) {
        this.name = name;
        this.socket = socket;
        this.command = command;
        this.environment = environment;
    }

    /** All there are on this machine, ours first. */
    static List<NbdPeer> installed(ScratchFolder folder) {
        // glibc gives large buffers by mmap each time until its threshold has moved: tuned, as its
        // users would.
        Map<String, String> tuned =
                Map.of("MALLOC_MMAP_THRESHOLD_", "67108864", "MALLOC_TRIM_THRESHOLD_", "268435456");
        // Each has a copy of its own, since those that write lock theirs.
        List<NbdPeer> peers = new ArrayList<>();
        for (String isolation : List.of("forced", "none")) {
            Path socket = folder.path("airlock-" + isolation);
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of("@" + Launch.argumentFile(), "-m", Launch.MAIN, "export"));
            command.addAll(List.of("--socket", socket.toString(), "--isolation", isolation));
            String name = isolation.equals("forced") ? "airlock isolated" : "airlock not isolated";
            command.add(folder.path(name + ".img").toString());
            peers.add(new NbdPeer(name, socket, command, Map.of()));
        }
        if (NbdLoad.isInstalled("nbdkit")) {
            Path file = folder.path("nbdkit-file");
            peers.add(
                    new NbdPeer(
                            "nbdkit-file",
                            file,
                            List.of(
                                    "nbdkit",
                                    "-f",
                                    "-U",
                                    file.toString(),
                                    "file",
                                    folder.path("nbdkit-file.img").toString()),
                            Map.of()));
            Path none = folder.path("nbdkit-null");
            peers.add(
                    new NbdPeer(
                            "nbdkit-null",
                            none,
                            List.of("nbdkit", "-f", "-U", none.toString(), "null", "256M"),
                            Map.of()));
        }
        if (NbdLoad.isInstalled("qemu-nbd")) {
            for (String variant : List.of("stock", "malloc", "uring-malloc")) {
                Path socket = folder.path("qemu-" + variant);
                List<String> command = new ArrayList<>(List.of("qemu-nbd", "-t", "-f", "raw"));
                command.addAll(List.of("--shared=8", "-k", socket.toString()));
                if (variant.startsWith("uring")) {
                    command.add("--aio=io_uring");
                }
                command.add(folder.path("qemu-nbd-" + variant + ".img").toString());
                boolean isStock = variant.equals("stock");
                peers.add(
                        new NbdPeer(
                                "qemu-nbd-" + variant,
                                socket,
                                command,
                                isStock ? Map.of() : tuned));
            }
        }
        return peers;
    }

    String name() {
        return name;
    }

    /** The image it serves, to be there when it starts. */
    Path image(ScratchFolder folder) {
        return folder.path(name + ".img");
    }

    /** The default export. */
    String uri() {
        return "nbd+unix:///?socket=" + socket;
    }

    /** What was run. */
    String line() {
        return String.join(" ", command);
    }

    /** Starts it and waits until it listens. */
    NbdPeer start() throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment);
        Process started = builder.start();
        process = started;
        long start = System.nanoTime();
        while (!Files.exists(socket)) {
            boolean tooLate = System.nanoTime() - start > START_SECONDS * 1_000_000_000L;
            if (!started.isAlive() || tooLate) {
                close();
                throw CommandFailure.usage(name + " did not start: " + line());
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        return this;
    }

    /** Processor time of the server and of whatever it has started, so far. */
    long cpuNanos() throws LinuxException {
        Process running = process;
        if (running == null) {
            return 0;
        }
        long nanos = Usage.cpuNanos(running.pid());
        try (Stream<ProcessHandle> children = running.descendants()) {
            for (ProcessHandle child : children.toList()) {
                nanos += cpuNanosOf(child.pid());
            }
        }
        return nanos;
    }

    /** 0 for a helper that has ended since it was listed. */
    private static long cpuNanosOf(long pid) throws LinuxException {
        try {
            return Usage.cpuNanos(pid);
        } catch (LinuxException e) {
            if (e.errno() == Errno.ESRCH) {
                return 0;
            }
            throw e;
        }
    }

    @Override
    public void close() {
        Process running = process;
        if (running == null) {
            return;
        }
        process = null;
        running.destroy();
        try {
            if (!running.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
                running.descendants().forEach(ProcessHandle::destroyForcibly);
                running.destroyForcibly();
            }
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
