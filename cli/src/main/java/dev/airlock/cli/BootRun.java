package dev.airlock.cli;

import dev.airlock.linux.Kvm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Signals;
import dev.airlock.storvsp.server.ControlClient;
import dev.airlock.storvsp.server.GuestStatus;
import dev.airlock.vmm.Machine;
import dev.airlock.vmm.MachineOptions;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.boot.BootException;
import dev.airlock.vmm.console.ConsoleLog;
import dev.airlock.vmm.console.TerminalConsole;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * A guest of {@code airlock boot} from its first start to its end: the host process behind it, and
 * one {@link Machine} after another for as long as it asks to be started again.
 */
final class BootRun implements AutoCloseable {
    /**
     * Between two looks at whether the host is done with a guest; all there is of a host not ours.
     */
    private static final long CONNECT_PAUSE_MS = 200;

    /** What a guest gets to switch itself off when asked. */
    private static final long SHUT_DOWN_SECONDS = 60;

    /** What the end takes once the guest is stopped. */
    private static final long END_SECONDS = 30;

    /** Lines of the console that a report of a panic can look at. */
    private static final int LOG_LINES = 200;

    private final Kvm kvm;
    private final MachineOptions options;
    private final Settings settings;
    private final ScratchFolder scratch;
    private final @Nullable HostKeeper host;
    private final TerminalConsole terminal;
    private final ConsoleLog log = new ConsoleLog(LOG_LINES, this::follow);
    private final SwiotlbWatch swiotlb = new SwiotlbWatch();
    private volatile @Nullable AttackRun attacked;
    private volatile @Nullable Machine machine;
    private volatile boolean stopped;
    private final CountDownLatch ended = new CountDownLatch(1);
    private long startedNanos;

    /**
     * How to run it.
     *
     * @param disks for a host of our own
     * @param running the socket of a host that is there already; null for our own
     * @param control where our own host takes disks; null for nowhere anybody knows
     * @param trace where our own host records what crosses the boundary; null for nowhere
     * @param timeoutMs 0 for any time
     * @param stats whether to tell each second
     * @param report where the report goes as JSON; null for nowhere
     * @param attack done to the guest by a host of ours in this process; null for none
     */
    record Settings(
            List<String> disks,
            @Nullable Path running,
            @Nullable Path control,
            @Nullable Path trace,
            long timeoutMs,
            boolean reboot,
            boolean stats,
            @Nullable Path report,
            AttackRun.@Nullable Plan attack) {}

    BootRun(Kvm kvm, MachineOptions options, Settings settings) throws IOException {
        this.kvm = kvm;
        this.options = options;
        this.settings = settings;
        this.scratch = ScratchFolder.create();
        Path running = settings.running();
        if (settings.attack() != null) {
            host = null;
        } else if (running != null) {
            host = HostKeeper.ofRunning(running);
        } else {
            Path asked = settings.control();
            host =
                    HostKeeper.ofChild(
                            scratch.path("host.sock"),
                            asked != null ? asked : scratch.path("host.ctl"),
                            settings.trace(),
                            settings.disks());
        }
        this.terminal = TerminalConsole.ofStandardStreams(this::stop);
    }

    /** Runs the guest until it ends for good. */
    Outcome run() throws IOException, BootException, InterruptedException {
        HostKeeper kept = host;
        if (kept != null) {
            kept.awaitReady();
        }
        while (true) {
            Outcome outcome = once();
            if (outcome.kind() != Outcome.Kind.RESET || !settings.reboot() || stopped) {
                return outcome;
            }
            awaitGone();
        }
    }

    /**
     * Waits until our own host has let go of the guest that was: a disk that is not shared has one
     * guest, and the next would find none.
     */
    private void awaitGone() throws IOException, InterruptedException {
        Path asked = control();
        if (asked == null) {
            TimeUnit.MILLISECONDS.sleep(CONNECT_PAUSE_MS);
            return;
        }
        try (ControlClient client = ControlClient.connect(asked)) {
            while (!client.guests().isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(CONNECT_PAUSE_MS);
            }
        }
    }

    private Outcome once() throws IOException, BootException, InterruptedException {
        log.clear();
        swiotlb.clear();
        VisibilitySeries series = new VisibilitySeries();
        startedNanos = System.nanoTime();
        AttackRun.Plan plan = settings.attack();
        try (AttackRun attack = plan == null ? null : new AttackRun(plan);
                Machine made =
                        Machine.create(
                                kvm,
                                options,
                                this::print,
                                (pfn, show) -> attack == null || attack.mayChange(show))) {
            attacked = attack;
            HostKeeper kept = host;
            if (attack != null) {
                made.connect(attack.connect());
            } else if (kept != null) {
                made.connect(kept.connect(), why -> kept.lost(made, why));
            }
            machine = made;
            terminal.attach(made.serial());
            if (stopped) {
                made.stop();
            }
            List<Thread> watching = new ArrayList<>();
            if (options.isolated()) {
                watching.add(series.sample(this::milliseconds, () -> visible(made)));
            }
            if (settings.stats()) {
                watching.add(tellEachSecond(made, series));
            }
            Outcome outcome;
            try {
                outcome = explained(made.run(settings.timeoutMs()));
                if (attack != null) {
                    attack.ended();
                }
            } finally {
                for (Thread thread : watching) {
                    thread.interrupt();
                    thread.join();
                }
            }
            if (options.isolated()) {
                series.add(milliseconds(), visible(made));
            }
            terminal.attach(null);
            tell(report(made, series), outcome, attack);
            return outcome;
        } finally {
            terminal.attach(null);
            machine = null;
        }
    }

