package dev.airlock.lab.hostile;

import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Packets from a storage host: answers to requests that wait for one, right or spoiled, early, late
 * or twice, and packets that nobody asked for. For one thread; allocates nothing per packet.
 */
final class AnswerForge {
    /** Requests that can wait for their answers. */
    static final int WAITING_MAX = 128;

    /** Largest packet made here: more than a guest of this driver takes. */
    static final int MAX_BYTES = 1024;

    /** Room for a packet that does not break the ring (storvsc's own limit). */
    private static final int TAKEN_BYTES_MAX = 512;

    private static final int BROKEN_ONE_IN = 40_000;
    private static final int LOST_ONE_IN = 64;

    /** Answers that come long after the guest has given them up. */
    private static final int LATE_ONE_IN = 1_000;

    private static final int LATE_MAX = 8;

    /** How often a packet is a late answer, if there is one: so rarely that it is late indeed. */
    private static final int LATE_SENT_ONE_IN = 15_000;

    /** A rescan is much work for few events. */
    private static final int RESCAN_ONE_IN = 2_000;

    private static final int IDS = 64;

    /** The id of the initialisation's packets (Linux {@code VMBUS_RQST_INIT}). */
    private static final long INIT_ID = -3;

    private static final int ANY_STATUS_ONE_IN = 400;

    /** Failures that leave the disk where it is. */
    private static final int[] STATUSES = {
        SrbStatus.SUCCESS,
        SrbStatus.ABORTED,
        SrbStatus.ERROR,
        SrbStatus.BUSY,
        SrbStatus.INVALID_REQUEST,
        SrbStatus.TIMEOUT,
        SrbStatus.BUS_RESET,
        SrbStatus.PARITY_ERROR,
        SrbStatus.DATA_OVERRUN,
        SrbStatus.INTERNAL_ERROR,
    };

    private static final int[][] FIELDS = {
        {VstorPacket.OPERATION_OFFSET, Integer.BYTES},
        {VstorPacket.FLAGS_OFFSET, Integer.BYTES},
        {VstorPacket.STATUS_OFFSET, Integer.BYTES},
        {VstorSrb.SRB_STATUS_OFFSET, Byte.BYTES},
        {VstorSrb.SCSI_STATUS_OFFSET, Byte.BYTES},
        {VstorSrb.PATH_OFFSET, Byte.BYTES},
        {VstorSrb.LUN_OFFSET, Byte.BYTES},
        {VstorSrb.SENSE_LENGTH_OFFSET, Byte.BYTES},
        {VstorSrb.DATA_TRANSFER_LENGTH_OFFSET, Integer.BYTES},
        {VstorSrb.DATA_TRANSFER_LENGTH_OFFSET, Integer.BYTES},
        {VstorSrb.SENSE_OFFSET, Long.BYTES},
        {VstorSrb.SENSE_OFFSET + Long.BYTES, Long.BYTES},
    };

    private final MemorySegment waiting =
            Arena.ofAuto().allocate((long) WAITING_MAX * HostTarget.ANSWER_BYTES, Long.BYTES);
    private final MemorySegment late =
            Arena.ofAuto().allocate((long) LATE_MAX * HostTarget.ANSWER_BYTES, Long.BYTES);
    private final MemorySegment packet = Arena.ofAuto().allocate(MAX_BYTES, Long.BYTES);
    private final long[] answeredIds = new long[IDS];
    private final boolean[] transfers = new boolean[WAITING_MAX];
    private int waitingCount;
    private int lateCount;
    private boolean lateDue;
    private int answered;
    private int bytes;
    private boolean spoiled;
    private boolean breaksRing;

    /** Whether another request can be taken. */
    boolean hasRoom() {
        return waitingCount < WAITING_MAX;
    }

    boolean isAnyWaiting() {
        return waitingCount > 0;
    }

    /** Where the right answers of waiting requests are. */
    MemorySegment answers() {
        return waiting;
    }

    /**
     * Makes room for the right answer of one more request: its offset in {@link #answers}.
     *
     * @param transfer whether it is a read or a write; others, by which a guest finds its disks,
     *     are answered rightly most of the time, or it would soon have none
     */
    long add(boolean transfer) {
        transfers[waitingCount] = transfer;
        return (long) waitingCount++ * HostTarget.ANSWER_BYTES;
    }

    /** The guest has begun to reset: late answers come now, before that of the reset. */
    void lateDue() {
        lateDue = lateCount > 0;
    }

