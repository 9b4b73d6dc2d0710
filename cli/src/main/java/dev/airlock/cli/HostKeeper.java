package dev.airlock.cli;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmm.Machine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The host behind a virtual machine: a child of this process, or a running one; and the one after
 * it, when it has gone. The guest then waits, and goes on with the next: what it had under way it
 * is asked to send again.
 *
 * <p>Thread-safe.
 */
final class HostKeeper implements AutoCloseable {
    private static final long CONNECT_MS = 10_000;

    /** How long a guest waits for a host that is not ours to start. */
    private static final long PATIENCE_MS = 60_000;

    private static final long PAUSE_MS = 200;

    /** A guest whose hosts die faster than this has had enough of them. */
    private static final int DEATHS_MAX = 5;

    private static final long DEATHS_WITHIN_NS = TimeUnit.MINUTES.toNanos(1);

    /** Exit codes above this are a signal's number and this. */
    private static final int SIGNALLED = 128;

    private final Path socket;
    private final @Nullable Path control;
    private final @Nullable Path trace;
    private final @Nullable List<String> disks;
    private final @Nullable String volatileDisk;
    private final Deque<Long> deaths = new ArrayDeque<>();

    /**
     * What starts the hosts after the first: one thread for as long as this object lives, since a
     * child ends with the thread that started it.
     */
    private final ExecutorService keeper =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("host-keeper").factory());

    private volatile @Nullable HostChild child;
    private volatile boolean closing;
    private int started;

    /**
     * A host that is ours: started now, ready later.
     *
     * @param socket where it listens
     * @param control where it takes disks
     * @param trace where it records what crosses the boundary; null for nowhere
     */
    static HostKeeper ofChild(Path socket, Path control, @Nullable Path trace, List<String> disks)
            throws IOException {
        HostKeeper keeper = new HostKeeper(socket, control, trace, disks);
        keeper.child = keeper.start(disks);
        return keeper;
    }

    /** A host that somebody else started. */
    static HostKeeper ofRunning(Path socket) {
        return new HostKeeper(socket, null, null, null);
    }

    private HostKeeper(
            Path socket,
            @Nullable Path control,
            @Nullable Path trace,
            @Nullable List<String> disks) {
        this.socket = socket;
        this.control = control;
        this.trace = trace;
        this.disks = disks;
        volatileDisk = disks == null ? null : DiskSpecs.firstVolatile(DiskSpecs.parse(disks));
    }

    /** Where the host can be asked what it has; null if that is not known. */
    @Nullable Path control() {
        return control;
    }

    void awaitReady() throws InterruptedException {
        HostChild own = child;
        if (own != null) {
            own.awaitReady();
        }
    }

    /** A connection to the host there is; owned by the caller. */
    UnixSocket connect() throws LinuxException {
        return UnixSocket.connect(socket, CONNECT_MS);
    }

    /** The machine has lost its host: gives it another or ends it. Returns at once. */
    void lost(Machine machine, String why) {
        try {
            keeper.execute(() -> replace(machine, why));
        } catch (RejectedExecutionException e) {
            machine.fail("host process: " + why);
        }
    }

    private void replace(Machine machine, String why) {
        String obituary = obituary(why);
        if (volatileDisk != null) {
            machine.fail(obituary + "; what disk " + volatileDisk + " held is gone with it");
            return;
        }
        System.err.println("airlock: " + obituary + "; the guest waits for another");
        while (!closing) {
            if (hasDiedTooOften()) {
                machine.fail(
                        "%s; that was the %dth within a minute".formatted(obituary, DEATHS_MAX));
                return;
            }
            try {
                machine.carryOver(next());
                System.err.println("airlock: the guest goes on with another host");
                return;
            } catch (IOException | CommandFailure e) {
                HostChild own = child;
                if (own == null || !own.hasEnded()) {
                    machine.fail(obituary + "; no other took the guest over: " + e.getMessage());
                    return;
                }
                // One that was killed while it began is as good as none.
            } catch (InterruptedException e) {
                return; // Closing.
            }
        }
    }

    private boolean hasDiedTooOften() {
        long now = System.nanoTime();
        deaths.add(now);
        while (now - deaths.getFirst() > DEATHS_WITHIN_NS) {
            deaths.removeFirst();
        }
        return deaths.size() >= DEATHS_MAX;
    }

    private UnixSocket next() throws IOException, InterruptedException {
        List<String> own = disks;
        if (own != null) {
            HostChild old = child;
            if (old != null) {
                old.close();
            }
            HostChild made = start(own);
            child = made;
            if (closing) {
                made.close();
            }
            made.awaitReady();
            return connect();
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
        while (true) {
            try {
                return connect();
            } catch (LinuxException e) {
                if (System.nanoTime() > end) {
                    throw new IOException(
                            "waited " + PATIENCE_MS / 1000 + " s: " + e.getMessage(), e);
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
            }
        }
    }

    private HostChild start(List<String> own) throws IOException {
        started++;
        List<String> words = new ArrayList<>(List.of("--integration-services"));
        Path asked = control;
        if (asked != null) {
            words.addAll(List.of("--control", asked.toAbsolutePath().toString()));
        }
        Path recorded = trace;
        if (recorded != null) {
            // What an earlier host recorded stays.
            String name = recorded.toAbsolutePath() + (started == 1 ? "" : "." + started);
            words.addAll(List.of("--trace", name));
        }
        return HostChild.start(socket, words, own);
    }

    private String obituary(String why) {
        HostChild own = child;
        if (own == null) {
            return "the host at " + socket + " has gone (" + why + ")";
        }
        if (!own.hasEnded()) {
            return "the host process does not serve the guest any more (" + why + ")";
        }
        if (own.exitCode() > SIGNALLED) {
            return "the host process was ended by signal " + (own.exitCode() - SIGNALLED);
        }
        List<String> lines = own.lastLines();
        String last = lines.isEmpty() ? "" : ": " + lines.getLast();
        return "the host process ended with exit code " + own.exitCode() + last;
    }

    /** Ends the host if it is ours. */
    @Override
    public void close() {
        closing = true;
        keeper.shutdownNow();
        HostChild own = child;
        if (own != null) {
            own.close();
        }
    }
}
