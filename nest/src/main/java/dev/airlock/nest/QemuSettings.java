package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link QemuMachine} is made of. Fluent; each call returns this. For one thread; can start
 * several machines.
 */
public final class QemuSettings {
    /** Modules by which Debian's kernels see the drives. */
    public static final List<String> DRIVE_MODULES = List.of("virtio_pci", "virtio_blk");

    /**
     * Without the last word a kernel tries whether the timer's interrupts come in time, and panics
     * if not: on a busy machine an emulated one is too late.
     */
    private static final String COMMAND_LINE = "console=ttyS0 panic=-1 no_timer_check";

    private final Path kernel;
    private final Path initramfs;
    private final List<String> drives = new ArrayList<>();
    private final List<String> more = new ArrayList<>();
    private Accelerator accelerator = Accelerator.best(false);
    private String processor = "max";
    private String commandLine = "";
    private int memoryMiB = 512;
    private int processors = 1;
    private boolean isOnTerminal;
    private boolean hasPowerButton;
    private @Nullable Path consoleFile;

    /**
     * A machine with 512 MiB, one processor and no drives, its console on pipes.
     *
     * @param kernel a bzImage
     * @param initramfs as {@link Initramfs#write} makes it
     */
    public QemuSettings(Path kernel, Path initramfs) {
        this.kernel = kernel;
        this.initramfs = initramfs;
    }

    /** Words for the kernel's command line, after those of our own, such as the console. */
    public QemuSettings commandLine(String words) {
        commandLine = words;
        return this;
    }

    /** Memory in MiB. */
    public QemuSettings memoryMiB(int memory) {
        memoryMiB = memory;
        return this;
    }

    /** The number of processors. */
    public QemuSettings processors(int count) {
        processors = count;
        return this;
    }

    /** What runs the processors, and for QEMU's {@code -cpu} which ones they are. */
    public QemuSettings accelerator(Accelerator how, String model) {
        accelerator = how;
        processor = model;
        return this;
    }

    /** A raw image as the next virtio disk: {@code /dev/vda} and on. */
    public QemuSettings drive(Path image, boolean isReadOnly) {
        drives.add(
                "file="
                        + quoted(image)
                        + ",format=raw,if=none,cache=unsafe"
                        + (isReadOnly ? ",readonly=on" : ""));
        return this;
    }

    /** More of QEMU's own options. */
    public QemuSettings more(String... options) {
        more.addAll(List.of(options));
        return this;
    }

    /** The console goes to a file, and has no keyboard. */
    public QemuSettings consoleTo(Path file) {
        consoleFile = file;
        return this;
    }

    /**
     * The console is this process's standard input and output: a terminal is raw as long as the
     * machine runs, and every key goes to it.
     */
    public QemuSettings consoleOnTerminal() {
        isOnTerminal = true;
        return this;
    }

    /** The machine has a power button: {@link QemuMachine#pressPowerButton}. */
    public QemuSettings powerButton() {
        hasPowerButton = true;
        return this;
    }

    /** Starts it. */
    public QemuMachine start() throws IOException {
        return QemuMachine.start(this);
    }

    void connectConsole(ProcessBuilder builder) {
        if (isOnTerminal) {
            builder.redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT);
        }
    }

    /**
     * The command that is QEMU, which gets SIGTERM when the thread that starts it ends.
     *
     * @param report where the second serial port goes
     * @param monitor where QEMU makes the socket that the power button needs
     */
    List<String> command(Path report, Path monitor) throws IOException {
        List<String> command = new ArrayList<>();
        command.addAll(List.of(Tool.require("setpriv").toString(), "--pdeathsig", "TERM"));
        command.add(Tool.require("qemu-system-x86_64").toString());
        command.addAll(List.of("-nodefaults", "-no-user-config", "-display", "none"));
        command.addAll(List.of("-machine", "q35", "-accel", accelerator.option()));
        command.addAll(List.of("-cpu", accelerator.model(processor)));
        command.addAll(List.of("-m", memoryMiB + "M", "-smp", Integer.toString(processors)));
        command.addAll(List.of("-no-reboot", "-kernel", kernel.toString()));
        command.addAll(List.of("-initrd", initramfs.toString()));
        command.addAll(List.of("-append", (COMMAND_LINE + " " + commandLine).strip()));
        String console =
                consoleFile == null
                        ? "stdio,id=console,signal=off"
                        : "file,id=console,path=" + quoted(consoleFile);
        command.addAll(List.of("-chardev", console, "-serial", "chardev:console"));
        command.addAll(List.of("-chardev", "file,id=report,path=" + quoted(report)));
        command.addAll(List.of("-serial", "chardev:report"));
        if (hasPowerButton) {
            String socket = "socket,id=monitor,server=on,wait=off,path=" + quoted(monitor);
            command.addAll(List.of("-chardev", socket, "-mon", "chardev=monitor,mode=readline"));
        }
        for (int i = 0; i < drives.size(); i++) {
            command.addAll(List.of("-drive", drives.get(i) + ",id=drive" + i));
            command.addAll(List.of("-device", "virtio-blk-pci,drive=drive" + i));
        }
        command.addAll(more);
        return command;
    }

    /** A comma in a value of QEMU's options is written twice. */
    static String quoted(Path path) {
        return path.toAbsolutePath().toString().replace(",", ",,");
    }
}
