package dev.airlock.nbd;

import dev.airlock.disk.DiskSpec;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.linux.StreamListener;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.guest.GuestBusOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A host with disks, a guest and an NBD server in one process, for clients of our own. */
final class Rig implements AutoCloseable {
    final LinkedBlockingQueue<String> log = new LinkedBlockingQueue<>();
    final NbdServer server;
    final Path socket;
    private final Path folder;
    private final boolean isolated;
    private final NbdOptions options;
    private final String[] disks;
    private StorageHost host;
    private StorageGuest guest;

    private Rig(boolean isolated, UnaryOperator<NbdOptions> changes, String... disks)
            throws Exception {
        folder = Files.createTempDirectory("nbd-test");
        socket = folder.resolve("nbd.sock");
        this.isolated = isolated;
        this.disks = disks;
        options = changes.apply(NbdOptions.standard(log::add).withConnectionsMax(4));
        server = new NbdServer(options, TlsPolicy.OFF);
        host = startHost();
        guest = connect();
        server.attach(guest, LunFacts::serial);
        server.listen(StreamListener.listen(socket, 0600, 16));
    }

    static Rig open(boolean isolated, String... disks) throws Exception {
        return new Rig(isolated, options -> options, disks);
    }

    static Rig open(UnaryOperator<NbdOptions> changes, String... disks) throws Exception {
        return new Rig(true, changes, disks);
    }

    NbdClient connect(NbdClient.Mode mode) throws IOException {
        return NbdClient.open(socket, mode, "");
    }

    /** The host dies; the guest notices by itself. */
    void killHost() throws IOException {
        host.close();
        server.detach();
    }

    /** The host gives a disk another size. */
    void resize(String disk, long newBytes) throws IOException {
        host.resizeDisk(disk, OptionalLong.of(newBytes));
    }

    /** Another host with the same disks, and a guest of it. */
    void restartHost() throws Exception {
        host = startHost();
        guest = connect();
        server.attach(guest, LunFacts::serial);
    }

    private StorageHost startHost() throws Exception {
        HostOptions hostOptions =
                new HostOptions()
                        .socket(folder.resolve("host.sock"))
                        .dropPrivileges(false)
                        .log(line -> {});
        for (String disk : disks) {
            hostOptions.disk(DiskSpec.parse(disk));
        }
        return StorageHost.start(hostOptions);
    }

    /** Whether the guest's memory holds this number anywhere, at a multiple of 8 bytes. */
    boolean isInGuestMemory(long number) {
        MemorySegment memory = guest.memory().bytes();
        for (long at = 0; at < memory.byteSize(); at += Long.BYTES) {
            if (memory.get(ValueLayout.JAVA_LONG, at) == number) {
                return true;
            }
        }
        return false;
    }

    private StorageGuest connect() throws IOException {
        long pool = 4L << 20;
        return StorageGuest.connect(
                folder.resolve("host.sock"),
                new GuestOptions(
                        isolated,
                        1 << 20,
                        pool + (8L << 20) + options.guestBytes(),
                        SwiotlbOptions.DEFAULTS.withPoolBytes(pool),
                        new StorvscOptions().subchannels(1),
                        64,
                        GuestBusOptions.DEFAULT,
                        DmaLimits.STORVSC));
    }

    Path folder() {
        return folder;
    }

    List<String> logged() {
        return List.copyOf(log);
    }

    @Override
    public void close() throws IOException {
        server.close();
        host.close();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        }
    }
}
