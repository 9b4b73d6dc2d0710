package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.DiskSpecException;
import dev.airlock.lab.trace.TraceWriter;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Privileges;
import dev.airlock.linux.Signals;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code airlock host}: the storage host as a process of its own. */
@Command(
        name = "host",
        description = "Serve disks to guests until SIGTERM.",
        mixinStandardHelpOptions = true,
        footer = {
            "%nA DISK is [raw:|mem:|null:]PATH-or-SIZE[,ro][,direct][,sector=4096][,snapshot][,shared][,name=N].",
            "LUNs follow the order. A writable disk serves one guest at a time unless it is ,shared.",
            "Started as root, the process gives up its user and all capabilities once its disks are open.",
            "%nExample:  airlock host --socket /run/airlock.sock --control /run/airlock.ctl disk.img,name=root mem:1G"
        })
final class HostCommand implements Callable<Integer> {
    @Option(
            names = "--socket",
            required = true,
            paramLabel = "PATH",
            description = "where guests connect; made with mode 0600, only when it is ready")
    private Path socket = Path.of("");

    @Option(
            names = "--control",
            paramLabel = "PATH",
            description = "a socket for disk-add, disk-remove and disk-list")
    private @Nullable Path control;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "record all that crosses the boundary, for airlock trace")
    private @Nullable Path trace;

    @Option(
            names = "--integration-services",
            description = "offer shutdown, heartbeat and time synchronisation to guests too")
    private boolean integrationServices;

    @Option(
            names = "--with-parent",
            hidden = true,
            paramLabel = "PID",
            description = "end when that process, our parent, ends")
    private int parent;

    @Parameters(arity = "0..*", paramLabel = "DISK", description = "the disks, LUN 0 first")
    private List<String> disks = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        if (disks.isEmpty() && control == null) {
            throw CommandFailure.usage("no DISK given, and no --control socket to add one later");
        }
        HostOptions options = new HostOptions().socket(socket).log(HostCommand::log);
        if (control != null) {
            options.control(control);
        }
        if (integrationServices) {
            options.integrationServices();
        }
        try {
            for (String disk : disks) {
                options.disk(DiskSpec.parse(disk));
            }
        } catch (DiskSpecException e) {
            throw CommandFailure.usage(e.getMessage());
        }
        TraceWriter recording = trace == null ? null : record(trace);
        if (recording != null) {
            options.tap(recording);
        }
        StorageHost host = start(options);
        Shutdown.onSignal(() -> close(host, recording));
        System.err.println("ready " + socket);
        Shutdown.awaitSignal();
        return 0;
    }

    private static TraceWriter record(Path file) {
        try {
            return TraceWriter.create(file, HostCommand::log);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot record to " + file + ": " + e.getMessage());
        }
    }

    private StorageHost start(HostOptions options) {
        try {
            if (parent != 0) {
                Privileges.parentDeathSignal(Privileges.SIGTERM);
                // A Ctrl-C goes to us both, and the parent may need us a little longer.
                Signals.ignoreInterrupt();
                if (Privileges.parentPid() != parent) {
                    throw CommandFailure.usage("the process that started this host has ended");
                }
                options.leaveSockets();
            }
            return StorageHost.start(options);
        } catch (LinuxException e) {
            throw CommandFailure.usage("cannot start the host: " + e.getMessage());
        } catch (IOException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    private static void close(StorageHost host, @Nullable TraceWriter recording) {
        try {
            host.close();
            if (recording != null) {
                recording.close();
            }
        } catch (IOException e) {
            log(e.getMessage());
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void log(@Nullable String line) {
        System.err.println("airlock: host: " + line);
    }
}
