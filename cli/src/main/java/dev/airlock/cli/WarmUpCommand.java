package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.lab.workload.Baseline;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * {@code airlock warm-up}, for the launcher: host and guests in one process for a moment, so that
 * the AOT cache it trains holds the classes and profiles of both; then a host of its own, for what
 * starting one takes. Not for users: host and guest share a process here.
 */
@Command(name = "warm-up", hidden = true, description = "train the AOT cache")
final class WarmUpCommand implements Callable<Integer> {
    private static final double SECONDS = 1.5;

    @Override
    public Integer call() throws Exception {
        try (ScratchFolder scratch = ScratchFolder.create()) {
            Path socket = scratch.path("host.sock");
            HostOptions options =
                    new HostOptions()
                            .socket(socket)
                            .control(scratch.path("control.sock"))
                            .dropPrivileges(false)
                            .disk(DiskSpec.parse(scratch.file("a.raw", "64M")))
                            .disk(DiskSpec.parse("mem:64M"));
            RunReport report = new RunReport(0);
            try (StorageHost host = StorageHost.start(options)) {
                for (int lun = 0; lun < host.disks().size(); lun++) {
                    GuestRun.Target target =
                            new GuestRun.Target(socket, lun, false, Baseline.ZEROES);
                    try (GuestRun.Prepared guest = GuestRun.prepare(lun == 0);
                            GuestRun run = GuestRun.attach(guest, target, 0)) {
                        report.add(run.run(SECONDS));
                    }
                }
            }
            Path ofChild = scratch.path("child.sock");
            Main.commandLine("run").parseArgs("run", "--json");
            Main.commandLine("host").parseArgs("host", "--socket", ofChild.toString(), "mem:1M");
            try (HostChild child = HostChild.start(ofChild, List.of("mem:64M"))) {
                child.awaitReady();
            }
            System.out.print(report.render());
            Json.print(report.fields());
            return report.isGood() ? 0 : Main.EXIT_FAILED;
        }
    }
}
