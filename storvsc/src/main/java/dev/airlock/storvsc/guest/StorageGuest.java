package dev.airlock.storvsc.guest;

import dev.airlock.dma.DmaMapper;
import dev.airlock.linux.Privileges;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.storvsc.BusDevice;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A guest in user space, attached to a storage host: what is between a program and its isolated
 * disks.
 *
 * <p>Owns its memory, bus, adapter and devices; {@link #close} ends them in the right order: no
 * command is in flight when the memory goes. Thread safe. The process of an isolated guest is made
 * not dumpable, so that no process without privileges can read its memory.
 */
public final class StorageGuest implements AutoCloseable {
    private static final long CONNECT_TIMEOUT_MS = 10_000;

    private final GuestMemory memory;
    private final DmaMapper mapper;
    private final GuestBus bus;
    private final StorvscAdapter adapter;
    private final List<BlockDevice> disks;
    private boolean closed;

    private StorageGuest(
            GuestMemory memory,
            DmaMapper mapper,
            GuestBus bus,
            StorvscAdapter adapter,
            List<BlockDevice> disks) {
        this.memory = memory;
        this.mapper = mapper;
        this.bus = bus;
        this.adapter = adapter;
        this.disks = List.copyOf(disks);
    }

    /**
     * Attaches to a host and looks for its disks.
     *
     * @param socket where the host listens
     * @throws IOException when there is no host, it refuses, or it does not answer; nothing is left
     *     behind
     */
    public static StorageGuest connect(Path socket, GuestOptions options) throws IOException {
        try (Prepared prepared = prepare(options)) {
            return prepared.connect(socket);
        }
    }

    /**
     * What a guest has before it has a host: its memory, and the DMA API over it. Lets a guest and
     * the host it is to use start at the same time.
     *
     * @throws IOException when there is not that much memory; nothing is left behind
     */
    public static Prepared prepare(GuestOptions options) throws IOException {
        if (options.isolated()) {
            Privileges.setNotDumpable();
        }
        Opened opened = new Opened();
        try {
            GuestMemory memory =
                    opened.add(
                            options.isolated()
                                    ? GuestMemory.isolated(
                                            options.privateBytes(), options.visibleBytes())
                                    : GuestMemory.shared(
                                            options.privateBytes() + options.visibleBytes()));
            DmaMapper mapper =
                    opened.add(DmaMapper.forGuest(memory, options.swiotlb(), options.dma()));
            return new Prepared(options, memory, mapper, opened);
        } catch (IOException | RuntimeException e) {
            opened.closeUnlessKept();
            throw e;
        }
    }

    /** A guest without a host. Not thread safe; used for one {@link #connect}. */
    public static final class Prepared implements AutoCloseable {
        private final GuestOptions options;
        private final GuestMemory memory;
        private final DmaMapper mapper;
        private final Opened opened;

        private Prepared(
                GuestOptions options, GuestMemory memory, DmaMapper mapper, Opened opened) {
            this.options = options;
            this.memory = memory;
            this.mapper = mapper;
            this.opened = opened;
        }

        /**
         * Attaches to a host and looks for its disks. The guest owns what this object held.
         *
         * @param socket where the host listens
         * @throws IOException when there is no host, it refuses, or it does not answer; what was
         *     opened meanwhile is closed with this object
         */
        public StorageGuest connect(Path socket) throws IOException {
            GuestBus bus =
                    opened.add(
                            GuestBus.connect(
                                    UnixSocket.connect(socket, CONNECT_TIMEOUT_MS),
                                    memory,
                                    options.bus(),
                                    GuestBusListener.NONE));
            Offer offer = BusDevice.find(bus);
            if (offer == null) {
                throw new IOException("the host at " + socket + " offers no storage");
            }
            int cpus = Runtime.getRuntime().availableProcessors();
            StorvscAdapter adapter =
                    opened.addAround(
                            bus,
                            StorvscAdapter.open(
                                    new BusDevice(bus, offer, cpus),
                                    mapper,
                                    memory.bytes(),
                                    options.storvsc()));
            adapter.rescan();
            List<BlockDevice> disks = new ArrayList<>();
            for (LunFacts facts : adapter.luns()) {
                disks.add(opened.add(BlockDevice.open(adapter, facts, options.queueDepth())));
            }
            StorageGuest guest = new StorageGuest(memory, mapper, bus, adapter, disks);
            opened.keep();
            return guest;
        }

        /** Gives back what no guest has taken over. */
        @Override
        public void close() {
            opened.closeUnlessKept();
        }
    }

    /** The guest's memory: allocate I/O buffers from its private pages. */
    public GuestMemory memory() {
        return memory;
    }

    /** The DMA API, with its statistics. */
    public DmaMapper mapper() {
        return mapper;
    }

    /** The bus, with its statistics. */
    public GuestBus bus() {
        return bus;
    }

    /** The driver: hot plug, statistics. */
    public StorvscAdapter adapter() {
        return adapter;
    }

    /** The disks found when the guest was attached, by path, target and LUN; owned by the guest. */
    public List<BlockDevice> disks() {
        return disks;
    }

    /**
     * Detaches: commands end, channels close, the host forgets the guest, the memory goes. A device
     * whose caller still has requests under way gets their errors first. A second close does
     * nothing.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        adapter.close();
        bus.close();
        // Once more: what a host kept that confirmed nothing comes back with the connection's end.
        adapter.close();
        disks.forEach(BlockDevice::close);
        mapper.close();
        memory.close();
    }

    /** What has been opened so far, to be closed in reverse when the rest cannot be. */
    private static final class Opened {
        private final List<AutoCloseable> parts = new ArrayList<>();

        <T extends AutoCloseable> T add(T part) {
            parts.add(part);
            return part;
        }

        /** Closed before the others and, once more, after {@code bus}: see {@link #close}. */
        StorvscAdapter addAround(GuestBus bus, StorvscAdapter adapter) {
            parts.add(parts.indexOf(bus), adapter);
            return add(adapter);
        }

        void keep() {
            parts.clear();
        }

        void closeUnlessKept() {
            for (AutoCloseable part : parts.reversed()) {
                try {
                    part.close();
                } catch (Exception e) {
                    throw new IllegalStateException("cannot undo a failed attach", e);
                }
            }
        }
    }
}
