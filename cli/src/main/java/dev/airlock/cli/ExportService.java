package dev.airlock.cli;

import dev.airlock.nbd.NbdOptions;
import dev.airlock.nbd.NbdServer;
import dev.airlock.nbd.TlsPolicy;
import dev.airlock.storvsc.AdapterListener;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An NBD server with a host behind it, which is replaced when it dies. Thread-safe; {@link #close}
 * ends everything, once.
 */
final class ExportService implements AutoCloseable {
    private static final long RETRY_MS_MIN = 50;
    private static final long RETRY_MS_MAX = 2_000;

    private final NbdOptions options;
    private final NbdServer server;
    private final ExportHost host;
    private final ScratchFolder scratch;
    private final Semaphore hostLost = new Semaphore(0);
    private @Nullable Thread supervisor;
    private volatile boolean closing;
    private boolean closed;

    ExportService(NbdOptions options, TlsPolicy tls, ExportHost host, ScratchFolder scratch) {
        this.options = options;
        this.server = new NbdServer(options, tls);
        this.host = host;
        this.scratch = scratch;
    }

    /**
     * Starts the host and serves its disks to whoever connects from then on.
     *
     * @param failed told an exit code when the export cannot go on
     */
    void start(IntConsumer failed) throws InterruptedException {
        try {
            attach();
        } catch (IOException e) {
            throw CommandFailure.usage("cannot attach to the host: " + e.getMessage());
        }
        Thread thread = new Thread(() -> supervise(failed), "export-host");
        thread.setDaemon(true);
        supervisor = thread;
        thread.start();
    }

    NbdServer server() {
        return server;
    }

    ExportHost disksHost() {
        return host;
    }

    @Override
    public void close() {
        closing = true;
        Thread thread = supervisor;
        if (thread != null) {
            thread.interrupt();
        }
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            server.close();
            host.close();
            scratch.close();
        }
    }

    private void attach() throws IOException, InterruptedException {
        StorageGuest guest = host.attach(options.guestBytes(), options.connectionsMax());
        guest.adapter()
                .addListener(
                        new AdapterListener() {
                            @Override
                            public void closed(String reason) {
                                hostLost.release();
                            }
                        });
        server.attach(guest, host::nameOf);
        if (guest.adapter().hasEnded()) {
            hostLost.release();
        }
    }

    /** Waits for hosts to die, and replaces each. */
    private void supervise(IntConsumer failed) {
        try {
            while (!closing) {
                hostLost.acquire();
                if (closing) {
                    return;
                }
                server.detach();
                ExportCommand.log(host.obituary());
                String lost = host.volatileDisk();
                if (lost != null) {
                    ExportCommand.log("the contents of disk " + lost + " died with it: giving up");
                    failed.accept(Main.EXIT_FAILED);
                    return;
                }
                replaceHost();
            }
        } catch (InterruptedException ending) {
            Thread.currentThread().interrupt();
        }
    }

    private void replaceHost() throws InterruptedException {
        long pauseMs = RETRY_MS_MIN;
        String told = "";
        while (!closing) {
            // What the one before reported late.
            hostLost.drainPermits();
            try {
                attach();
                ExportCommand.log(
                        host.isOwn() ? "another host process serves the disks" : "attached again");
                return;
            } catch (IOException | CommandFailure e) {
                String why = String.valueOf(e.getMessage());
                if (!why.equals(told)) {
                    ExportCommand.log("no host yet: " + why);
                    told = why;
                }
            }
            TimeUnit.MILLISECONDS.sleep(pauseMs);
            pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX);
        }
    }
}
