package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.DiskSpecException;
import dev.airlock.storvsp.server.ControlClient;
import dev.airlock.storvsp.server.DiskStatus;
import dev.airlock.storvsp.server.HostException;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code airlock disk-add}: opens a disk here, with our rights, and hands it to a running host. */
@Command(
        name = "disk-add",
        description = "Add a disk to a running host; its guests see it at once.",
        mixinStandardHelpOptions = true)
final class DiskAddCommand implements Callable<Integer> {
    @Mixin private ControlOption control = new ControlOption();

    @Parameters(paramLabel = "DISK", description = "as for airlock host")
    private String disk = "";

    @Override
    public Integer call() throws IOException {
        try (ControlClient client = control.connect()) {
            DiskStatus added = client.addDisk(DiskSpec.parse(disk));
            System.out.printf("added %s as LUN %d%n", added.name(), added.lun());
            return 0;
        } catch (DiskSpecException | HostException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }
}