    /** The packet made last, from offset 0. */
    MemorySegment packet() {
        return packet;
    }

    boolean isSpoiled() {
        return spoiled;
    }

    /** Whether the guest must give the ring up at the packet made last. */
    boolean breaksRing() {
        return breaksRing;
    }

    /** The right answer of the request that waits longest; returns its bytes. */
    int right() {
        spoiled = false;
        breaksRing = false;
        takeAnswer(0, true);
        return bytes;
    }

    /** That answer with faults. */
    int spoiledAnswer(Dice dice) {
        spoiled = true;
        breaksRing = false;
        takeAnswer(0, true);
        spoil(dice);
        return bytes;
    }

    /** Any packet; returns its bytes. */
    int next(Dice dice) {
        spoiled = true;
        breaksRing = false;
        if (lateCount > 0 && (lateDue || dice.oneIn(LATE_SENT_ONE_IN))) {
            lateDue = lateCount > 1 && lateDue;
            long at = (long) --lateCount * HostTarget.ANSWER_BYTES;
            MemorySegment.copy(late, at, packet, 0, HostTarget.ANSWER_BYTES);
            bytes = HostTarget.ANSWER_BYTES;
        } else if (waitingCount > 0 && dice.oneIn(3)) {
            answerSomehow(dice.below(waitingCount), dice);
        } else {
            unasked(dice);
        }
        if (dice.oneIn(BROKEN_ONE_IN)) {
            breakFraming(dice);
        }
        return bytes;
    }

    /** Makes a packet that ends the ring. */
    int broken(Dice dice) {
        spoiled = true;
        unasked(dice);
        breakFraming(dice);
        return bytes;
    }

    private void answerSomehow(int index, Dice dice) {
        if (!transfers[index] && !dice.oneIn(16)) {
            takeAnswer(index, true);
            spoiled = false;
            return;
        }
        switch (dice.below(8)) {
            case 0, 1, 2, 3 -> {
                takeAnswer(index, true);
                spoiled = false;
                if (lateCount < LATE_MAX && dice.oneIn(LATE_ONE_IN)) {
                    long at = (long) lateCount++ * HostTarget.ANSWER_BYTES;
                    MemorySegment.copy(packet, 0, late, at, HostTarget.ANSWER_BYTES);
                    // Not answered before, or noise with its id would answer it.
                    answeredIds[--answered & IDS - 1] = INIT_ID;
                    unasked(dice);
                    spoiled = true;
                }
            }
            case 4, 5 -> {
                takeAnswer(index, true);
                failAsDisksDo(dice);
            }
            case 6 -> {
                // Spoiled beyond use it is lost, which costs the guest a time-out: not too often.
                takeAnswer(index, dice.oneIn(LOST_ONE_IN));
                spoil(dice);
            }
            // Right, and once more later.
            default -> takeAnswer(index, false);
        }
    }

    private void takeAnswer(int index, boolean last) {
        long at = (long) index * HostTarget.ANSWER_BYTES;
        MemorySegment.copy(waiting, at, packet, 0, HostTarget.ANSWER_BYTES);
        bytes = HostTarget.ANSWER_BYTES;
        answeredIds[answered++ & IDS - 1] = PacketDescriptor.transactionId(packet, 0);
        if (last) {
            waitingCount--;
            long end = (long) waitingCount * HostTarget.ANSWER_BYTES;
            MemorySegment.copy(waiting, at + HostTarget.ANSWER_BYTES, waiting, at, end - at);
            System.arraycopy(transfers, index + 1, transfers, index, waitingCount - index);
        }
    }

    /** A failure of the kind that drivers have code for. */
    private void failAsDisksDo(Dice dice) {
        long vstor = PacketDescriptor.BYTES;
        int srbStatus = SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID;
        if (dice.oneIn(ANY_STATUS_ONE_IN)) {
            // Some of these say that the disk has gone.
            srbStatus = dice.below(256);
        } else if (dice.oneIn(2)) {
            srbStatus = STATUSES[dice.below(STATUSES.length)];
        }
        VstorSrb.srbStatus(packet, vstor, srbStatus);
        VstorSrb.scsiStatus(
                packet, vstor, dice.oneIn(4) ? dice.below(256) : ScsiStatus.CHECK_CONDITION);
        VstorSrb.senseLength(packet, vstor, dice.below(256));
        Spoiler.noise(packet, vstor + VstorSrb.SENSE_OFFSET, VstorSrb.SENSE_BYTES, dice);
        // Fixed format, any key.
        packet.set(Spoiler.U16, vstor + VstorSrb.SENSE_OFFSET, (short) 0x70);
        if (dice.oneIn(2)) {
            VstorSrb.dataTransferLength(packet, vstor, dice.below(1 << 20));
        }
    }

