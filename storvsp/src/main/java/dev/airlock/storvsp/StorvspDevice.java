package dev.airlock.storvsp;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The storage provider of one guest: a synthetic SCSI controller with its logical units at path 0,
 * target 0.
 *
 * <p>It speaks the vstor protocol 5.1, 6.0 and 6.2 on the channels that the bus opens, runs the
 * guest's SCSI commands in the {@link LogicalUnit}s attached to it, and tells the guest when units
 * come and go. Everything it starts belongs to this one guest: a ring thread for each channel, and
 * worker threads for each unit whose disk may block. No guest shares a thread or a lock with
 * another.
 *
 * <p>{@link #attach}, {@link #detach} and {@link #statistics} are for any thread, {@link #opened}
 * and {@link #closed} for the bus. Units and disks stay the caller's.
 */
public final class StorvspDevice implements HostDevice {
    /** Most logical units of a device: what a controller of Hyper-V holds. */
    public static final int LUNS_MAX = 64;

    /** The one controller of a guest; any constant will do, as guests find it by its type. */
    private static final Guid INSTANCE = Guid.parse("a1710c4b-6c75-4e5f-8d3a-73746f727673");

    private final String name;
    private final StorvspOptions options;
    private final Owner owner;
    private final Consumer<String> log;
    private final Negotiation negotiation;
    private final ProviderCounters counters = new ProviderCounters();
    private final LunCounters absentCounters = new LunCounters();
    private final GuestUnits units;
    private final AtomicBoolean bugReported = new AtomicBoolean();

    /** Of each channel there was, by its index; guarded by itself. */
    private final Map<Integer, SrbCounters> srbs = new TreeMap<>();

    /** Open channels; guarded by itself. */
    private final List<StorvspChannel> channels = new ArrayList<>();

    /** The same, for {@link #poll}. */
    private volatile StorvspChannel[] polled = {};

    /** Of the primary channel while it is open; null where nothing outlives this process. */
    private volatile @Nullable RequestJournal primaryJournal;

    /** Who attaches units to a device. Called on the bus's thread. */
    public interface Owner {
        /** The guest opens the device; units attached now are there from the beginning. */
        void connected(StorvspDevice device);

        /** The guest has closed the device and every unit has been detached from it. */
        void disconnected(StorvspDevice device);
    }

    /**
     * Makes a device for one guest.
     *
     * @param name what log lines and threads call the guest, such as {@code guest3}
     * @param log takes lines for whoever runs the host; must not block
     */
    public StorvspDevice(String name, StorvspOptions options, Owner owner, Consumer<String> log) {
        this.name = name;
        this.options = options;
        this.owner = owner;
        this.log = log;
        units = new GuestUnits(name, options.workersPerLun());
        negotiation = new Negotiation(options.subchannels(), options.maxTransferBytes());
    }

    @Override
    public Offer offer() {
        return Offer.of(Offer.SCSI_INTERFACE, INSTANCE);
    }

    /** What log lines call the guest. */
    public String name() {
        return name;
    }

    /** The vstor version agreed on, a {@code VstorVersion}; 0 before that. */
    public int protocolVersion() {
        return negotiation.version();
    }

    /**
     * As the other, for a guest that is not carried from one host to another.
     *
     * @throws IllegalStateException if there is one at this number
     */
    public void attach(int lun, LogicalUnit unit) {
        attach(lun, unit, 1);
    }

    /**
     * Adds a unit. A guest that is up and running is told to look.
     *
     * @param lun below {@link #LUNS_MAX}
     * @param unit other guests may have it too
     * @param identity says, to a host that comes after this one, whether it has the same disk: not
     *     0; the unit is kept from a guest that had another of an earlier host
     * @return false if it is kept from the guest
     * @throws IllegalStateException if there is one at this number
     */
    public boolean attach(int lun, LogicalUnit unit, long identity) {
        RequestJournal journal = primaryJournal;
        if (journal != null) {
            long had = journal.identity(lun);
            if (had != 0 && had != identity) {
                return false;
            }
            journal.identity(lun, identity);
        }
        units.attach(lun, unit);
        tellGuest(VstorOperation.ENUMERATE_BUS);
        return true;
    }

    /**
     * Takes a unit away: requests after this find none, those that wait are answered so, and those
     * under way finish before this returns. Does not wait for the guest, who is told.
     *
     * @return false if there was none
     */
    public boolean detach(int lun) throws InterruptedException {
        boolean was = units.detach(lun, this::openChannels);
        if (was) {
            RequestJournal journal = primaryJournal;
            if (journal != null) {
                journal.identity(lun, 0);
            }
            tellGuest(VstorOperation.REMOVE_DEVICE);
        }
        return was;
    }

    /** Has the guest look at its units again: one of them has something to tell. */
    public void announce() {
        tellGuest(VstorOperation.ENUMERATE_BUS);
    }

    /** What the guest did so far. */
    public GuestStatistics statistics() {
        LunStatistics io = units.statistics().plus(absentCounters.snapshot());
        List<SrbCounters> counted;
        synchronized (srbs) {
            counted = List.copyOf(srbs.values());
        }
        return counters.snapshot(io, openChannels().size(), SrbCounters.sum(counted));
    }

    /** What the guest did with the unit that is at this number, or was the last there. */
    public LunStatistics statistics(int lun) {
        return units.statistics(lun);
    }

    @Override
    public void opened(HostChannel hostChannel) {
        StorvspChannel channel;
        try {
            channel = new StorvspChannel(this, hostChannel, options);
        } catch (RequestJournal.UnfitException e) {
            reportFailure(
                    "channel %d cannot go on where it was: %s"
                            .formatted(hostChannel.subchannelIndex(), e.getMessage()));
            hostChannel.rescind();
            return;
        }
        RequestJournal journal = channel.journal();
        if (journal != null && journal.isResumed()) {
            log.accept(
                    "%s: channel %d goes on where its host ended, requests under way: %d"
                            .formatted(
                                    name, hostChannel.subchannelIndex(), journal.orphans().length));
        }
        synchronized (channels) {
            channels.add(channel);
            polled = channels.toArray(StorvspChannel[]::new);
        }
        if (channel.isPrimary()) {
            boolean resumed = resume(channel);
            owner.connected(this);
            units.connect(resumed);
        }
        if (options.ringThreads()) {
            channel.start();
        }
    }

    /**
     * Serves every ring once, for a device without ring threads ({@link
     * StorvspOptions#withoutRingThreads}). One thread at a time, also beside {@link #closed}.
     *
     * @return requests read from the rings
     * @throws IllegalStateException if the device has ring threads
     */
    public int poll() {
        if (options.ringThreads()) {
            throw new IllegalStateException(name + " has threads that serve its rings");
        }
        int requests = 0;
        for (StorvspChannel channel : polled) {
            requests += channel.poll();
        }
        return requests;
    }

    /**
     * Serves one ring once, as its thread would; otherwise as {@link #poll()}.
     *
     * @param subchannel 0 for the primary channel
     * @return requests read from the ring; 0 where there is no such channel
     */
    public int poll(int subchannel) {
        if (options.ringThreads()) {
            throw new IllegalStateException(name + " has threads that serve its rings");
        }
        for (StorvspChannel channel : polled) {
            if (channel.hostChannel().subchannelIndex() == subchannel) {
                return channel.poll();
            }
        }
        return 0;
    }

    @Override
    public void closed(HostChannel hostChannel) {
        StorvspChannel channel = find(hostChannel);
        if (channel == null) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                close(channel);
                break;
            } catch (InterruptedException e) {
                // Leaving now would have memory unmapped that the kernel still writes to.
                interrupted = true;
            }
        }
        if (channel.isPrimary()) {
            owner.disconnected(this);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Goes on where another host was killed, if one was. */
    private boolean resume(StorvspChannel channel) {
        RequestJournal journal = channel.journal();
        primaryJournal = journal;
        if (journal == null || !journal.isResumed()) {
            return false;
        }
        if (!negotiation.resume(journal.negotiationState(), journal.version())) {
            reportFailure("what was negotiated with an earlier host makes no sense");
            channel.hostChannel().rescind();
            return false;
        }
        int subchannels = journal.subchannels();
        if (subchannels > 0 && subchannels <= options.subchannels()) {
            channel.hostChannel().offerSubchannels(subchannels);
        }
        return true;
    }

    boolean isReady() {
        return negotiation.isReady();
    }

    GuestUnits units() {
        return units;
    }

    /** Counts of commands for addresses without a unit. */
    LunCounters absentCounters() {
        return absentCounters;
    }

    ProviderCounters counters() {
        return counters;
    }

    /** Those of a channel; one that opens again goes on with what it had. */
    SrbCounters srbCounters(HostChannel hostChannel) {
        synchronized (srbs) {
            return srbs.computeIfAbsent(hostChannel.subchannelIndex(), _ -> new SrbCounters());
        }
    }

    /** Handles an operation that is no SRB and no reset, on the ring thread of {@code channel}. */
    void negotiate(StorvspChannel channel, int operation, SrbRequest request) {
        int status =
                channel.isPrimary()
                        ? negotiation.handle(
                                operation,
                                request.packet(),
                                SrbRequest.VSTOR_AT,
                                count -> offerSubchannels(channel, count))
                        : VstorPacket.STATUS_INVALID_DEVICE_STATE;
        RequestJournal journal = channel.journal();
        if (journal != null && channel.isPrimary()) {
            journal.negotiated(negotiation.progress(), negotiation.version());
        }
        if (status == VstorPacket.STATUS_SUCCESS) {
            request.succeed();
        } else {
            counters.countInvalidPacket();
            request.failOperation(status);
        }
    }

    private static boolean offerSubchannels(StorvspChannel channel, int count) {
        RequestJournal journal = channel.journal();
        if (journal != null) {
            journal.subchannels(count);
        }
        return channel.hostChannel().offerSubchannels(count) > 0;
    }

    /** Starts a reset that came on {@code channel}; it is answered when it is done. */
    void reset(StorvspChannel channel, int operation, SrbRequest request) {
        counters.countReset();
        List<StorvspChannel> others = openChannels();
        others.remove(channel);
        new Reset(request, units, operation).begin(others);
    }

    /** Takes what queues hold for a channel that is closing. */
    void discardQueued(StorvspChannel channel) {
        for (LunQueue queue : units.queues()) {
            queue.discard(channel);
        }
    }

    /** The first time a guest has more under way than the limit, that is worth a line. */
    void noteQueueFull(StorvspChannel channel) {
        if (counters.countQueueFull() == 0) {
            log.accept(
                    "%s: limit queueDepth=%d reached on channel %d; more requests wait in its ring"
                            .formatted(
                                    name,
                                    options.queueDepth(),
                                    channel.hostChannel().subchannelIndex()));
        }
    }

    void reportBrokenRing(StorvspChannel channel, String fault) {
        counters.countBrokenRing();
        log.accept(
                "%s: ring of channel %d given up: %s"
                        .formatted(name, channel.hostChannel().subchannelIndex(), fault));
    }

    void reportFailure(@Nullable String what) {
        log.accept(name + ": " + what);
    }

    /**
     * A bug of ours: the first with its trace, so that a guest that can repeat it floods no log.
     */
    void reportBug(Throwable bug) {
        if (bugReported.compareAndSet(false, true)) {
            StringWriter trace = new StringWriter();
            bug.printStackTrace(new PrintWriter(trace, true));
            log.accept(name + ": bug: " + trace.toString().strip());
        }
    }

    private void close(StorvspChannel channel) throws InterruptedException {
        channel.close();
        synchronized (channels) {
            channels.remove(channel);
            polled = channels.toArray(StorvspChannel[]::new);
        }
        if (channel.isPrimary()) {
            primaryJournal = null;
            negotiation.restart();
            units.disconnect(this::openChannels);
        }
        if (openChannels().isEmpty()) {
            units.awaitWorkers();
        }
    }

    private void tellGuest(int operation) {
        if (!negotiation.isReady()) {
            return;
        }
        for (StorvspChannel channel : openChannels()) {
            if (channel.isPrimary()) {
                channel.post(operation);
            }
        }
    }

    /** A copy, for the caller to change. */
    private List<StorvspChannel> openChannels() {
        synchronized (channels) {
            return new ArrayList<>(channels);
        }
    }

    private @Nullable StorvspChannel find(HostChannel hostChannel) {
        for (StorvspChannel channel : openChannels()) {
            if (channel.hostChannel() == hostChannel) {
                return channel;
            }
        }
        return null;
    }
}
