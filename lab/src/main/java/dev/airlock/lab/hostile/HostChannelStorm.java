package dev.airlock.lab.hostile;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.HostMemory;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/**
 * An open channel, a hostile host's end: takes the guest's requests, and sends answers and other
 * packets in batches. For one thread. Owns the rings' mapping and the doorbells.
 */
final class HostChannelStorm implements AutoCloseable {
    private static final int BATCH_MAX = 96;

    /** With fewer under way the next batch is due, so that a guest is never out of work. */
    private static final int UNDER_WAY_MAX = 16;

    /** More than the largest ring of a guest can hold at once. */
    private static final int UNTAKEN_MAX = 4096;

    private static final int REQUEST_BYTES_MAX = 8 << 10;
    private static final int ODD_INDEX_ONE_IN = 2_000;
    private static final int ODD_WORD_ONE_IN = 60;

    /** A guest that leaves an open and unbroken ring alone for so long hangs. */
    private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(20);

    private static final long RING_AGAIN_NANOS = 1_000_000;

    private static final int[] WORDS = {
        RingLayout.INTERRUPT_MASK_OFFSET,
        RingLayout.PENDING_SEND_SIZE_OFFSET,
        RingLayout.FEATURE_BITS_OFFSET,
        RingLayout.READ_INDEX_OFFSET,
        RingLayout.WRITE_INDEX_OFFSET,
    };

    private final int relid;
    private final Mapping mapping;
    private final RingReader requests;
    private final RawRing requestWords;
    private final RawRing answers;
    private final EventFd ear;
    private final EventFd bell;
    private final EventCounts<HostileEvent> counts;
    private final AnswerForge forge = new AnswerForge();
    private final MemorySegment request = Arena.ofAuto().allocate(REQUEST_BYTES_MAX, Long.BYTES);
    private final Untaken untaken;
    private int writeIndex;
    private int batched;
    private long progressAt;
    private long rungAt;
    private boolean broken;
    private boolean ioSeen;
    private boolean resetAsked;
    private int subchannelsWanted;

    /**
     * @param mapping guest-to-host ring, then the other
     */
    HostChannelStorm(
            int relid,
            Mapping mapping,
            long downstreamAt,
            EventFd ear,
            EventFd bell,
            EventCounts<HostileEvent> counts) {
        this.relid = relid;
        this.mapping = mapping;
        this.ear = ear;
        this.bell = bell;
        this.counts = counts;
        untaken = new Untaken(UNTAKEN_MAX, counts);
        MemorySegment rings = mapping.segment();
        requests = new RingReader(rings.asSlice(0, downstreamAt));
        requestWords = RawRing.of(rings.asSlice(0, downstreamAt));
        answers = RawRing.of(rings.asSlice(downstreamAt));
    }

    int relid() {
        return relid;
    }

    /** Whether reads and writes have come: the disk was found. */
    boolean isIoSeen() {
        return ioSeen;
    }

    /** Subchannels the guest has asked for since the last call; 0 mostly. */
    int takeSubchannelsWanted() {
        int wanted = subchannelsWanted;
        subchannelsWanted = 0;
        return wanted;
    }

    /**
     * Sends the next batch when the guest has taken most of what it was sent.
     *
     * @param storms whether it may do harm, beyond what the mood allows from the beginning
     * @return whether anything was sent
     * @throws IllegalStateException when the guest hangs
     */
    boolean send(HostMood mood, boolean storms, Dice dice) {
        if (!hasRoomForBatch() || broken) {
            return false;
        }
        if (storms) {
            storm(dice);
        } else {
            answerAll(mood, dice);
        }
        return batched > 0;
    }

    /** Whether the guest has asked for a reset since the last call. */
    boolean takeResetAsked() {
        boolean asked = resetAsked;
        resetAsked = false;
        return asked;
    }

    /** Has answers that are late sent soon. */
    void sendLateAnswers() {
        forge.lateDue();
    }

    /** Sends what the guest must take for the end of the ring. */
    void breakRing(Dice dice) {
        beginBatch();
        if (!broken && append(forge.broken(dice))) {
            publish();
            broken = true;
            counts.count(HostileEvent.PACKET);
        }
    }

    @Override
    public void close() {
        ear.close();
        bell.close();
        mapping.close();
    }

    /** Takes the guest's requests and carries them out; returns whether there were any. */
    boolean takeRequests(HostTarget target, HostMemory memory) {
        boolean any = false;
        while (forge.hasRoom()) {
            int bytes = requests.read(request, 0, REQUEST_BYTES_MAX);
            if (bytes <= 0) {
                break;
            }
            any = true;
            boolean transfer = noteOperation();
            long at = forge.add(transfer);
            target.answer(request, bytes, memory, forge.answers(), at);
        }
        if (any && requests.consumed()) {
            bell.signal();
        }
        return any;
    }

