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

/** An NBD server to be measured: ours, or another one that is installed. Single-threaded. */
final class NbdPeer implements AutoCloseable {
    private static final long START_SECONDS = 30;

    /** Which image: also a part of the names of files. */
    private static final String FULL = "";

    private static final String SPARSE = "-sparse";

    private final String name;
    private final ScratchFolder folder;
    private final Map<String, String> environment;
    private final List<Listener> listeners = new ArrayList<>();
    private final List<Process> processes = new ArrayList<>();

    /** What is run, and the socket that says it is ready. */
    private record Listener(Path socket, List<String> command) {}

    private NbdPeer(String name, ScratchFolder folder, Map<String, String> environment) {
        this.name = name;
        this.folder = folder;
        this.environment = environment;
    }

    /** All there are on this machine, ours first. */
    static List<NbdPeer> installed(ScratchFolder folder) {
        // glibc gives large buffers by mmap each time until its threshold has moved: tuned, as its
        // users would.
        Map<String, String> tuned =
                Map.of("MALLOC_MMAP_THRESHOLD_", "67108864", "MALLOC_TRIM_THRESHOLD_", "268435456");
        List<NbdPeer> peers = new ArrayList<>();
        for (String isolation : List.of("forced", "none")) {
            String name = isolation.equals("forced") ? "airlock isolated" : "airlock not isolated";
            NbdPeer peer = new NbdPeer(name, folder, Map.of());
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of("@" + Launch.argumentFile(), "-m", Launch.MAIN, "export"));
            command.addAll(List.of("--socket", peer.socket(FULL), "--isolation", isolation));
            command.addAll(List.of(peer.image(FULL), peer.image(SPARSE)));
            peer.listeners.add(new Listener(Path.of(peer.socket(FULL)), command));
            peers.add(peer);
        }
        if (NbdLoad.isInstalled("nbdkit")) {
            NbdPeer file = new NbdPeer("nbdkit-file", folder, Map.of());
            NbdPeer none = new NbdPeer("nbdkit-null", folder, Map.of());
            for (String image : List.of(FULL, SPARSE)) {
                file.add(
                        image, "nbdkit", "-f", "-U", file.socket(image), "file", file.image(image));
                String size =
                        (image.equals(FULL) ? NbdImages.FULL_MIB : NbdImages.SPARSE_MIB) + "M";
                none.add(image, "nbdkit", "-f", "-U", none.socket(image), "null", size);
            }
            peers.addAll(List.of(file, none));
        }
        if (NbdLoad.isInstalled("qemu-nbd")) {
            for (String variant : List.of("stock", "malloc", "uring-malloc")) {
                boolean isStock = variant.equals("stock");
                String name = "qemu-nbd-" + variant;
                NbdPeer peer = new NbdPeer(name, folder, isStock ? Map.of() : tuned);
                String aio = variant.startsWith("uring") ? "--aio=io_uring" : "--aio=threads";
                for (String image : List.of(FULL, SPARSE)) {
                    // Gives back what is zeroed, as the others do, or no hole stays one.
                    peer.add(
                            image,
                            "qemu-nbd",
                            "-t",
                            "-f",
                            "raw",
                            "--shared=8",
                            "--discard=unmap",
                            aio,
                            "-k",
                            peer.socket(image),
                            peer.image(image));
                }
                peers.add(peer);
            }
        }
        return peers;
    }

    private void add(String image, String... command) {
        listeners.add(new Listener(Path.of(socket(image)), List.of(command)));
    }

    String name() {
        return name;
    }

    /** Copies the images for it: each has its own, since those that write lock theirs. */
    void prepare(NbdImages images) throws IOException {
        images.copyTo(Path.of(image(FULL)), Path.of(image(SPARSE)));
    }

    private String image(String which) {
        return folder.path(fileName() + which + ".img").toString();
    }

    private String socket(String which) {
        return folder.path(fileName() + which + ".sock").toString();
    }

    private String fileName() {
        return name.replace(' ', '-');
    }

    /** The export of the full image. */
    String uri() {
        return "nbd+unix:///?socket=" + listeners.getFirst().socket();
    }

    /** The export of the sparse image: of a server of its own where one serves but one. */
    String sparseUri() {
        return listeners.size() > 1
                ? "nbd+unix:///?socket=" + listeners.getLast().socket()
                : "nbd+unix:///" + fileName() + SPARSE + ".img?socket=" + socket(FULL);
    }

    /** What was run for the full image. */
    String line() {
        return String.join(" ", listeners.getFirst().command());
    }

    /** Starts it and waits until it listens. */
    NbdPeer start() throws IOException, InterruptedException {
        for (Listener listener : listeners) {
            ProcessBuilder builder =
                    new ProcessBuilder(listener.command())
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(ProcessBuilder.Redirect.DISCARD);
            builder.environment().putAll(environment);
            Process started = builder.start();
            processes.add(started);
            long start = System.nanoTime();
            while (!Files.exists(listener.socket())) {
                boolean tooLate = System.nanoTime() - start > START_SECONDS * 1_000_000_000L;
                if (!started.isAlive() || tooLate) {
                    close();
                    throw CommandFailure.usage(
                            name + " did not start: " + String.join(" ", listener.command()));
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
        return this;
    }

    /** Processor time of the server and of whatever it has started, so far. */
    long cpuNanos() throws LinuxException {
        long nanos = 0;
        for (Process running : processes) {
            nanos += Usage.cpuNanos(running.pid());
            try (Stream<ProcessHandle> children = running.descendants()) {
                for (ProcessHandle child : children.toList()) {
                    nanos += cpuNanosOf(child.pid());
                }
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
        processes.forEach(Process::destroy);
        for (Process running : processes) {
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
        processes.clear();
    }
}
