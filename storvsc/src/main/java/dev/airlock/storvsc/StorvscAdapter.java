package dev.airlock.storvsc;

import dev.airlock.dma.DmaMapper;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorPacket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A synthetic SCSI controller, the guest's end: agrees with the host on a protocol, opens channels,
 * finds disks, queues commands, and recovers from a host that does not answer.
 *
 * <p>Thread-safe. With threads (the default) completions come on the adapter's own; without ({@link
 * StorvscOptions#singleThreaded}) the caller calls {@link #poll} and {@link #tick}, all on one
 * thread.
 *
 * <p>When the host closes, breaks a ring, answers no reset or has gone, the adapter closes by
 * itself: every command ends, every bounce slot is given back once the host is done with it, and
 * later submissions say {@link SubmitResult#CLOSED}.
 */
public final class StorvscAdapter implements AutoCloseable {
    private static final long PAUSE_NANOS = 200_000;
    private static final int POLL_BATCH = 64;

    private final DmaMapper mapper;
    private final MemorySegment guestMemory;
    private final StorvscOptions options;
    private final @Nullable Runnable pump;
    private final CoarseClock clock;
    private final ChannelSet channels = new ChannelSet();
    private final RingMemory rings;
    private final Recovery recovery;
    private final LunTable luns = new LunTable();
    private final ScsiCommander commander;
    private final LunScanner scanner;
    private final List<AdapterClient> clients = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable String> failure = new AtomicReference<>();
    private final ChannelEvents events = new Events();
    private final AdapterThreads threads;

    private @Nullable PrimaryExchange exchange;
    private HostProperties properties = new HostProperties(0, HvPage.SIZE, 0);
    private boolean ending;
    private volatile boolean rescanWanted;
    private volatile boolean hostMayUseMemory;
    private volatile boolean closing;
    private volatile boolean ended;

    private StorvscAdapter(DmaMapper mapper, MemorySegment guestMemory, StorvscOptions options)
            throws IOException {
        this.mapper = mapper;
        this.guestMemory = guestMemory;
        this.options = options.conclude();
        this.pump = options.pump();
        this.clock = new CoarseClock(options.nanoTime());
        this.rings = new RingMemory(mapper, 2L * options.ringBytes());
        this.recovery = new Recovery(channels, options.resetTimeoutNanos());
        this.commander = new ScsiCommander(this, mapper, guestMemory);
        this.scanner = new LunScanner(commander, options.paths(), options.targets());
        this.threads = new AdapterThreads(this, options.name(), options.tickNanos());
    }

    /**
     * Opens the device's channels and goes through the initialisation. No disk is looked for before
     * {@link #rescan}.
     *
     * @param device where channels come from
     * @param mapper the DMA API; it must keep in-page offsets (minAlignMask 4095). Outlives the
     *     adapter
     * @param guestMemory all guest memory, offset = guest-physical address
     * @throws IOException when the host refuses, or does not answer; nothing is left behind
     * @throws IllegalArgumentException when an option is out of its range
     */
    public static StorvscAdapter open(
            DeviceChannels device,
            DmaMapper mapper,
            MemorySegment guestMemory,
            StorvscOptions options)
            throws IOException {
        StorvscAdapter adapter = new StorvscAdapter(mapper, guestMemory, options);
        try {
            adapter.connect(device);
            return adapter;
        } catch (IOException | RuntimeException failed) {
            adapter.end("could not be opened");
            if (adapter.hostMayUseMemory) {
                adapter.rings.abandonAll();
                adapter.commander.abandon();
            }
            throw failed;
        }
    }

    /** Queues a command on the channel of this CPU. See {@link StorvscChannel#submit}. */
    public SubmitResult submit(ScsiRequest request) {
        return closing ? SubmitResult.CLOSED : channels.submit(request, true);
    }

    /** Queues a command that the host need not see before {@link #publish}. */
    public SubmitResult enqueue(ScsiRequest request) {
        return closing ? SubmitResult.CLOSED : channels.submit(request, false);
    }

    /** Shows the host what was enqueued. */
    public void publish() {
        channels.publish();
    }

    /** Takes the host's packets of all channels; returns how many. */
    public int poll() {
        int taken = 0;
        for (StorvscChannel channel : channels.all()) {
            taken += channel.poll(POLL_BATCH);
        }
        return taken;
    }

    /**
     * Looks for time-outs and failures and acts on them; lets clients try again what was busy. With
     * threads the adapter does it itself. Not from a completion.
     */
    public void tick() {
        String unanswered = recovery.tick(clock.tick());
        if (unanswered != null) {
            fail(unanswered);
        }
        String why = failure.get();
        if (why != null) {
            end(why);
        }
        for (AdapterClient client : clients) {
            client.retry();
        }
    }

    /**
     * Looks which disks are there and tells the listeners of changes. Waits for the host.
     *
     * @throws IOException when the adapter closed meanwhile
     */
    public void rescan() throws IOException {
        rescanWanted = false;
        luns.rescan(scanner);
    }

    /** Has the event thread rescan soon; does nothing else. */
    public void requestRescan() {
        rescanWanted = true;
        threads.wakeEvents();
    }

    /** The disks found by the last scan, in the order of their addresses. */
    public List<LunFacts> luns() {
        return luns.all();
    }

    /** The disk at an address, null when the last scan found none. */
    public @Nullable LunFacts lun(LunAddress address) {
        return luns.find(address);
    }

    public void addListener(AdapterListener listener) {
        luns.addListener(listener);
    }

    public void removeListener(AdapterListener listener) {
        luns.removeListener(listener);
    }

    /** Has the adapter call a client back that has to wait. */
    public void addClient(AdapterClient client) {
        clients.add(client);
    }

    public void removeClient(AdapterClient client) {
        clients.remove(client);
    }

    /** A client has begun to wait: have it called back in a few milliseconds. */
    public void wakeSoon() {
        threads.retrySoon();
    }

    /** Whether the caller polls and ticks, and waits by {@link #pumpOnce}. */
    public boolean isSingleThreaded() {
        return pump != null;
    }

    /** One round of waiting on the only thread: polls, and when nothing came runs the pump. */
    public void pumpOnce() {
        Runnable running = pump;
        if (poll() == 0 && running != null) {
            running.run();
            tick();
        }
    }

    /** The DMA API that the adapter maps through. */
    public DmaMapper mapper() {
        return mapper;
    }

    /** All guest memory, offset = guest-physical address. */
    public MemorySegment guestMemory() {
        return guestMemory;
    }

    /** The time at the last tick, of the clock of {@link StorvscOptions#clock}. */
    public long nowNanos() {
        return clock.nowNanos();
    }

    /** Largest data of one command: by host, ring and mapping. Whole pages. */
    public int maxTransferBytes() {
        return properties.maxTransferBytes();
    }

    /** The vstor protocol agreed on, a {@link dev.airlock.scsi.VstorVersion}. */
    public int protocolVersion() {
        return properties.version();
    }

    /** The channels, the primary one first; for those who want a certain one. */
    public List<StorvscChannel> channels() {
        return List.of(channels.all());
    }

    /** What happened so far. Allocates. */
    public StorvscStatistics statistics() {
        return StorvscStatistics.of(channels, recovery);
    }

    /**
     * Whether the host may be using, for ever, memory that commands gave it: it did not confirm the
     * close. Coherent memory of a client must not be given back then.
     */
    public boolean mayHostUseMemory() {
        return hostMayUseMemory;
    }

    /** Why the adapter failed or closed; null while it works. */
    public @Nullable String failure() {
        return failure.get();
    }

    /** Whether the adapter has closed and every command has ended for its caller. */
    public boolean hasEnded() {
        return ended;
    }

    /**
     * Refuses new commands, lets those with the host finish for a short while, then closes the
     * channels. Ends when no thread of the adapter runs any more. What a host that did not confirm
     * the close may still use is kept until a later call finds the connection ended. Idempotent;
     * not from a completion.
     */
    @Override
    public void close() {
        closing = true;
        long start = System.nanoTime();
        while (!ended
                && channels.inFlight() > 0
                && System.nanoTime() - start < options.drainTimeoutNanos()) {
            pause(PAUSE_NANOS);
        }
        fail("closed");
        end("closed");
        threads.join();
        if (channels.isHostLost()) {
            channels.releaseAll();
            freeMemory();
        }
    }

    /** Waits a while, without polling where there are threads for it. */
    void pause(long nanos) {
        if (isSingleThreaded()) {
            pumpOnce();
        } else {
            LockSupport.parkNanos(nanos);
        }
    }

    boolean isAnyoneWaiting() {
        for (AdapterClient client : clients) {
            if (client.isWaiting()) {
                return true;
            }
        }
        return false;
    }

    void guardDoorbells() {
        for (StorvscChannel channel : channels.all()) {
            channel.guardDoorbell();
        }
    }

    /**
     * Rescans if the host asked for it. With threads the adapter does it itself.
     *
     * @return false when the host did not ask, or the adapter closed
     */
    public boolean rescanIfWanted() {
        if (!rescanWanted) {
            return false;
        }
        try {
            rescan();
        } catch (IOException closed) {
            return false;
        }
        return true;
    }

    private void connect(DeviceChannels device) throws IOException {
        Connector connector =
                new Connector(device, mapper, options, channels, rings, events, clock);
        PrimaryExchange conversation =
                new PrimaryExchange(this, connector.openPrimary(), options.handshakeTimeoutMs());
        exchange = conversation;
        properties = connector.connect(conversation);
        if (!isSingleThreaded()) {
            for (StorvscChannel channel : channels.all()) {
                threads.addCompletionThread(
                        channel.index(),
                        new CompletionThread(channel, events, options.spinMaxNanos()));
            }
            threads.start();
        }
    }

    private void fail(String reason) {
        if (failure.compareAndSet(null, reason)) {
            threads.wakeRecovery();
        }
    }

    /** Closes everything, once. */
    private void end(String reason) {
        synchronized (rings) {
            if (ending) {
                return;
            }
            ending = true;
            closing = true;
            hostMayUseMemory = true;
            if (channels.close() || channels.isHostLost()) {
                freeMemory();
            }
            for (AdapterClient client : clients) {
                client.adapterClosed();
            }
            luns.closed(reason);
            ended = true;
        }
        threads.wakeEvents();
    }

    private void freeMemory() {
        synchronized (rings) {
            if (hostMayUseMemory) {
                hostMayUseMemory = false;
                rings.free();
                commander.close();
            }
        }
    }

    private final class Events implements ChannelEvents {
        @Override
        public void operationAnswered(long transactionId, MemorySegment packet, long at) {
            PrimaryExchange conversation = exchange;
            if (transactionId != TransactionId.INIT) {
                recovery.resetAnswered(transactionId, VstorPacket.status(packet, at));
                threads.wakeRecovery();
            } else if (conversation != null) {
                conversation.answered(packet, at);
            }
        }

        @Override
        public void unsolicited(int operation) {
            requestRescan();
        }

        @Override
        public void channelFailed(StorvscChannel channel, String reason) {
            fail("channel=%d: %s".formatted(channel.index(), reason));
        }
    }
}
