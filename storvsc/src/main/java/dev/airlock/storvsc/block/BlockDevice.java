package dev.airlock.storvsc.block;

import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.AdapterClient;
import dev.airlock.storvsc.AdapterListener;
import dev.airlock.storvsc.LunAddress;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.StorvscChannel;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A disk as a block device: byte ranges of whole sectors, guest memory as scatterlists of
 * guest-physical ranges.
 *
 * <p>Requests are split to what one command can carry, and ended when their last command has. What
 * the adapter cannot take now (no tag, no bounce slot, a full ring) waits here in order and is
 * tried again; it is never an error. Unit attentions and aborted commands are repeated, a busy host
 * is asked again.
 *
 * <p>Thread-safe. {@link #submit} does not block and allocates nothing once warm; {@link #execute}
 * and the methods named after operations block, and let a virtual thread's carrier go meanwhile.
 */
public final class BlockDevice implements AutoCloseable {
    private final StorvscAdapter adapter;
    private final LunAddress address;
    private final Dispatcher dispatcher;
    private final Follower follower = new Follower();

    private volatile LunFacts facts;
    private volatile boolean gone;

    private BlockDevice(
            StorvscAdapter adapter,
            LunFacts facts,
            @Nullable StorvscChannel channel,
            int queueDepth)
            throws IOException {
        this.adapter = adapter;
        this.address = facts.address();
        this.facts = facts;
        this.dispatcher = new Dispatcher(this, adapter, channel, queueDepth);
    }

    /**
     * A device for a disk that a scan has found.
     *
     * @param queueDepth most commands of this device at once, 1 to 65536
     * @throws IOException when there is no host-visible memory left for it
     */
    public static BlockDevice open(StorvscAdapter adapter, LunFacts facts, int queueDepth)
            throws IOException {
        return new BlockDevice(adapter, facts, null, queueDepth).follow();
    }

    /**
     * As {@link #open(StorvscAdapter, LunFacts, int)}, for a thread that has a channel to itself:
     * every command goes there, so whoever polls that channel ends them.
     *
     * @param channel one of the adapter's
     */
    public static BlockDevice open(
            StorvscAdapter adapter, LunFacts facts, StorvscChannel channel, int queueDepth)
            throws IOException {
        return new BlockDevice(adapter, facts, channel, queueDepth).follow();
    }

    private BlockDevice follow() {
        adapter.addListener(follower);
        adapter.addClient(follower);
        return this;
    }

    /** What the host says of the disk; changes when the disk does, for instance its size. */
    public LunFacts facts() {
        return facts;
    }

    public long sizeBytes() {
        return facts.sizeBytes();
    }

    /** Offsets and lengths are multiples of this. */
    public int sectorBytes() {
        return facts.sectorBytes();
    }

    public boolean isReadOnly() {
        return facts.readOnly();
    }

    /** Largest request that is one command. */
    public int maxTransferBytes() {
        return dispatcher.maxTransferBytes();
    }

    /** Whether the disk was removed, or the adapter has closed. */
    public boolean isGone() {
        return gone;
    }

    /**
     * Starts a request. Its completion is called exactly once, perhaps before this returns.
     *
     * @throws IllegalStateException when the request is with a device already
     */
    public void submit(BlockRequest request) {
        take(request, true);
    }

    /**
     * As {@link #submit}, but the host need not see the request before the next {@link #submit} or
     * {@link #publish}: for several requests with one signal.
     */
    public void enqueue(BlockRequest request) {
        take(request, false);
    }

    /** Shows the host what was {@link #enqueue enqueued}. */
    public void publish() {
        dispatcher.publish();
    }

    private void take(BlockRequest request, boolean publish) {
        request.beginSubmit();
        BlockStatus refused = check(request);
        if (refused != BlockStatus.OK) {
            request.fail(refused);
            request.finish();
            return;
        }
        dispatcher.accept(request, publish);
    }

    /**
     * Runs a request and waits for its end. The request's completion is not called. An interrupt
     * does not end the wait, since the host has the caller's memory; it is pending when this
     * returns.
     *
     * @throws BlockException when it did not end well
     */
    public void execute(BlockRequest request) throws BlockException {
        boolean interrupted = false;
        request.waiter(Thread.currentThread());
        try {
            submit(request);
            while (request.status() == BlockStatus.PENDING) {
                if (adapter.isSingleThreaded()) {
                    adapter.pumpOnce();
                } else {
                    LockSupport.park(this);
                    // Parking does not wait with an interrupt pending: keep it for the end.
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            request.waiter(null);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (request.status() != BlockStatus.OK) {
            throw new BlockException(request);
        }
    }

    /** Reads and waits; see {@link BlockRequest#read}. */
    public void read(long offset, Scatterlist into) throws BlockException {
        execute(new BlockRequest().read(offset, into));
    }

    /** Writes and waits; see {@link BlockRequest#write}. */
    public void write(long offset, Scatterlist from, boolean fua) throws BlockException {
        execute(new BlockRequest().write(offset, from, fua));
    }

    /** Reads into one contiguous range of guest memory, and waits. */
    public void read(long offset, long gpa, int bytes) throws BlockException {
        execute(new BlockRequest().read(offset, gpa, bytes));
    }

    /** Writes one contiguous range of guest memory, and waits. */
    public void write(long offset, long gpa, int bytes, boolean fua) throws BlockException {
        execute(new BlockRequest().write(offset, gpa, bytes, fua));
    }

    /** Flushes and waits. */
    public void flush() throws BlockException {
        execute(new BlockRequest().flush());
    }

    /** Trims and waits; see {@link BlockRequest#trim}. */
    public void trim(long offset, long bytes) throws BlockException {
        execute(new BlockRequest().trim(offset, bytes));
    }

    /** Writes zeroes, giving the space back where the device does, and waits. */
    public void writeZeroes(long offset, long bytes) throws BlockException {
        writeZeroes(offset, bytes, true);
    }

    /** Writes zeroes and waits; see {@link BlockRequest#writeZeroes}. */
    public void writeZeroes(long offset, long bytes, boolean mayUnmap) throws BlockException {
        execute(new BlockRequest().writeZeroes(offset, bytes, mayUnmap));
    }

    /**
     * Forgets the device. Its requests must have ended.
     *
     * @throws IllegalStateException when they have not
     */
    @Override
    public void close() {
        if (!dispatcher.isIdle()) {
            throw new IllegalStateException("requests are under way: disk=" + address);
        }
        gone = true;
        adapter.removeListener(follower);
        adapter.removeClient(follower);
        dispatcher.close();
    }

    private BlockStatus check(BlockRequest request) {
        LunFacts now = facts;
        if (gone) {
            return BlockStatus.GONE;
        }
        if (request.operation().isWrite() && now.readOnly()) {
            return BlockStatus.READ_ONLY;
        }
        if (request.operation() == BlockOperation.TRIM && now.unmap() == LunFacts.UnmapWay.NONE) {
            return BlockStatus.UNSUPPORTED;
        }
        long offset = request.offset();
        long length = request.length();
        boolean inside = offset >= 0 && length >= 0 && length <= now.sizeBytes() - offset;
        return inside && (offset | length) % now.sectorBytes() == 0
                ? BlockStatus.OK
                : BlockStatus.OUT_OF_RANGE;
    }

    /** Follows what becomes of the disk and of the adapter. */
    private final class Follower implements AdapterListener, AdapterClient {
        @Override
        public void lunRemoved(LunAddress removed) {
            if (removed.equals(address)) {
                gone = true;
            }
        }

        @Override
        public void lunChanged(LunFacts changed) {
            if (changed.address().equals(address)) {
                facts = changed;
            }
        }

        @Override
        public void retry() {
            dispatcher.retry();
        }

        @Override
        public boolean isWaiting() {
            return dispatcher.isWaiting();
        }

        @Override
        public void adapterClosed() {
            gone = true;
            dispatcher.retry();
        }
    }
}