    private void tell(BootReport report, Outcome outcome, @Nullable AttackRun attack)
            throws IOException {
        System.err.print(report.text(outcome));
        Map<String, Object> fields = report.fields(outcome);
        if (attack != null) {
            System.err.println(attack.text(outcome));
            fields.put("attack", attack.fields(outcome));
        }
        Path file = settings.report();
        if (file != null) {
            JsonMapper mapper =
                    JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
            Files.writeString(file, mapper.writeValueAsString(fields) + "\n");
        }
    }

    private BootReport report(Machine made, VisibilitySeries series) throws IOException {
        Boundary boundary = Boundary.of(made.memory(), series, swiotlb);
        return BootReport.of(options, made, boundary, seconds(), guest());
    }

    private Thread tellEachSecond(Machine made, VisibilitySeries series) {
        return Thread.ofPlatform()
                .daemon()
                .name("boot-stats")
                .start(() -> {
                    try {
                        while (true) {
                            TimeUnit.SECONDS.sleep(1);
                            System.err.println(report(made, series).statsLine());
                        }
                    } catch (InterruptedException end) {
                        // The guest has ended; the report follows.
                    } catch (IOException e) {
                        System.err.println("airlock: --stats ends: " + e.getMessage());
                    }
                });
    }

    private double seconds() {
        return (System.nanoTime() - startedNanos) / 1e9;
    }

    private long milliseconds() {
        return (System.nanoTime() - startedNanos) / 1_000_000;
    }

    private static long visible(Machine made) {
        return made.memory().visibility().now();
    }

    private @Nullable Path control() {
        HostKeeper kept = host;
        return kept == null ? null : kept.control();
    }

    /** What our own host knows of its one guest; null if it cannot be asked. */
    private @Nullable GuestStatus guest() {
        Path asked = control();
        if (asked == null) {
            return null;
        }
        try (ControlClient client = ControlClient.connect(asked)) {
            List<GuestStatus> guests = client.guests();
            return guests.isEmpty() ? null : guests.getLast();
        } catch (IOException e) {
            return null;
        }
    }

    /** An isolated guest does not tell the hypervisor why it panicked; its console does. */
    private Outcome explained(Outcome outcome) {
        if (outcome.kind() != Outcome.Kind.PANIC) {
            return outcome;
        }
        List<String> told = outcome.detail().lines().toList();
        String last = told.isEmpty() ? "" : " (" + told.getLast() + ")";
        return new Outcome(
                Outcome.Kind.PANIC, log.panic().orElse("no message on the console") + last);
    }

    private void follow(String line) {
        swiotlb.follow(line);
        AttackRun attack = attacked;
        if (attack != null) {
            attack.follow(line);
        }
    }

    private void print(byte value) {
        terminal.accept(value);
        log.accept(value);
    }

    /**
     * Ends the guest as a signal asks, from any thread but the one that runs it, and waits for the
     * end: one that has the service for it may switch itself off. A second signal then ends all.
     */
    void end() {
        stopped = true;
        try {
            if (machine != null && askToShutDown()) {
                Signals.endAtOnce();
                System.err.println(
                        "airlock: the guest was asked to switch itself off; ask again to end it at once");
                if (!ended.await(SHUT_DOWN_SECONDS, TimeUnit.SECONDS)) {
                    System.err.println("airlock: the guest did not, and is ended");
                }
            }
            stop();
            boolean told = ended.await(END_SECONDS, TimeUnit.SECONDS);
            assert told : "the guest does not end";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (LinuxException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean askToShutDown() {
        Path asked = control();
        if (asked == null) {
            return false;
        }
        try (ControlClient client = ControlClient.connect(asked)) {
            return client.shutDownGuests() > 0;
        } catch (IOException e) {
            return false; // The host is going too.
        }
    }

    /** Ends the guest without asking it, from any thread. */
    void stop() {
        stopped = true;
        Machine running = machine;
        if (running != null) {
            running.stop();
        }
    }

    @Override
    public void close() {
        terminal.close();
        HostKeeper kept = host;
        if (kept != null) {
            kept.close();
        }
        scratch.close();
        ended.countDown();
    }
}
