package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A Linux under QEMU that has KVM, also where this machine has none: a Java program of this machine
 * runs in it, at the same paths, on files of this machine. Its {@code /dev/kvm} is kvm-amd on
 * emulated SVM, or the processor's own where nested virtualization is on. Fluent; for one thread;
 * each run is a new machine, until it is stopped. Close it to remove what it keeps.
 */
public final class OuterMachine implements AutoCloseable {
    /**
     * A processor with AMD's virtualization, without nested paging: emulated, it loses processors
     * of busy guests. QEMU 7.2 stores the state of the machine's own kernel as the guest's (seen: a
     * guest "at" the instruction behind VMRUN), which ends in a triple fault or a hang. Measured
     * with two processors and four writers: of 6 guests with nested paging none came through, of 3
     * without it all did, a tenth sooner than 2 under QEMU 10.0, which gets nested paging right.
     */
    private static final String EMULATED_PROCESSOR = "EPYC,+svm,-npt";

    /** Where a task's files that are to come back belong. */
    public static final String OUTPUT_FOLDER = "/out";

    private static final String INPUT_FOLDER = "/in";
    private static final long OUTPUT_BYTES_MAX = 4L << 30;

    /** The program's disk and the one that output comes back on are the first two. */
    private static final int DRIVES_OF_OUR_OWN = 2;

    private final Program program;
    private final LinuxKernel kernel;
    private final Path scratch;
    private final Initramfs initramfs;
    private final Map<Path, String> inputs = new HashMap<>();
    private final List<Path> disks = new ArrayList<>();
    private final List<Boolean> readOnlyDisks = new ArrayList<>();
    private volatile @Nullable QemuMachine running;
    private volatile boolean isStopped;
    private int memoryMiB = 4096;
    private int processors = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

    /**
     * One command of several.
     *
     * @param name of its files in the output, one word
     * @param command the words; {@code airlock} is the program
     * @param timeout after which it gets SIGTERM, and SIGKILL when that does not help
     */
    public record Task(String name, List<String> command, Duration timeout) {}

    /**
     * How a command ended.
     *
     * @param exitCode 143 if it took too long, 137 if it did not end then; empty when the machine
     *     ended before it did
     * @param output what it wrote on its standard output
     * @param errors and on its standard error output
     */
    public record Result(OptionalInt exitCode, String output, String errors) {}

    /**
     * A machine that is not started yet.
     *
     * @param program what {@code airlock} is in it
     * @param kernel that the machine runs, with KVM as a module
     */
    public OuterMachine(Program program, LinuxKernel kernel) throws IOException {
        this.program = program;
        this.kernel = kernel;
        scratch = Files.createTempDirectory("airlock-outer-");
        initramfs = new Initramfs(kernel);
    }

    /** Memory of the machine, in MiB. */
    public OuterMachine memoryMiB(int memory) {
        memoryMiB = memory;
        return this;
    }

    /** Its processors; by default those of this machine, at most four. */
    public OuterMachine processors(int count) {
        processors = count;
        return this;
    }

    /** Puts a file's content into the machine; tells its path there. The same file has one path. */
    public String input(Path file) {
        return inputs.computeIfAbsent(
                file.toAbsolutePath().normalize(),
                path -> {
                    String name = INPUT_FOLDER + "/" + inputs.size() + "-" + path.getFileName();
                    initramfs.file(name, 0755, path);
                    return name;
                });
    }

    /** A raw image as a block device of the machine, which changes it; tells its path there. */
    public String disk(Path image, boolean isReadOnly) {
        disks.add(image);
        readOnlyDisks.add(isReadOnly);
        return "/dev/vd" + (char) ('a' + DRIVES_OF_OUR_OWN - 1 + disks.size());
    }

    /** Loads a module of the machine's kernel, with parameters such as {@code opts=2}. */
    public OuterMachine module(String name, String parameters) {
        initramfs.module(name, parameters);
        return this;
    }

    /** A program of this machine beside the Java one: see {@link Initramfs#program}. */
    public OuterMachine program(String name) throws IOException {
        initramfs.program(name);
        return this;
    }

    /** QEMU as this machine has it, for machines in the machine, on its KVM. */
    public OuterMachine qemu() throws IOException {
        for (Path file : QemuFirmware.files()) {
            initramfs.file(file.toString(), 0644, file);
        }
        return program("qemu-system-x86_64").program("setpriv");
    }

