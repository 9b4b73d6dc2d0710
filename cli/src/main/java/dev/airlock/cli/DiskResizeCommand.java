package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.storvsp.server.ControlClient;
import dev.airlock.storvsp.server.DiskStatus;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code airlock disk-resize}: another size for a disk of a running host. */
@Command(
        name = "disk-resize",
        description = {
            "Give a disk of a running host another size, or take over the one it was given outside.",
            "Guests are told; an NBD client sees the new size when it connects. Exit code 1 if the disk cannot have it."
        },
        mixinStandardHelpOptions = true)
final class DiskResizeCommand implements Callable<Integer> {
    @Mixin private ControlOption control = new ControlOption();

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "the disk's name, as disk-list shows it")
    private String name = "";

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "SIZE",
            description = "such as 64G, whole sectors; what is beyond a smaller size is lost")
    private @Nullable String size;

    @Option(names = "--rescan", description = "take the size that the file or block device has now")
    private boolean rescan;

    @Override
    public Integer call() throws IOException {
        String wanted = size;
        if (rescan == (wanted != null)) {
            throw CommandFailure.usage("give a SIZE, or --rescan");
        }
        try (ControlClient client = control.connect()) {
            DiskStatus disk =
                    wanted == null
                            ? client.rescanDisk(name)
                            : client.resizeDisk(name, bytes(wanted));
            System.out.printf("%s has %d bytes%n", name, disk.sizeBytes());
            return 0;
        }
    }

    private static long bytes(String text) {
        try {
            return ByteSize.parse(text);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }
}
