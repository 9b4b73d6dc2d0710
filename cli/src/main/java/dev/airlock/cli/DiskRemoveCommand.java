package dev.airlock.cli;

import dev.airlock.storvsp.server.ControlClient;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code airlock disk-remove}: takes a disk from a running host and its guests. */
@Command(
        name = "disk-remove",
        description = {
            "Remove a disk from a running host.",
            "Waits for its I/O, flushes and closes it. Exit code 1 if the host refuses or the flush failed."
        },
        mixinStandardHelpOptions = true)
final class DiskRemoveCommand implements Callable<Integer> {
    @Mixin private ControlOption control = new ControlOption();

    @Parameters(paramLabel = "NAME", description = "the disk's name, as disk-list shows it")
    private String name = "";

    @Override
    public Integer call() throws IOException {
        try (ControlClient client = control.connect()) {
            client.removeDisk(name);
            System.out.println("removed " + name);
            return 0;
        }
    }
}