    /**
     * Runs one command with this process's standard input and output as its terminal.
     *
     * @param command the words, the first {@code airlock}, which is the program
     * @param terminal what the console is here
     * @param outputs where the output folder's files go, a folder that exists
     * @param timeout of the machine
     * @return its exit code, and whether the machine took too long
     */
    public QemuMachine.Ending runOnTerminal(
            List<String> command, TerminalShape terminal, Path outputs, Duration timeout)
            throws IOException, InterruptedException {
        String script =
                OuterScript.AT_POWER_BUTTON
                        + "stty "
                        + terminal.sttyWords()
                        + " </dev/ttyS0\n"
                        + "export TERM="
                        + Shell.quoted(terminal.type())
                        + "\n"
                        + "setsid -c "
                        + Shell.words(command)
                        + " </dev/ttyS0 >/dev/ttyS0 2>&1\n";
        initramfs.modules("button", "evdev");
        try (QemuMachine machine = settings(script).consoleOnTerminal().powerButton().start()) {
            started(machine);
            QemuMachine.Ending ending = machine.await(timeout);
            takeOutput(outputs);
            return ending;
        }
    }

    /**
     * Runs commands one after the other, in one machine.
     *
     * @param console gets what the machine says meanwhile, the commands' output included
     * @param outputs where the output folder's files go, a folder that exists
     * @param timeout of the machine
     * @return the results, in the tasks' order
     */
    public List<Result> runAll(List<Task> tasks, Path console, Path outputs, Duration timeout)
            throws IOException, InterruptedException {
        StringBuilder script = new StringBuilder();
        for (Task task : tasks) {
            String file = OUTPUT_FOLDER + "/" + task.name();
            String command =
                    "timeout -k 10 "
                            + task.timeout().toSeconds()
                            + " "
                            + Shell.words(task.command());
            script.append(Shell.separated(command, file));
        }
        try (QemuMachine machine = settings(script.toString()).consoleTo(console).start()) {
            started(machine);
            machine.await(timeout);
        }
        takeOutput(outputs);
        List<Result> results = new ArrayList<>();
        for (Task task : tasks) {
            results.add(
                    new Result(
                            exitCode(outputs.resolve(task.name() + ".exit")),
                            read(outputs.resolve(task.name() + ".out")),
                            read(outputs.resolve(task.name() + ".err"))));
        }
        return results;
    }

    private static OptionalInt exitCode(Path file) throws IOException {
        String text = read(file).strip();
        return text.isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(text));
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file) : "";
    }

    private QemuSettings settings(String script) throws IOException {
        Accelerator accelerator = Accelerator.best(true);
        boolean isIntel = accelerator == Accelerator.KVM && Accelerator.isIntel();
        initramfs
                .modules("virtio_pci", "virtio_blk", "ext4")
                .module(isIntel ? "kvm_intel" : "kvm_amd", "")
                .librariesOfRuntime(program.jdk())
                .file("usr/bin/airlock", 0755, OuterScript.launcher(program))
                .script(OuterScript.around(program, accelerator.jvmOptions(), script));
        Path archive = scratch.resolve("initramfs.cpio");
        initramfs.write(archive);
        Path output = output();
        QemuSettings settings =
                new QemuSettings(kernel.image(), archive)
                        .commandLine("quiet loglevel=1")
                        .accelerator(
                                accelerator,
                                accelerator == Accelerator.KVM ? "host" : EMULATED_PROCESSOR)
                        .memoryMiB(memoryMiB)
                        .processors(processors)
                        .drive(ProgramDisk.of(program, CacheFolder.ofUser()), true)
                        .drive(output, false);
        for (int i = 0; i < disks.size(); i++) {
            settings.drive(disks.get(i), readOnlyDisks.get(i));
        }
        return settings;
    }

    /** An empty disk, on which the machine leaves a tar archive. */
    private Path output() throws IOException {
        Path file = scratch.resolve("output.tar");
        Files.deleteIfExists(file);
        SparseFile.create(file, OUTPUT_BYTES_MAX);
        return file;
    }

    /** tar(1) itself keeps names inside the folder. */
    private void takeOutput(Path outputs) throws IOException {
        Tool.run(
                outputs,
                List.of(
                        "tar",
                        "-x",
                        "--no-same-owner",
                        "--no-same-permissions",
                        "-f",
                        scratch.resolve("output.tar").toString()));
    }

    /**
     * Has the command of {@link #runOnTerminal} asked to end, by SIGTERM, and ends the machine when
     * that has not helped in time, or when it has not started yet; any thread may.
     */
    public void end(Duration patience) throws InterruptedException {
        QemuMachine machine = running;
        if (machine == null || !machine.pressPowerButton(patience)) {
            stop();
        }
    }

    private void started(QemuMachine machine) {
        running = machine;
        if (isStopped) {
            machine.stop();
        }
    }

    /** Ends the machine that runs, or that is about to; any thread may. */
    public void stop() {
        isStopped = true;
        QemuMachine machine = running;
        if (machine != null) {
            machine.stop();
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        CacheFolder.delete(scratch);
    }
}
