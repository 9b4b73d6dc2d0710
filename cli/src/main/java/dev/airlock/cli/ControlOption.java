package dev.airlock.cli;

import dev.airlock.storvsp.server.ControlClient;
import dev.airlock.storvsp.server.HostException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --control} that the disk-* commands share, and the connection behind it. */
final class ControlOption {
    @Option(
            names = "--control",
            required = true,
            paramLabel = "PATH",
            description = "the control socket of a running host")
    private Path path = Path.of("");

    ControlClient connect() {
        try {
            return ControlClient.connect(path);
        } catch (HostException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }
}
