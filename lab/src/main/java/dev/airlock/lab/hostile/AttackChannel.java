package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.host.HostChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One open channel of an {@link AttackHost}. Requests are carried out one after the other by the
 * thread of {@link #run}; each is answered rightly in the end, except where the attack is the
 * answer, or the device vanishes. The honest part allocates nothing.
 */
final class AttackChannel {
    /** Reads and writes answered rightly before the attack begins, so that a disk is found. */
    static final int HONEST_TRANSFERS = 32;

    /** Afterwards so often is a read or write answered wrongly. */
    private static final int WRONG_ONE_IN = 8;

    private static final int REQUEST_BYTES_MAX = 8 << 10;
    private static final long FULL_PAUSE_NANOS = 50_000;

    /** How long a wrong ring index stands, or a header changes: time enough for any guest. */
    private static final long HOLD_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

    private final HostChannel channel;
    private final @Nullable Attack attack;
    private final Dice dice;
    private final HostTarget target;
    private final ControlNoise noise;
    private final LongAdder wrong;
    private final AtomicLong lastRequestNanos;
    private final RingReader requests;
    private final RawRing requestWords;
    private final RawRing answers;
    private final MemorySegment request = Arena.ofAuto().allocate(REQUEST_BYTES_MAX, Long.BYTES);
    private final MemorySegment answer =
            Arena.ofAuto().allocate(HostTarget.ANSWER_BYTES, Long.BYTES);
    private final WrongAnswers forge;
    private int writeIndex;
    private long transfers;
    private boolean due;
    private boolean vanished;

    AttackChannel(
            HostChannel channel,
            @Nullable Attack attack,
            Dice dice,
            HostTarget target,
            ControlNoise noise,
            LongAdder wrong,
            AtomicLong lastRequestNanos) {
        this.channel = channel;
        this.attack = attack;
        this.dice = dice;
        this.target = target;
        this.noise = noise;
        this.wrong = wrong;
        this.lastRequestNanos = lastRequestNanos;
        forge = new WrongAnswers(dice);
        requests = channel.in();
        requestWords = RawRing.of(channel.guestToHost());
        answers = RawRing.of(channel.hostToGuest());
        writeIndex = answers.word(RingLayout.WRITE_INDEX_OFFSET);
    }

    /** Serves until the channel closes. */
    void run() throws LinuxException {
        while (channel.isOpen() && !requests.isFailed()) {
            int bytes = requests.read(request, 0, REQUEST_BYTES_MAX);
            if (bytes > 0) {
                lastRequestNanos.setRelease(System.nanoTime());
                if (requests.consumed()) {
                    channel.signalGuest();
                }
                serve(bytes);
            } else if (!requests.unmaskInterrupts()) {
                channel.awaitGuest(-1);
            }
        }
    }

    private void serve(int bytes) {
        if (vanished) {
            return;
        }
        target.answer(request, bytes, channel.memory(), answer, 0);
        if (isTransfer()) {
            transfers++;
            due |= transfers > HONEST_TRANSFERS && dice.oneIn(WRONG_ONE_IN);
            if (due && attack != null) {
                attack(attack);
                return;
            }
        }
        send(answer);
        forge.noteAnswered(answer);
    }

    private void attack(Attack chosen) {
        due = false;
        switch (chosen) {
            case WRONG_ID -> sendBoth(forge.wrongId(answer), answer);
            case DUPLICATE_ID -> sendBoth(answer, answer);
            case STALE_ID -> sendStale();
            case LONG_TRANSFER -> sendWrong(forge.longTransfer(answer));
            case LONG_SENSE -> sendWrong(forge.longSense(answer));
            case BAD_OFFSET -> sendWrong(forge.badDescriptor(answer));
            case BAD_INDEX -> {
                showBadIndex();
                send(answer);
            }
            case MUTATE_HEADER -> sendMutating();
            case UNSOLICITED -> {
                noise.send(channel.offer());
                sendBoth(forge.unsolicited(), answer);
            }
            case VANISH -> {
                vanished = true;
                wrong.increment();
                channel.rescind();
            }
            case REFUSE_VISIBILITY -> send(answer);
        }
        forge.noteAnswered(answer);
    }

    /** An id that may be in use again would be a lie about that request: only if none is. */
    private void sendStale() {
        MemorySegment stale = requests.hasData() ? null : forge.stale(answer);
        if (stale == null) {
            due = true;
            send(answer);
        } else {
            sendBoth(stale, answer);
        }
    }

    private void sendWrong(MemorySegment packet) {
        wrong.increment();
        send(packet);
    }

    /** Shown to the guest at once, so that it takes both in one go. */
    private void sendBoth(MemorySegment bad, MemorySegment good) {
        wrong.increment();
        append(bad);
        append(good);
        publish();
    }

    private void showBadIndex() {
        wrong.increment();
        boolean own = dice.oneIn(2);
        RawRing ring = own ? answers : requestWords;
        int word = own ? RingLayout.WRITE_INDEX_OFFSET : RingLayout.READ_INDEX_OFFSET;
        int good = ring.word(word);
        ring.word(word, forge.badIndex(good, ring.dataBytes()));
        channel.signalGuest();
        LockSupport.parkNanos(HOLD_NANOS);
        ring.word(word, good);
    }

    /** Good and bad by turns until the guest has taken it; good in the end. */
    private void sendMutating() {
        wrong.increment();
        int start = writeIndex;
        long good = answer.get(Spoiler.U64, 0);
        long bad = forge.badDescriptor(answer).get(Spoiler.U64, 0);
        send(answer);
        long begun = System.nanoTime();
        while (answers.word(RingLayout.READ_INDEX_OFFSET) == start
                && System.nanoTime() - begun < HOLD_NANOS) {
            answers.data(start, bad);
            Thread.onSpinWait();
            answers.data(start, good);
            Thread.onSpinWait();
        }
    }

    private void send(MemorySegment packet) {
        append(packet);
        publish();
    }

    private void append(MemorySegment packet) {
        int bytes = HostTarget.ANSWER_BYTES;
        while (channel.isOpen() && !hasRoom(bytes)) {
            // With packets not shown yet the ring is never full: it holds hundreds.
            LockSupport.parkNanos(FULL_PAUSE_NANOS);
        }
        answers.copyIn(writeIndex, packet, 0, bytes);
        answers.data(answers.advance(writeIndex, bytes), (long) writeIndex << Integer.SIZE);
        writeIndex = answers.advance(writeIndex, bytes + RingLayout.TRAILER_BYTES);
    }

    private boolean hasRoom(int bytes) {
        int read = answers.word(RingLayout.READ_INDEX_OFFSET);
        int used = answers.isIndex(read) ? answers.distance(read, writeIndex) : 0;
        return used + bytes + 2 * RingLayout.TRAILER_BYTES <= answers.dataBytes();
    }

    private void publish() {
        answers.word(RingLayout.WRITE_INDEX_OFFSET, writeIndex);
        channel.signalGuest();
    }

    private boolean isTransfer() {
        int vstor = PacketDescriptor.dataOffset(request, 0);
        if (VstorPacket.operation(request, vstor) != VstorOperation.EXECUTE_SRB) {
            return false;
        }
        int opcode = request.get(Spoiler.U16, vstor + VstorSrb.CDB_OFFSET) & 0xFF;
        // READ and WRITE of 10 and 16 bytes.
        return (opcode & 0x5D) == 0x08 && opcode >= 0x28;
    }
}