    /** Returns whether the request is a read or a write. */
    private boolean noteOperation() {
        int vstor = PacketDescriptor.dataOffset(request, 0);
        int operation = VstorPacket.operation(request, vstor);
        if (operation == VstorOperation.CREATE_SUB_CHANNELS) {
            subchannelsWanted = VstorPacket.subchannelCount(request, vstor);
        } else if (operation == VstorOperation.RESET_LUN || operation == VstorOperation.RESET_BUS) {
            resetAsked = true;
        } else if (operation == VstorOperation.EXECUTE_SRB) {
            int opcode = request.get(Spoiler.U16, vstor + VstorSrb.CDB_OFFSET) & 0xFF;
            // READ and WRITE of 10 and 16 bytes.
            boolean transfer = (opcode & 0x5D) == 0x08 && opcode >= 0x28;
            ioSeen |= transfer;
            return transfer;
        }
        return false;
    }

    /** Answers in order, rightly unless the mood is bad. */
    private void answerAll(HostMood mood, Dice dice) {
        beginBatch();
        while (forge.isAnyWaiting() && batched < BATCH_MAX) {
            boolean wrong = mood.setup() && dice.oneIn(16);
            if (!append(wrong ? forge.spoiledAnswer(dice) : forge.right())) {
                break;
            }
        }
        publish();
    }

    private void storm(Dice dice) {
        beginBatch();
        for (int packets = dice.between(1, BATCH_MAX); packets > 0 && !broken; packets--) {
            if (!append(forge.next(dice))) {
                break;
            }
            broken = forge.breaksRing();
        }
        if (dice.oneIn(ODD_WORD_ONE_IN)) {
            oddWord(dice);
        }
        if (dice.oneIn(ODD_INDEX_ONE_IN)) {
            boolean within = dice.oneIn(2);
            int odd =
                    within
                            ? dice.below(answers.dataBytes()) & -Long.BYTES
                            : (int) dice.odd(writeIndex, Integer.BYTES);
            answers.word(RingLayout.WRITE_INDEX_OFFSET, odd);
            counts.count(HostileEvent.RING_WORD);
            bell.signal();
            broken = true;
        } else {
            publish();
        }
    }

    private void oddWord(Dice dice) {
        int choice = dice.oneIn(32) ? dice.below(WORDS.length) : dice.below(3);
        RawRing ring = dice.oneIn(2) ? requestWords : answers;
        int word = WORDS[choice];
        ring.word(word, (int) dice.odd(ring.word(word), Integer.BYTES));
        counts.count(HostileEvent.RING_WORD);
        // A write index is put right by the next batch; a read index of the guest's stays wrong.
        broken |= word == RingLayout.READ_INDEX_OFFSET && ring == requestWords;
    }

    private void beginBatch() {
        batched = 0;
    }

    private boolean append(int bytes) {
        if (used() + bytes + 2 * RingLayout.TRAILER_BYTES > answers.dataBytes()
                || untaken.isFull()) {
            return false;
        }
        answers.copyIn(writeIndex, forge.packet(), 0, bytes);
        answers.data(answers.advance(writeIndex, bytes), (long) writeIndex << Integer.SIZE);
        writeIndex = answers.advance(writeIndex, bytes + RingLayout.TRAILER_BYTES);
        batched++;
        untaken.add(writeIndex, forge.isSpoiled());
        return true;
    }

    private void publish() {
        if (batched == 0) {
            return;
        }
        answers.word(RingLayout.WRITE_INDEX_OFFSET, writeIndex);
        rungAt = System.nanoTime();
        bell.signal();
    }

    private int used() {
        if (untaken.size() == 0) {
            // The read index may be wrong by our own hand.
            return 0;
        }
        int read = answers.word(RingLayout.READ_INDEX_OFFSET);
        return answers.isIndex(read) ? answers.distance(read, writeIndex) : 0;
    }

    /** Counts what the guest has taken. */
    private boolean hasRoomForBatch() {
        long now = System.nanoTime();
        if (untaken.size() == 0 || progressAt == 0) {
            progressAt = now;
        }
        if (untaken.settle(answers, answers.word(RingLayout.READ_INDEX_OFFSET))) {
            progressAt = now;
        } else if (untaken.size() > 0 && !broken) {
            if (now - rungAt > RING_AGAIN_NANOS) {
                rungAt = now;
                bell.signal();
            }
            if (now - progressAt > HANG_NANOS) {
                throw new IllegalStateException(
                        "guest takes nothing from an open ring: relid=" + relid);
            }
        }
        return untaken.size() <= UNDER_WAY_MAX && used() <= answers.dataBytes() / 2;
    }
}
