package dev.airlock.lab.hostile;

import dev.airlock.linux.EventFd;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * An open channel of a hostile guest: fills the ring with batches of requests, and writes its
 * control words as it likes. For one thread. Owns the doorbells.
 */
final class GuestChannelStorm implements AutoCloseable {
    private static final int BATCH_MAX = 400;

    /** Per batch; some 200 packets are one. */
    private static final int ODD_INDEX_ONE_IN = 150;

    private static final int ODD_WORD_ONE_IN = 20;

    /** A host that has taken nothing for so long has given the channel up. */
    private static final long STALL_NANOS = 100_000_000;

    /** The same when something sent before may have ended the channel. */
    private static final long SUSPECT_NANOS = 20_000_000;

    private static final long RING_AGAIN_NANOS = 1_000_000;
    private static final long PAUSE_NANOS = 20_000;
    private static final int ANSWER_BYTES = PacketDescriptor.BYTES + VstorPacket.BYTES;

    /** Every answer of the host is as long as any other. */
    private static final int SLOT_BYTES = ANSWER_BYTES + RingLayout.TRAILER_BYTES;

    private static final int[] VERSIONS = {VstorVersion.V6_2, VstorVersion.V6_0, VstorVersion.V5_1};

    private static final int[] INITIALISATION = {
        VstorOperation.BEGIN_INITIALIZATION,
        VstorOperation.QUERY_PROTOCOL_VERSION,
        VstorOperation.QUERY_PROPERTIES,
        VstorOperation.END_INITIALIZATION,
        VstorOperation.CREATE_SUB_CHANNELS,
    };

    /** Words of a ring's control page that its other end may look at. */
    private static final int[] WORDS = {
        RingLayout.INTERRUPT_MASK_OFFSET,
        RingLayout.PENDING_SEND_SIZE_OFFSET,
        RingLayout.FEATURE_BITS_OFFSET,
        RingLayout.READ_INDEX_OFFSET,
        RingLayout.WRITE_INDEX_OFFSET,
    };

    /** Where the batch sent last stands. */
    enum Batch {
        /** The host has not taken all of it yet. */
        UNDER_WAY,
        /** Taken, or none was sent: the next can be. */
        TAKEN,
        /** The host serves the channel no more. */
        LOST
    }

    private final int relid;
    private final int gpadl;
    private final RawRing out;
    private final RawRing in;
    private final EventFd bell;
    private final EventFd ear;
    private final EventCounts<HostileEvent> counts;
    private final MemorySegment answer = Arena.ofAuto().allocate(ANSWER_BYTES, Long.BYTES);
    private final int[] ends = new int[BATCH_MAX];
    private final boolean[] spoiled = new boolean[BATCH_MAX];
    private int batched;
    private int batchStart;
    private int taken;
    private int lastRead;
    private long patienceNanos;
    private long takenAt;
    private long rungAt;
    private int writeIndex;
    private int readIndex;
    private boolean broken;
    private boolean suspect;

    GuestChannelStorm(
            int relid,
            int gpadl,
            RawRing out,
            RawRing in,
            EventFd bell,
            EventFd ear,
            EventCounts<HostileEvent> counts) {
        this.relid = relid;
        this.gpadl = gpadl;
        this.out = out;
        this.in = in;
        this.bell = bell;
        this.ear = ear;
        this.counts = counts;
    }

    int relid() {
        return relid;
    }

    int gpadl() {
        return gpadl;
    }

    /** Sends the forge's packet and waits until the host has taken it; false when it has not. */
    private boolean send(RequestForge forge, int bytes) {
        beginBatch();
        append(forge, bytes);
        out.word(RingLayout.WRITE_INDEX_OFFSET, writeIndex);
        ring(STALL_NANOS);
        return await() == Batch.TAKEN;
    }

    /** The initialisation, valid but for the few times it is not. */
    void initialise(RequestForge forge, int subchannelsMax, Dice dice) {
        int version = VERSIONS[dice.below(VERSIONS.length)];
        for (int operation : INITIALISATION) {
            if (dice.oneIn(50)) {
                storm(forge, dice);
                if (await() == Batch.LOST) {
                    return;
                }
            }
            boolean isVersion = operation == VstorOperation.QUERY_PROTOCOL_VERSION;
            int argument = isVersion ? version : dice.between(1, subchannelsMax);
            if (!send(forge, forge.operation(operation, argument))) {
                return;
            }
        }
    }

    /**
     * Sends a batch, perhaps with odd control words; {@link #batch} tells what becomes of it. Only
     * when none is under way.
     */
    void storm(RequestForge forge, Dice dice) {
        beginBatch();
        fill(forge, dice, dice.between(1, BATCH_MAX));
        spoilWords(dice);
        if (dice.oneIn(ODD_INDEX_ONE_IN)) {
            int odd =
                    dice.oneIn(2)
                            ? dice.below(out.dataBytes()) & -Long.BYTES
                            : (int) dice.odd(writeIndex, 4);
            out.word(RingLayout.WRITE_INDEX_OFFSET, odd);
            counts.count(HostileEvent.RING_WORD);
            broken = true;
        } else {
            out.word(RingLayout.WRITE_INDEX_OFFSET, writeIndex);
        }
        ring(broken || suspect ? SUSPECT_NANOS : STALL_NANOS);
        suspect = false;
    }

