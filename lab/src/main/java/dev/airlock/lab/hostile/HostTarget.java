package dev.airlock.lab.hostile;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.IoVector;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsitarget.DiskIdentity;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LogicalUnitOptions;
import dev.airlock.scsitarget.LunAddress;
import dev.airlock.scsitarget.Nexus;
import dev.airlock.scsitarget.ScsiTask;
import dev.airlock.scsitarget.TargetBus;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;

/**
 * The disks behind a hostile host: real ones, so that there are right answers to be spoiled. For
 * one thread.
 */
final class HostTarget implements AutoCloseable {
    /** Descriptor and vstor packet of an answer. */
    static final int ANSWER_BYTES = PacketDescriptor.BYTES + VstorPacket.BYTES;

    private static final long DISK_BYTES = 8 << 20;
    private static final int MAX_TRANSFER_BYTES = 1 << 20;
    private static final int SUBCHANNELS = 3;

    private final MemoryDisk disk;
    private final int subchannels;
    private final TargetBus bus = new TargetBus(1);
    private final ScsiTask task = new ScsiTask();
    private final IoVector data = new IoVector(IoVector.USUAL_CAPACITY);
    private Nexus nexus;

    HostTarget() {
        this(DISK_BYTES, SUBCHANNELS);
    }

    /**
     * @param subchannels how many a guest may have; 0 says that there are none
     */
    HostTarget(long diskBytes, int subchannels) {
        disk = new MemoryDisk(diskBytes, 512, false);
        this.subchannels = subchannels;
        LogicalUnitOptions options =
                LogicalUnitOptions.defaults().withMaxTransferBytes(MAX_TRANSFER_BYTES);
        bus.add(
                new LunAddress(0, 0, 0),
                new LogicalUnit(disk, DiskIdentity.ofSerial("h"), options));
        nexus = bus.connect();
    }

    /** A new guest: no unit attentions of the last one's. */
    void reconnect() {
        nexus.close();
        nexus = bus.connect();
    }

    /**
     * Carries out a request and writes its right answer.
     *
     * @param answer private memory; {@link #ANSWER_BYTES} at {@code at}
     */
    void answer(MemorySegment packet, int bytes, HostMemory memory, MemorySegment answer, long at) {
        PacketDescriptor.encode(
                answer,
                at,
                PacketDescriptor.TYPE_COMPLETION,
                PacketDescriptor.BYTES,
                ANSWER_BYTES,
                0,
                PacketDescriptor.transactionId(packet, 0));
        long vstor = at + PacketDescriptor.BYTES;
        MemorySegment.copy(
                packet, PacketDescriptor.dataOffset(packet, 0), answer, vstor, VstorPacket.BYTES);
        int operation = VstorPacket.operation(answer, vstor);
        if (operation == VstorOperation.EXECUTE_SRB) {
            execute(packet, bytes, memory, answer, vstor);
        } else if (operation == VstorOperation.QUERY_PROPERTIES) {
            VstorChannelProperties.maxChannelCount(answer, vstor, subchannels);
            VstorChannelProperties.flags(
                    answer,
                    vstor,
                    subchannels > 0 ? VstorChannelProperties.FLAG_SUPPORTS_MULTI_CHANNEL : 0);
            VstorChannelProperties.maxTransferBytes(answer, vstor, MAX_TRANSFER_BYTES);
        }
        VstorPacket.operation(answer, vstor, VstorOperation.COMPLETE_IO);
        VstorPacket.status(answer, vstor, VstorPacket.STATUS_SUCCESS);
    }

    @Override
    public void close() {
        nexus.close();
        disk.close();
    }

    private void execute(
            MemorySegment packet, int bytes, HostMemory memory, MemorySegment answer, long vstor) {
        data.clear();
        int dataBytes = (int) VstorSrb.dataTransferLength(answer, vstor);
        if (dataBytes > 0 && GpaDirectPacket.validatedPageCount(packet, 0, bytes) > 0) {
            int inPage = (int) GpaDirectPacket.byteOffset(packet, 0);
            int pages = (int) HvPage.span(inPage, dataBytes);
            memory.translate(packet, GpaDirectPacket.PFNS_OFFSET, pages, inPage, dataBytes, data);
        }
        nexus.execute(
                VstorSrb.path(answer, vstor),
                VstorSrb.target(answer, vstor),
                VstorSrb.lun(answer, vstor),
                answer,
                vstor + VstorSrb.CDB_OFFSET,
                VstorSrb.cdbLength(answer, vstor),
                VstorSrb.direction(answer, vstor),
                data,
                task);
        int sense = Math.min(task.senseBytes(), VstorSrb.SENSE_BYTES);
        MemorySegment.copy(task.sense(), 0, answer, vstor + VstorSrb.SENSE_OFFSET, sense);
        VstorSrb.senseLength(answer, vstor, sense);
        VstorSrb.srbStatus(answer, vstor, task.srbStatus());
        VstorSrb.scsiStatus(answer, vstor, task.scsiStatus());
        VstorSrb.dataTransferLength(answer, vstor, task.transferredBytes());
        if (SrbStatus.code(task.srbStatus()) != SrbStatus.SUCCESS) {
            data.clear();
        }
    }
}
