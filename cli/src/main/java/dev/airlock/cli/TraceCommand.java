package dev.airlock.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code airlock trace}: recordings of the real driver. */
@Command(
        name = "trace",
        description = "Reads recordings of a guest's VMBus traffic.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {TraceDecodeCommand.class, TraceDiffCommand.class})
final class TraceCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(),
                "a command is needed: airlock trace decode FILE, airlock trace diff A B");
    }
}
