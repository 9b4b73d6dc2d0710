package dev.airlock.storvsp;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbFlags;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsitarget.Nexus;
import dev.airlock.scsitarget.ScsiTask;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * One request of the guest while the host works on it, and its completion. Belongs to one channel,
 * is used again for one request after another, and allocates nothing in between.
 *
 * <p>The vstor packet is copied once into {@link #packet}, where it becomes the completion in
 * place: what the answer does not change goes back as it came, as the recorded hosts do.
 *
 * <p>Used by one thread at a time; the queues it passes through order those.
 */
final class SrbRequest {
    /** Descriptor and vstor packet. */
    static final int COMPLETION_BYTES = PacketDescriptor.BYTES + VstorPacket.BYTES;

    /** Offset of the vstor packet within {@link #packet()}. */
    static final int VSTOR_AT = PacketDescriptor.BYTES;

    private static final int CDB_AT = VSTOR_AT + VstorSrb.CDB_OFFSET;
    private static final int SENSE_AT = VSTOR_AT + VstorSrb.SENSE_OFFSET;

    private final StorvspChannel channel;
    private final boolean forReset;
    private final MemorySegment packet;
    private final IoVector data;

    private boolean completionWanted;
    private boolean refused;
    private int direction;
    private @Nullable LunQueue lun;

    /** Next in the list that holds this request: free, held or queued. */
    @Nullable SrbRequest next;

    /** In the channel's journal, where it has one; of the {@link CompletionRing}. */
    int journalEntry = RequestJournal.NO_ENTRY;

    private SrbRequest(StorvspChannel channel, Arena arena, int dataRanges, boolean forReset) {
        this.channel = channel;
        this.forReset = forReset;
        packet = arena.allocate(COMPLETION_BYTES, Long.BYTES);
        data = new IoVector(dataRanges);
    }

    /**
     * A context for any request.
     *
     * @param arena owns the packet's memory
     * @param dataRanges capacity of the data vector
     */
    static SrbRequest forAny(StorvspChannel channel, Arena arena, int dataRanges) {
        return new SrbRequest(channel, arena, dataRanges, false);
    }

    /** A context that a reset waits in; see {@link #take}. */
    static SrbRequest forReset(StorvspChannel channel, Arena arena) {
        return new SrbRequest(channel, arena, 1, true);
    }

    StorvspChannel channel() {
        return channel;
    }

    /** The completion packet. */
    MemorySegment packet() {
        return packet;
    }

    /** Where the data of the request lies; empty unless the channel filled it. */
    IoVector data() {
        return data;
    }

    /** The vstor operation asked for, valid until the request is answered. */
    int operation() {
        return VstorPacket.operation(packet, VSTOR_AT);
    }

    /** The SCSI operation code of an SRB that was just begun, 0 to 255. */
    int opcode() {
        return Byte.toUnsignedInt(packet.get(ValueLayout.JAVA_BYTE, CDB_AT));
    }

    boolean isCompletionWanted() {
        return completionWanted;
    }

    /** Whether a queue has answered it already. */
    boolean isRefused() {
        return refused;
    }

    /**
     * Takes over a packet: writes the completion's descriptor and copies the vstor packet.
     *
     * @param source private copy of the packet, validated by the ring reader
     * @param bytes its length
     * @return false if its payload is not a whole vstor packet; the rest then reads as zero
     */
    boolean begin(MemorySegment source, int bytes) {
        long header = PacketDescriptor.header(source, 0);
        completionWanted =
                (PacketDescriptor.flags(header) & PacketDescriptor.FLAG_COMPLETION_REQUESTED) != 0;
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_COMPLETION,
                PacketDescriptor.BYTES,
                COMPLETION_BYTES,
                0,
                PacketDescriptor.transactionId(source, 0));
        refused = false;
        lun = null;
        direction = VstorSrb.DIRECTION_NONE;
        data.clear();
        int payloadAt = PacketDescriptor.dataOffset(header);
        if (bytes - payloadAt < VstorPacket.BYTES) {
            VstorPacket.clear(packet, VSTOR_AT, 0, 0);
            return false;
        }
        MemorySegment.copy(source, payloadAt, packet, VSTOR_AT, VstorPacket.BYTES);
        return true;
    }

    /**
     * Takes over a request that a dead host left, and answers it: an SRB so that the guest sends it
     * again, as it is not known how much of it was done; a reset as done, since nothing older is
     * under way any more; anything else as failed.
     */
    void adopt(int entry, long transactionId, int operation) {
        journalEntry = entry;
        completionWanted = true;
        refused = false;
        lun = null;
        data.clear();
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_COMPLETION,
                PacketDescriptor.BYTES,
                COMPLETION_BYTES,
                0,
                transactionId);
        VstorPacket.clear(packet, VSTOR_AT, operation, 0);
        switch (operation) {
            case VstorOperation.EXECUTE_SRB -> answer(SrbStatus.BUSY, ScsiStatus.BUSY, 0);
            case VstorOperation.RESET_LUN, VstorOperation.RESET_ADAPTER, VstorOperation.RESET_BUS ->
                    succeed();
            default -> failOperation(VstorPacket.STATUS_INVALID_DEVICE_STATE);
        }
    }

    /** Of the packet that is being answered. */
    long transactionId() {
        return PacketDescriptor.transactionId(packet, 0);
    }

    /** Takes over another context's packet, which is then free for the next one. */
    void take(SrbRequest other) {
        packet.copyFrom(other.packet);
        completionWanted = other.completionWanted;
        refused = false;
        lun = null;
        data.clear();
    }

    boolean isForReset() {
        return forReset;
    }

    /** Says where the command goes and how its data moves. */
    void aim(@Nullable LunQueue queue, int dataDirection) {
        lun = queue;
        direction = dataDirection;
    }

    /**
     * Runs the command if that takes no waiting.
     *
     * @param task of the calling thread
     * @return true when it is answered; false when it has to be run by {@link #execute}
     */
    boolean tryExecute(LunQueue queue, ScsiTask task) {
        try {
            if (!queue.unit().tryExecute(packet, CDB_AT, cdbBytes(), direction, data, task)) {
                return false;
            }
        } catch (RuntimeException | Error bug) {
            failByBug(bug);
            return true;
        }
        answer(task);
        return true;
    }

    /**
     * Runs the command, waiting for the disk where that is needed, and answers. Never throws.
     *
     * @param task of the calling thread
     */
    void execute(ScsiTask task) {
        LunQueue queue = lun;
        try {
            if (queue == null) {
                throw new IllegalStateException("request without a logical unit");
            }
            queue.unit().execute(packet, CDB_AT, cdbBytes(), direction, data, task);
        } catch (RuntimeException | Error bug) {
            failByBug(bug);
            return;
        }
        answer(task);
    }

    /** Answers for an address where there is no unit. */
    void executeAbsent(Nexus nexus, ScsiTask task) {
        try {
            nexus.execute(
                    VstorSrb.path(packet, VSTOR_AT),
                    VstorSrb.target(packet, VSTOR_AT),
                    VstorSrb.lun(packet, VSTOR_AT),
                    packet,
                    CDB_AT,
                    cdbBytes(),
                    direction,
                    data,
                    task);
        } catch (RuntimeException | Error bug) {
            failByBug(bug);
            return;
        }
        answer(task);
    }

    /** Answers that the operation was done. */
    void succeed() {
        VstorPacket.operation(packet, VSTOR_AT, VstorOperation.COMPLETE_IO);
        VstorPacket.status(packet, VSTOR_AT, VstorPacket.STATUS_SUCCESS);
    }

    /** Answers that the operation was not done. */
    void failOperation(int ntStatus) {
        VstorPacket.operation(packet, VSTOR_AT, VstorOperation.COMPLETE_IO);
        VstorPacket.status(packet, VSTOR_AT, ntStatus);
    }

    /** Answers an SRB that was not run: no data was moved, there is no sense data. */
    void fail(int srbStatus) {
        answer(srbStatus, ScsiStatus.GOOD, 0);
        LunQueue queue = lun;
        LunCounters counters = queue == null ? channel.absentCounters() : queue.counters();
        counters.count(false, 0, 0);
    }

    /** As {@link #fail}, by a queue: it must not be executed any more. */
    void refuse(int srbStatus) {
        fail(srbStatus);
        refused = true;
    }

    private void failByBug(Throwable bug) {
        channel.reportBug(bug);
        fail(SrbStatus.INTERNAL_ERROR);
    }

    /** Answers with what the target made of the command. */
    private void answer(ScsiTask task) {
        int srbStatus = task.srbStatus();
        int senseBytes = Math.min(task.senseBytes(), senseRoom());
        if (senseBytes > 0) {
            MemorySegment.copy(task.sense(), 0, packet, SENSE_AT, senseBytes);
            VstorSrb.senseLength(packet, VSTOR_AT, senseBytes);
        } else {
            srbStatus &= ~SrbStatus.AUTOSENSE_VALID;
        }
        long moved = task.transferredBytes();
        answer(srbStatus, task.scsiStatus(), moved);
        LunQueue queue = lun;
        LunCounters counters = queue == null ? channel.absentCounters() : queue.counters();
        counters.count(
                SrbStatus.code(srbStatus) == SrbStatus.SUCCESS,
                direction == VstorSrb.DIRECTION_IN ? moved : 0,
                direction == VstorSrb.DIRECTION_OUT ? moved : 0);
    }

    private void answer(int srbStatus, int scsiStatus, long movedBytes) {
        VstorPacket.operation(packet, VSTOR_AT, VstorOperation.COMPLETE_IO);
        VstorPacket.status(packet, VSTOR_AT, NtStatus.ofSrbStatus(SrbStatus.code(srbStatus)));
        VstorSrb.srbStatus(packet, VSTOR_AT, srbStatus);
        VstorSrb.scsiStatus(packet, VSTOR_AT, scsiStatus);
        VstorSrb.dataTransferLength(packet, VSTOR_AT, movedBytes);
    }

    /** Bytes of sense data the guest has room for and wants. */
    private int senseRoom() {
        if ((VstorSrb.srbFlags(packet, VSTOR_AT) & SrbFlags.DISABLE_AUTOSENSE) != 0) {
            return 0;
        }
        return Math.min(VstorSrb.senseLength(packet, VSTOR_AT), VstorSrb.SENSE_BYTES);
    }

    private int cdbBytes() {
        return Math.min(VstorSrb.cdbLength(packet, VSTOR_AT), VstorSrb.CDB_BYTES);
    }
}
