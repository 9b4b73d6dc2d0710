package dev.airlock.cli;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.StreamListener;
import dev.airlock.nbd.NbdOptions;
import dev.airlock.nbd.NbdServer;
import dev.airlock.nbd.TlsPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code airlock export}: disks for NBD clients, by way of an isolated guest. */
@Command(
        name = "export",
        description = {
            "Serve disks to NBD clients until SIGTERM: a guest in this process, isolated from the host process that parses the images.",
            "Starts a host for the DISKs, or attaches to a running one."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:a clean end; with --run, the command's exit code",
            "1:the host was lost with disks that only it held",
            "2:usage or environment: nothing was served"
        },
        footer = {
            "%nA DISK is [raw:|mem:|null:]PATH-or-SIZE[,ro][,direct][,sector=4096][,snapshot][,shared][,name=N].",
            "The empty export name means the first disk. Under systemd's socket activation its sockets are used.",
            "%nExample:  airlock export --socket /run/disk.nbd disk.img",
            "          nbdcopy 'nbd+unix:///?socket=/run/disk.nbd' copy.img"
        })
final class ExportCommand implements Callable<Integer> {
    /** Whether the host sees all of the guest's memory. */
    enum Isolation {
        forced,
        none
    }

    @Parameters(arity = "0..*", paramLabel = "DISK", description = "the disks, the default first")
    private List<String> disks = new ArrayList<>();

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "where clients connect; made with mode 0600, only when it is ready")
    private @Nullable Path socket;

    @Option(
            names = "--tcp",
            paramLabel = "[HOST:]PORT",
            description = "where clients connect; without a HOST only from this machine")
    private @Nullable String tcp;

    @Option(
            names = "--host",
            paramLabel = "PATH",
            description = "use the running host at this socket instead of starting one for DISKs")
    private @Nullable Path host;

    @Option(
            names = "--control",
            paramLabel = "PATH",
            description =
                    "a control socket of the host that is started, for disk-resize, disk-list")
    private @Nullable Path control;

    @Option(
            names = "--isolation",
            paramLabel = "forced|none",
            description = "whether the host sees only what is shared; default: ${DEFAULT-VALUE}")
    private Isolation isolation = Isolation.forced;

    @Option(names = "--read-only", description = "refuse every change")
    private boolean readOnly;

    @Option(
            names = "--connections",
            paramLabel = "N",
            description = "clients at a time; default: ${DEFAULT-VALUE}")
    private int connections = 16;

    @Option(
            names = "--handshake-timeout",
            paramLabel = "SECONDS",
            description = "how long a client may take to negotiate; default: ${DEFAULT-VALUE}")
    private double handshakeSeconds = 10;

    @Option(names = "--once", description = "end when the last client has left")
    private boolean once;

    @Option(
            names = "--run",
            paramLabel = "COMMAND",
            description =
                    "run a shell command with the NBD URI in $uri, and end with it; needs no --socket")
    private @Nullable String run;

    @ArgGroup(exclusive = false, heading = "%nTLS:%n")
    private TlsOptions tls = new TlsOptions();

    @Option(names = "--stats", description = "one line a second on stderr: what clients do")
    private boolean stats;

    @Option(
            names = "--json",
            description = "with --stats: JSON objects on stdout instead, one a line")
    private boolean json;

    private final BlockingQueue<Integer> end = new ArrayBlockingQueue<>(16);

    @Override
    public Integer call() throws Exception {
        if (disks.isEmpty() == (host == null)) {
            throw CommandFailure.usage("give DISKs, or --host with a running host's socket");
        }
        if (host != null && control != null) {
            throw CommandFailure.usage("--control is for the host that is started, not for --host");
        }
        NbdOptions options = options();
        TlsPolicy policy = tls.load();
        ScratchFolder scratch = ScratchFolder.create();
        ExportHost disksHost =
                new ExportHost(
                        disks,
                        host,
                        scratch.path("host.sock"),
                        control,
                        isolation == Isolation.forced);
        try (ExportService service = new ExportService(options, policy, disksHost, scratch)) {
            Shutdown.onSignal(service::close);
            service.start(end::offer);
            ExportSockets sockets = ExportSockets.of(socket, tcp, run != null ? scratch : null);
            List<StreamListener> listeners = sockets.listen();
            if (once) {
                service.server().whenLastLeft(() -> end.offer(0));
            }
            listeners.forEach(service.server()::listen);
            for (String place : sockets.places()) {
                System.err.println("ready " + place);
            }
            return serve(service, sockets);
        } catch (LinuxException e) {
            throw CommandFailure.usage("cannot export: " + e.getMessage());
        }
    }

    private int serve(ExportService service, ExportSockets sockets)
            throws IOException, InterruptedException {
        NbdServer server = service.server();
        Thread told = stats ? ExportStats.start(server, service.disksHost(), json) : null;
        try {
            String command = run;
            if (command != null) {
                Process child = sockets.shell(command, tls.uri(sockets)).start();
                child.onExit().thenAccept(ended -> end.offer(ended.exitValue()));
            }
            return end.take();
        } finally {
            if (told != null) {
                told.interrupt();
                told.join();
            }
        }
    }

    private NbdOptions options() {
        try {
            return NbdOptions.standard(ExportCommand::log)
                    .withReadOnly(readOnly)
                    .withConnectionsMax(connections)
                    .withHandshakeTimeoutMs((long) (handshakeSeconds * 1000));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    static void log(String line) {
        System.err.println("airlock: export: " + line);
    }
}