    private void spoil(Dice dice) {
        do {
            switch (dice.below(8)) {
                case 0 -> Spoiler.field(packet, PacketDescriptor.TYPE_OFFSET, Short.BYTES, dice);
                case 1 -> oddId(dice);
                case 2 -> resize(dice);
                case 3 -> {
                    int offset8 =
                            dice.between(PacketDescriptor.BYTES / Long.BYTES, bytes / Long.BYTES);
                    packet.set(Spoiler.U16, PacketDescriptor.OFFSET8_OFFSET, (short) offset8);
                }
                default -> {
                    int[] field = FIELDS[dice.below(FIELDS.length)];
                    Spoiler.field(packet, PacketDescriptor.BYTES + field[0], field[1], dice);
                }
            }
        } while (dice.oneIn(3));
    }

    /** A packet that answers nothing, or something that was answered before. */
    private void unasked(Dice dice) {
        bytes = HostTarget.ANSWER_BYTES;
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_COMPLETION,
                PacketDescriptor.BYTES,
                bytes,
                0,
                dice.bits());
        VstorPacket.clear(packet, PacketDescriptor.BYTES, VstorOperation.COMPLETE_IO, 0);
        Spoiler.noise(
                packet,
                PacketDescriptor.BYTES + VstorPacket.STATUS_OFFSET,
                VstorPacket.BYTES - VstorPacket.STATUS_OFFSET,
                dice);
        switch (dice.below(12)) {
            case 0 -> putId(INIT_ID);
            case 1 -> putId(Long.MIN_VALUE | dice.below(8));
            case 2 -> unsolicited(dice);
            case 3, 4, 5, 6, 7 -> putId(answeredIds[dice.below(IDS)]);
            case 8 -> oddId(dice);
            case 9 -> {
                putId(dice.below(512));
                spoil(dice);
            }
            case 10 -> resize(dice);
            default -> {
                // Any id at all.
            }
        }
        if (PacketDescriptor.transactionId(packet, 0) == 0) {
            unsolicited(dice);
        }
    }

    /** A message of the host's own accord; those that mean a rescan are rare. */
    private void unsolicited(Dice dice) {
        putId(0);
        int operation = dice.between(VstorOperation.EXECUTE_SRB, VstorOperation.QUERY_PROPERTIES);
        if (dice.oneIn(RESCAN_ONE_IN)) {
            operation = dice.oneIn(2) ? VstorOperation.ENUMERATE_BUS : VstorOperation.REMOVE_DEVICE;
        }
        VstorPacket.operation(packet, PacketDescriptor.BYTES, operation);
    }

    private void oddId(Dice dice) {
        long id = waitingCount > 0 ? waitingId(dice) : answeredIds[dice.below(IDS)];
        putId(dice.odd(id, Long.BYTES));
    }

    private long waitingId(Dice dice) {
        long at = (long) dice.below(waitingCount) * HostTarget.ANSWER_BYTES;
        return PacketDescriptor.transactionId(waiting, at);
    }

    private void putId(long id) {
        packet.set(Spoiler.U64, PacketDescriptor.TRANSACTION_ID_OFFSET, id);
    }

    /** Longer or shorter; still a packet that a guest takes out of the ring. */
    private void resize(Dice dice) {
        int least = PacketDescriptor.dataOffset(packet, 0);
        int old = bytes;
        bytes = Math.max(least, dice.between(2, TAKEN_BYTES_MAX / Long.BYTES) * Long.BYTES);
        if (bytes > old) {
            Spoiler.noise(packet, old, bytes - old, dice);
        }
        packet.set(Spoiler.U16, PacketDescriptor.LEN8_OFFSET, (short) (bytes / Long.BYTES));
    }

    private void breakFraming(Dice dice) {
        breaksRing = true;
        switch (dice.below(3)) {
            case 0 -> packet.set(Spoiler.U16, PacketDescriptor.LEN8_OFFSET, (short) dice.below(2));
            case 1 ->
                    packet.set(Spoiler.U16, PacketDescriptor.OFFSET8_OFFSET, (short) dice.below(2));
            default -> {
                bytes = MAX_BYTES;
                packet.set(Spoiler.U16, PacketDescriptor.LEN8_OFFSET, (short) (bytes / Long.BYTES));
            }
        }
    }
}
