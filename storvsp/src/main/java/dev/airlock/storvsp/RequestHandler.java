package dev.airlock.storvsp;

import dev.airlock.memory.HvPage;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsitarget.Nexus;
import dev.airlock.scsitarget.ScsiTask;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;

/**
 * What a channel does with one packet: checks it against itself, finds its memory, and runs it or
 * sends it where it will be run. Everything the guest can get wrong is answered with a status where
 * it asked for an answer, and counted.
 *
 * <p>Of the channel's ring thread.
 */
final class RequestHandler {
    /** What became of a packet. */
    enum Outcome {
        /** The request is answered; the caller writes its completion. */
        ANSWERED,
        /** Somebody else has the context and will answer. */
        TAKEN,
        /** It is answered in another context; this one is free again. */
        MOVED
    }

    private final StorvspDevice device;
    private final StorvspChannel channel;
    private final int maxTransferBytes;
    private final SrbCounters srbs;
    private final ScsiTask task = new ScsiTask();

    RequestHandler(StorvspDevice device, StorvspChannel channel, int maxTransferBytes) {
        this.device = device;
        this.channel = channel;
        this.maxTransferBytes = maxTransferBytes;
        srbs = device.srbCounters(channel.hostChannel());
    }

    /**
     * Handles one packet.
     *
     * @param packet private copy, as the ring reader validated it
     * @param bytes its length
     * @param request a context that is free
     */
    Outcome handle(MemorySegment packet, int bytes, SrbRequest request) {
        boolean whole = request.begin(packet, bytes);
        channel.took(request);
        int type = PacketDescriptor.type(packet, 0);
        if (type != PacketDescriptor.TYPE_DATA_INBAND
                && type != PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT) {
            device.counters().countInvalidPacket();
            request.failOperation(VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
            return Outcome.ANSWERED;
        }
        if (!whole) {
            device.counters().countInvalidPacket();
            request.failOperation(VstorPacket.STATUS_INVALID_PARAMETER);
            return Outcome.ANSWERED;
        }
        int operation = request.operation();
        return switch (operation) {
            case VstorOperation.EXECUTE_SRB -> executeSrb(packet, bytes, request);
            case VstorOperation.RESET_LUN, VstorOperation.RESET_ADAPTER, VstorOperation.RESET_BUS ->
                    reset(operation, request);
            default -> {
                device.negotiate(channel, operation, request);
                yield Outcome.ANSWERED;
            }
        };
    }

    private Outcome executeSrb(MemorySegment packet, int bytes, SrbRequest request) {
        if (!device.isReady()) {
            device.counters().countInvalidPacket();
            request.failOperation(VstorPacket.STATUS_INVALID_DEVICE_STATE);
            return Outcome.ANSWERED;
        }
        MemorySegment vstor = request.packet();
        int at = SrbRequest.VSTOR_AT;
        long dataBytes = VstorSrb.dataTransferLength(vstor, at);
        srbs.count(request.opcode(), dataBytes);
        LunQueue lun = null;
        if (VstorSrb.path(vstor, at) == 0 && VstorSrb.target(vstor, at) == 0) {
            lun = device.units().queue(VstorSrb.lun(vstor, at));
        }
        int direction = VstorSrb.direction(vstor, at);
        request.aim(lun, direction);
        if (!findData(packet, bytes, request, dataBytes, direction)) {
            request.fail(SrbStatus.INVALID_REQUEST);
            return Outcome.ANSWERED;
        }
        if (lun == null) {
            answerAbsent(request);
            return Outcome.ANSWERED;
        }
        if (request.tryExecute(lun, task)) {
            return Outcome.ANSWERED;
        }
        channel.completions().givenToWorker();
        int refused = lun.submit(request);
        if (refused == SrbStatus.PENDING) {
            return Outcome.TAKEN;
        }
        channel.completions().takenBack();
        request.fail(refused);
        return Outcome.ANSWERED;
    }

    private void answerAbsent(SrbRequest request) {
        Nexus nexus = device.units().nexus();
        if (nexus == null) {
            // The primary channel has just been closed.
            request.fail(SrbStatus.INVALID_LUN);
        } else {
            request.executeAbsent(nexus, task);
        }
    }

    /** Fills the request's data vector; false, and counted, when the packet does not allow it. */
    private boolean findData(
            MemorySegment packet, int bytes, SrbRequest request, long dataBytes, int direction) {
        if (dataBytes == 0) {
            return true;
        }
        if (dataBytes > maxTransferBytes) {
            device.counters().countTooLarge();
            return false;
        }
        if ((direction != VstorSrb.DIRECTION_IN && direction != VstorSrb.DIRECTION_OUT)
                || PacketDescriptor.type(packet, 0) != PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT
                || GpaDirectPacket.validatedPageCount(packet, 0, bytes) <= 0
                || GpaDirectPacket.byteCount(packet, 0) < dataBytes) {
            device.counters().countInvalidPacket();
            return false;
        }
        int inPage = (int) GpaDirectPacket.byteOffset(packet, 0);
        int pages = (int) ((inPage + dataBytes + HvPage.MASK) >>> HvPage.SHIFT);
        if (!channel.memory()
                .translate(
                        packet,
                        GpaDirectPacket.PFNS_OFFSET,
                        pages,
                        inPage,
                        (int) dataBytes,
                        request.data())) {
            device.counters().countInvisible();
            return false;
        }
        return true;
    }

    private Outcome reset(int operation, SrbRequest request) {
        if (!device.isReady()) {
            device.counters().countInvalidPacket();
            request.failOperation(VstorPacket.STATUS_INVALID_DEVICE_STATE);
            return Outcome.ANSWERED;
        }
        SrbRequest waiting = channel.completions().takeFreeForReset(request);
        if (waiting == null) {
            device.counters().countInvalidPacket();
            request.failOperation(NtStatus.DEVICE_BUSY);
            return Outcome.ANSWERED;
        }
        waiting.take(request);
        device.reset(channel, operation, waiting);
        return Outcome.MOVED;
    }
}