    /** Where the last batch stands, without waiting; counts what was taken since the last call. */
    Batch batch() {
        takeAnswers();
        if (taken < batched) {
            int read = out.word(RingLayout.READ_INDEX_OFFSET);
            long now = System.nanoTime();
            if (read != lastRead) {
                lastRead = read;
                takenAt = now;
                countTaken(packetsBefore(read));
            } else if (now - takenAt > (suspect ? SUSPECT_NANOS : patienceNanos)) {
                return Batch.LOST;
            } else if (now - rungAt > RING_AGAIN_NANOS) {
                rungAt = now;
                bell.signal();
            }
        }
        if (taken < batched) {
            return Batch.UNDER_WAY;
        }
        return broken ? Batch.LOST : Batch.TAKEN;
    }

    /** The host may have closed the channel: do not wait long for the next batch to be taken. */
    void suspect() {
        suspect = true;
    }

    /** Writes a batch that nobody waits for. */
    void leaveBatch(RequestForge forge, Dice dice) {
        beginBatch();
        fill(forge, dice, BATCH_MAX);
        out.word(RingLayout.WRITE_INDEX_OFFSET, writeIndex);
        bell.signal();
    }

    @Override
    public void close() {
        bell.close();
        ear.close();
    }

    private void fill(RequestForge forge, Dice dice, int packets) {
        while (batched < packets && !broken) {
            int bytes = forge.next(dice);
            if (!append(forge, bytes)) {
                return;
            }
            broken = forge.breaksRing();
        }
    }

    private boolean append(RequestForge forge, int bytes) {
        int read = out.word(RingLayout.READ_INDEX_OFFSET);
        int used = out.isIndex(read) ? out.distance(read, writeIndex) : 0;
        if (used + bytes + 2 * RingLayout.TRAILER_BYTES > out.dataBytes()) {
            return false;
        }
        out.copyIn(writeIndex, forge.packet(), 0, bytes);
        out.data(out.advance(writeIndex, bytes), (long) writeIndex << Integer.SIZE);
        writeIndex = out.advance(writeIndex, bytes + RingLayout.TRAILER_BYTES);
        ends[batched] = writeIndex;
        spoiled[batched] = forge.isSpoiled();
        batched++;
        return true;
    }

    private void spoilWords(Dice dice) {
        if (!dice.oneIn(ODD_WORD_ONE_IN)) {
            return;
        }
        // Mostly words that do not end the channel.
        int choice = dice.oneIn(8) ? dice.below(WORDS.length) : dice.below(3);
        RawRing ring = dice.oneIn(2) ? out : in;
        int word = WORDS[choice];
        ring.word(word, (int) dice.odd(ring.word(word), Integer.BYTES));
        suspect = true;
        counts.count(HostileEvent.RING_WORD);
    }

    private void beginBatch() {
        batched = 0;
        taken = 0;
        batchStart = writeIndex;
        lastRead = -1;
    }

    private void ring(long patience) {
        patienceNanos = patience;
        takenAt = System.nanoTime();
        rungAt = takenAt;
        bell.signal();
    }

    private Batch await() {
        Batch state = batch();
        while (state == Batch.UNDER_WAY) {
            LockSupport.parkNanos(PAUSE_NANOS);
            state = batch();
        }
        return state;
    }

    private void countTaken(int now) {
        for (; taken < now; taken++) {
            counts.count(spoiled[taken] ? HostileEvent.PACKET : HostileEvent.VALID_PACKET);
        }
    }

    private int packetsBefore(int read) {
        if (!out.isIndex(read)) {
            return taken;
        }
        int progress = out.distance(batchStart, read);
        int before = taken;
        while (before < batched && out.distance(batchStart, ends[before]) <= progress) {
            before++;
        }
        return before;
    }

    /** Takes the host's packets, looks whether they say success, and gives their room back. */
    private void takeAnswers() {
        int write = in.word(RingLayout.WRITE_INDEX_OFFSET);
        if (!in.isIndex(write) || write == readIndex) {
            return;
        }
        int packets = in.distance(readIndex, write) / SLOT_BYTES;
        for (int i = 0; i < packets; i++) {
            in.copyOut(readIndex, answer, 0, ANSWER_BYTES);
            int status = VstorPacket.status(answer, PacketDescriptor.BYTES);
            boolean success = status == VstorPacket.STATUS_SUCCESS;
            counts.count(success ? HostileEvent.SUCCESS : HostileEvent.FAILURE);
            readIndex = in.advance(readIndex, SLOT_BYTES);
        }
        // What is no whole answer is our own scribbling, or rings that lie over each other.
        readIndex = write;
        in.word(RingLayout.READ_INDEX_OFFSET, readIndex);
    }
}
