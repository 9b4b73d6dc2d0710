package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.DiskSpecException;
import dev.airlock.linux.Signals;
import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
import dev.airlock.nest.OuterMachine;
import dev.airlock.nest.Program;
import dev.airlock.nest.QemuMachine;
import dev.airlock.nest.TerminalShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * {@code airlock boot --nested}: the same command inside a Linux under QEMU that has KVM. Files
 * that it reads go in, disks are lent as block devices, files that it writes come back.
 */
final class NestedBoot {
    private static final Set<String> FOR_US = Set.of("--nested", "--demo", "--outer-kernel");
    private static final Set<String> READS = Set.of("--kernel", "--initrd");
    private static final Set<String> WRITES = Set.of("--report", "--trace");
    private static final Set<String> NOT_INSIDE = Set.of("--host", "--control");

    /** What the outer machine takes beside the guest's memory: its kernel, two JVMs, files. */
    private static final int OWN_MEMORY_MIB = 1536;

    /** What starting the outer machine may take, beside the guest's own time. */
    private static final Duration START = Duration.ofMinutes(5);

    /** Beyond what {@code airlock boot} gives a guest that was asked to switch itself off. */
    private static final Duration ASKED = Duration.ofSeconds(120);

    private final OuterMachine machine;
    private final List<String> command = new ArrayList<>(List.of("airlock", "boot"));
    private final Map<String, Path> results = new LinkedHashMap<>();
    private volatile boolean stopped;

    private NestedBoot(OuterMachine machine) {
        this.machine = machine;
    }

    /**
     * Boots and waits for the end.
     *
     * @param options as the user gave them, and those that stand for {@code --demo}
     * @param outerKernel null for Debian's
     * @param memoryMiB of the guest
     * @param timeoutSeconds of the guest; 0 for any time
     * @return the exit code
     */
    static int run(
            List<Given> options, @Nullable Path outerKernel, int memoryMiB, double timeoutSeconds)
            throws IOException, InterruptedException {
        CountDownLatch isOver = new CountDownLatch(1);
        try (ScratchFolder scratch = ScratchFolder.create()) {
            System.err.println(
                    "airlock: starting a Linux with KVM under QEMU; this takes a minute or so");
            LinuxKernel kernel =
                    outerKernel == null ? DebianKernel.STABLE.fetch() : LinuxKernel.of(outerKernel);
            try (OuterMachine machine = new OuterMachine(program(), kernel)) {
                machine.memoryMiB(memoryMiB + OWN_MEMORY_MIB);
                NestedBoot boot = new NestedBoot(machine);
                for (Given option : options) {
                    boot.add(option);
                }
                Shutdown.onSignal(() -> boot.end(isOver));
                return boot.run(Files.createDirectory(scratch.path("out")), timeoutSeconds);
            }
        } catch (NestException e) {
            throw CommandFailure.usage(e.getMessage());
        } finally {
            isOver.countDown();
        }
    }

    /**
     * Ends the guest as a signal asks, from any thread but the one that runs it: the command in the
     * machine gets the signal, too, and then does with the guest what it does elsewhere. A second
     * signal ends all.
     */
    private void end(CountDownLatch isOver) {
        stopped = true;
        try {
            Signals.endAtOnce();
            machine.end(ASKED);
            // Until its results are copied and its files gone.
            boolean told = isOver.await(ASKED.toSeconds(), TimeUnit.SECONDS);
            assert told : "the machine does not end";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            machine.stop();
            throw new UncheckedIOException(e);
        }
    }

    /** This program, for the machine. */
    static Program program() {
        Path arguments = Path.of(Launch.argumentFile());
        Path folder = arguments.getParent();
        return new Program(
                Path.of(System.getProperty("java.home")),
                folder == null ? Path.of("/") : folder,
                arguments,
                List.of("-m", Launch.MAIN));
    }

    /**
     * An option and its value.
     *
     * @param name with its hyphens
     * @param value null for one that has none
     */
    record Given(String name, @Nullable String value) {
        /** All that a user gave, in order. */
        static List<Given> of(ParseResult parsed) {
            List<Given> all = new ArrayList<>();
            for (OptionSpec option : parsed.matchedOptionsSet()) {
                String name = option.longestName();
                if (option.arity().max() == 0) {
                    all.add(new Given(name, null));
                } else {
                    option.originalStringValues().forEach(value -> all.add(new Given(name, value)));
                }
            }
            return all;
        }
    }

    private void add(Given option) {
        String name = option.name();
        String value = option.value();
        if (NOT_INSIDE.contains(name)) {
            throw CommandFailure.usage(
                    name + " does not go with --nested: sockets do not reach into the machine");
        }
        if (FOR_US.contains(name)) {
            return;
        }
        command.add(name);
        if (value == null) {
            return;
        }
        if (READS.contains(name)) {
            Path file = Path.of(value);
            if (!Files.isReadable(file)) {
                throw CommandFailure.usage("cannot read " + file);
            }
            command.add(machine.input(file));
        } else if (WRITES.contains(name)) {
            String inside = OuterMachine.OUTPUT_FOLDER + "/result" + results.size();
            results.put(inside, Path.of(value));
            command.add(inside);
        } else {
            command.add(name.equals("--disk") ? lend(value) : value);
        }
    }

    /** A file becomes a block device of the machine; it keeps its name and all else. */
    private String lend(String text) {
        DiskSpec disk;
        try {
            disk = DiskSpec.parse(text);
        } catch (DiskSpecException e) {
            throw CommandFailure.usage("--disk " + text + ": " + e.getMessage());
        }
        Path file = disk.path();
        if (file == null) {
            return text;
        }
        if (!Files.isReadable(file)) {
            throw CommandFailure.usage("cannot read " + file);
        }
        boolean isReadOnly = disk.readOnly() || disk.snapshot();
        String device = machine.disk(file, isReadOnly);
        return new DiskSpec(
                        DiskSpec.Source.RAW_FILE,
                        disk.name(),
                        Path.of(device),
                        0,
                        disk.sectorBytes(),
                        disk.readOnly(),
                        disk.direct(),
                        disk.snapshot(),
                        disk.shared())
                .toString();
    }

    private int run(Path outputs, double timeoutSeconds) throws IOException, InterruptedException {
        Duration timeout =
                timeoutSeconds > 0
                        ? START.plusMillis((long) (timeoutSeconds * 1000))
                        : Duration.ofDays(365);
        QemuMachine.Ending ending =
                machine.runOnTerminal(command, TerminalShape.ofStandardInput(), outputs, timeout);
        for (Map.Entry<String, Path> result : results.entrySet()) {
            Path made = outputs.resolve(Path.of(result.getKey()).getFileName());
            if (Files.exists(made)) {
                Files.copy(made, result.getValue(), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return exitCode(ending, stopped, timeout);
    }

    /**
     * As without {@code --nested}: the guest's own, {@link BootCommand#EXIT_TIMEOUT} when not even
     * the machine around it has ended in time, and 0 after a signal.
     */
    static int exitCode(QemuMachine.Ending ending, boolean stopped, Duration timeout) {
        if (ending.exitCode().isPresent()) {
            return ending.exitCode().getAsInt();
        }
        if (stopped) {
            return 0;
        }
        if (ending.isTimedOut()) {
            System.err.println(
                    "airlock: the machine under QEMU has not ended within %d s, the guest's --timeout among them"
                            .formatted(timeout.toSeconds()));
            return BootCommand.EXIT_TIMEOUT;
        }
        throw CommandFailure.failed("the machine under QEMU ended before the guest did");
    }
}
