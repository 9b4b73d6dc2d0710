package dev.airlock.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line {@code airlock}: wires the modules together; nothing depends on it. */
@Command(
        name = "airlock",
        description = "Hyper-V's isolated-VM storage path, outside Hyper-V.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, or a clean end by SIGTERM or Ctrl-C",
            "1:wrong data, an I/O failure, or a difference found",
            "2:usage or environment: nothing was done",
        })
public final class Main implements Runnable {
    /** Exit code: wrong data, I/O failure, a difference found. */
    static final int EXIT_FAILED = 1;

    /** Exit code: usage or environment. */
    static final int EXIT_USAGE = 2;

    /** In the order of the help text. */
    private static final Map<String, Class<?>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("run", RunCommand.class);
        COMMANDS.put("host", HostCommand.class);
        COMMANDS.put("export", ExportCommand.class);
        COMMANDS.put("boot", BootCommand.class);
        COMMANDS.put("disk-add", DiskAddCommand.class);
        COMMANDS.put("disk-remove", DiskRemoveCommand.class);
        COMMANDS.put("disk-resize", DiskResizeCommand.class);
        COMMANDS.put("disk-list", DiskListCommand.class);
        COMMANDS.put("bench", BenchCommand.class);
        COMMANDS.put("trace", TraceCommand.class);
        COMMANDS.put("warm-up", WarmUpCommand.class);
        COMMANDS.put("help", CommandLine.HelpCommand.class);
    }

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(), "a command is needed; the first to try is: airlock run");
    }

    /** Parses, runs, and maps every failure to one line on stderr and an exit code. */
    public static void main(String[] args) {
        int exit = commandLine(args).execute(args);
        Shutdown.exit(exit);
    }

    /**
     * Knows the one command that the first argument names, since reading the options of all of them
     * takes longer than all else a start does; or all commands, for help and for suggestions.
     */
    static CommandLine commandLine(String... args) {
        CommandLine line = new CommandLine(new Main());
        Class<?> only = args.length == 0 || args[0].equals("help") ? null : COMMANDS.get(args[0]);
        if (only != null) {
            line.addSubcommand(args[0], only);
        } else {
            COMMANDS.forEach(line::addSubcommand);
        }
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::onUsageError)
                .setExecutionExceptionHandler(Main::onFailure);
    }

    private static int onUsageError(CommandLine.ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("airlock: " + oneLine(e.getMessage()));
        err.println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
        return EXIT_USAGE;
    }

    private static int onFailure(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
        PrintWriter err = command.getErr();
        if (e instanceof CommandFailure failure) {
            err.println("airlock: " + oneLine(failure.getMessage()));
            return failure.exitCode();
        }
        if (e instanceof java.io.IOException) {
            err.println("airlock: " + oneLine(e.getMessage()));
            return EXIT_FAILED;
        }
        err.println("airlock: internal error, please report it:");
        e.printStackTrace(err);
        return EXIT_FAILED;
    }

    private static String oneLine(@org.jspecify.annotations.Nullable String message) {
        return message == null ? "no further information" : message.replaceAll("\\s*\\R\\s*", "; ");
    }

    /** The version of this build, from its own package. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"airlock 0.1.0 (Java " + Runtime.version() + ")"};
        }
    }
}
