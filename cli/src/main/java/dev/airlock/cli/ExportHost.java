package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.vmbus.guest.GuestBusOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The host behind an export: a child of this process for its disks, or a running one. Makes guests
 * of it, one after another. For one thread at a time.
 */
final class ExportHost implements AutoCloseable {
    private static final long PRIVATE_BYTES = 1L << 20;
    private static final long POOL_BYTES = 8L << 20;
    private static final long RINGS_BYTES = 16L << 20;
    private static final int QUEUE_DEPTH = 128;
    private static final int SUBCHANNELS_MAX = 7;

    private final List<DiskSpec> specs;
    private final @Nullable Path running;
    private final Path socket;
    private final @Nullable Path control;
    private final boolean isolated;
    private volatile @Nullable HostChild child;
    private volatile @Nullable StorageGuest guest;

    /**
     * @param disks as the user wrote them; none when {@code running} is given
     * @param running the socket of a host that is there already
     * @param ownSocket where our own host shall listen
     * @param control where our own host shall have its control socket; null for none
     */
    ExportHost(
            List<String> disks,
            @Nullable Path running,
            Path ownSocket,
            @Nullable Path control,
            boolean isolated) {
        this.control = control;
        this.running = running;
        this.socket = running != null ? running : ownSocket;
        this.isolated = isolated;
        this.specs = DiskSpecs.parse(disks);
    }

    /** Whether the host is ours to start. */
    boolean isOwn() {
        return running == null;
    }

    /** A disk whose contents die with the host; null when there is none. */
    @Nullable String volatileDisk() {
        return DiskSpecs.firstVolatile(specs);
    }

    /**
     * Starts the host if it is ours, and attaches a guest.
     *
     * @param clientBytes host-visible memory for NBD clients
     * @return owned by the caller
     */
    StorageGuest attach(long clientBytes, int connections)
            throws IOException, InterruptedException {
        if (isOwn()) {
            close();
            HostChild started =
                    HostChild.start(
                            socket,
                            control == null
                                    ? List.of()
                                    : List.of("--control", control.toAbsolutePath().toString()),
                            specs.stream().map(DiskSpec::toString).toList());
            child = started;
            started.awaitReady();
        }
        StorvscOptions storvsc =
                new StorvscOptions().subchannels(Math.min(connections - 1, SUBCHANNELS_MAX));
        StorageGuest attached =
                StorageGuest.connect(
                        socket,
                        new GuestOptions(
                                isolated,
                                PRIVATE_BYTES,
                                POOL_BYTES + RINGS_BYTES + clientBytes,
                                SwiotlbOptions.DEFAULTS.withPoolBytes(POOL_BYTES),
                                storvsc,
                                QUEUE_DEPTH,
                                GuestBusOptions.DEFAULT,
                                DmaLimits.STORVSC));
        guest = attached;
        return attached;
    }

    /** What a disk's export is called: its name, which a host tells guests as its serial number. */
    String nameOf(LunFacts disk) {
        int lun = disk.address().lun();
        if (isOwn() && lun < specs.size()) {
            return specs.get(lun).name();
        }
        return disk.serial().isEmpty() ? "lun" + lun : disk.serial();
    }

    /** The guest attached last, for its statistics. */
    @Nullable StorageGuest guest() {
        return guest;
    }

    /** What became of the host, for the log. */
    String obituary() {
        HostChild ended = child;
        if (ended == null) {
            return "the host at " + socket + " has gone";
        }
        if (!ended.hasEnded()) {
            return "the host process does not serve any more";
        }
        List<String> lines = ended.lastLines();
        String last = lines.isEmpty() ? "" : ": " + lines.getLast();
        return "the host process ended with exit code " + ended.exitCode() + last;
    }

    /** Ends our own host. */
    @Override
    public void close() {
        HostChild ending = child;
        if (ending != null) {
            child = null;
            ending.close();
        }
    }
}
