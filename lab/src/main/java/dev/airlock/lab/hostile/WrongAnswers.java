package dev.airlock.lab.hostile;

import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Makes wrong answers from right ones. Each is as long as an answer and in the same memory as the
 * last one: used before the next is made. For one thread.
 */
final class WrongAnswers {
    private static final int IDS = 256;

    /** Answers that lie between the use of an id and its use as a stale one. */
    private static final int STALE_AGE = 16;

    /** Ids of a Linux driver's own packets: drivers/scsi/storvsc_drv.c, VMBUS_RQST_INIT, _RESET. */
    private static final long INIT_ID = -3;

    private static final long RESET_ID = -4;

    /** Linux's ids are tags plus one: no queue is so long. */
    private static final int TAGS_MAX = 1 << 16;

    /** SPC-6: fixed format, current; ABORTED COMMAND, which initiators try again. */
    private static final byte SENSE_FIXED = 0x70;

    private static final byte SENSE_ABORTED_COMMAND = 0x0B;
    private static final int SENSE_KEY_OFFSET = 2;
    private static final int SENSE_MORE_OFFSET = 7;

    private static final int[] OPERATIONS = {
        VstorOperation.COMPLETE_IO,
        VstorOperation.EXECUTE_SRB,
        VstorOperation.RESET_BUS,
        VstorOperation.END_INITIALIZATION,
        VstorOperation.ENUMERATE_BUS,
        VstorOperation.FCHBA_DATA,
        VstorOperation.CREATE_SUB_CHANNELS,
    };

    private final Dice dice;
    private final MemorySegment packet =
            Arena.ofAuto().allocate(HostTarget.ANSWER_BYTES, Long.BYTES);
    private final long[] answeredIds = new long[IDS];
    private int answered;

    WrongAnswers(Dice dice) {
        this.dice = dice;
    }

    void noteAnswered(MemorySegment answer) {
        answeredIds[answered++ & IDS - 1] = PacketDescriptor.transactionId(answer, 0);
    }

    /** No request has its id. */
    MemorySegment wrongId(MemorySegment answer) {
        long id = PacketDescriptor.transactionId(answer, 0);
        copy(answer);
        putId(
                switch (dice.below(4)) {
                    case 0 -> INIT_ID;
                    case 1 -> RESET_ID;
                    case 2 -> TAGS_MAX + (long) dice.below(TAGS_MAX);
                    default -> id ^ 1L << dice.between(32, Long.SIZE - 1);
                });
        return packet;
    }

    /** An id that was used long ago and is not that of {@code answer}; null if there is none. */
    @Nullable MemorySegment stale(MemorySegment answer) {
        long id = PacketDescriptor.transactionId(answer, 0);
        for (int age = STALE_AGE; age <= Math.min(answered, IDS); age++) {
            long old = answeredIds[answered - age & IDS - 1];
            if (old != id) {
                copy(answer);
                putId(old);
                return packet;
            }
        }
        return null;
    }

    /** More bytes than the request has. */
    MemorySegment longTransfer(MemorySegment answer) {
        copy(answer);
        long vstor = PacketDescriptor.BYTES;
        int bytes = (int) VstorSrb.dataTransferLength(answer, vstor);
        VstorSrb.dataTransferLength(
                packet,
                vstor,
                switch (dice.below(3)) {
                    case 0 -> bytes + 512;
                    case 1 -> Integer.MAX_VALUE;
                    default -> -1;
                });
        return packet;
    }

    /** A failure that may be tried again, with 255 bytes of sense data in a field of 20. */
    MemorySegment longSense(MemorySegment answer) {
        copy(answer);
        long vstor = PacketDescriptor.BYTES;
        VstorSrb.srbStatus(packet, vstor, SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID);
        VstorSrb.scsiStatus(packet, vstor, ScsiStatus.CHECK_CONDITION);
        VstorSrb.dataTransferLength(packet, vstor, 0);
        VstorSrb.senseLength(packet, vstor, dice.between(VstorSrb.SENSE_BYTES + 1, 255));
        long sense = vstor + VstorSrb.SENSE_OFFSET;
        packet.asSlice(sense, VstorSrb.SENSE_BYTES).fill((byte) 0);
        packet.set(ValueLayout.JAVA_BYTE, sense, SENSE_FIXED);
        packet.set(ValueLayout.JAVA_BYTE, sense + SENSE_KEY_OFFSET, SENSE_ABORTED_COMMAND);
        packet.set(ValueLayout.JAVA_BYTE, sense + SENSE_MORE_OFFSET, (byte) 0xFF);
        return packet;
    }

    /** The right answer behind a descriptor with a wrong offset or length. */
    MemorySegment badDescriptor(MemorySegment answer) {
        copy(answer);
        int length8 = HostTarget.ANSWER_BYTES / Long.BYTES;
        int[] bad = {0, 1, length8 + 1, 0x7FFF, 0xFFFF};
        long field = dice.oneIn(2) ? PacketDescriptor.OFFSET8_OFFSET : PacketDescriptor.LEN8_OFFSET;
        packet.set(Spoiler.U16, field, (short) bad[dice.below(bad.length)]);
        return packet;
    }

    /** An index that no ring of this size can have. */
    int badIndex(int good, int dataBytes) {
        return switch (dice.below(5)) {
            case 0 -> dataBytes;
            case 1 -> dataBytes + HostTarget.ANSWER_BYTES;
            case 2 -> Integer.MAX_VALUE & -Long.BYTES;
            case 3 -> -Long.BYTES;
            default -> good | 1;
        };
    }

    /** A message of the host's own accord, with noise. */
    MemorySegment unsolicited() {
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                HostTarget.ANSWER_BYTES,
                0,
                0);
        Spoiler.noise(packet, PacketDescriptor.BYTES, VstorPacket.BYTES, dice);
        int operation = OPERATIONS[dice.below(OPERATIONS.length)];
        VstorPacket.operation(packet, PacketDescriptor.BYTES, operation);
        return packet;
    }

    private void copy(MemorySegment answer) {
        MemorySegment.copy(answer, 0, packet, 0, HostTarget.ANSWER_BYTES);
    }

    private void putId(long id) {
        packet.set(Spoiler.U64, PacketDescriptor.TRANSACTION_ID_OFFSET, id);
    }
}
