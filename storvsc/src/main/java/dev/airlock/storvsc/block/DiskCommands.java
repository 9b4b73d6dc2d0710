package dev.airlock.storvsc.block;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.UnmapParameters;
import dev.airlock.storvsc.DataDirection;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.ScsiRequest;
import java.lang.foreign.MemorySegment;

/**
 * Builds the next SCSI command of a block request: as large as the device takes, the shortest CDB
 * that holds it (Linux {@code sd_setup_read_write_cmnd}: 10 bytes where they do). Stateless but for
 * limits.
 */
final class DiskCommands {
    /** Result of {@link #prepareNext}: the data list cannot be cut to whole sectors. */
    static final long BAD_LAYOUT = -1;

    /** Result of {@link #prepareNext} for what is one command whatever its range. */
    static final long ONE_ISSUED = 1;

    /** Most blocks of one WRITE SAME where the device names no limit (Linux SD_MAX_WS16_BLOCKS). */
    private static final long WRITE_SAME_BLOCKS_MAX = 0x7F_FFFF;

    private static final long LBA_10_MAX = 0xFFFF_FFFFL;
    private static final int BLOCKS_10_MAX = 0xFFFF;

    private final MemorySegment guestMemory;
    private volatile int adapterMaxBytes;

    /**
     * @param guestMemory for the parameters of an UNMAP
     * @param adapterMaxBytes largest data of one command, by the adapter
     */
    DiskCommands(MemorySegment guestMemory, int adapterMaxBytes) {
        this.guestMemory = guestMemory;
        this.adapterMaxBytes = adapterMaxBytes;
    }

    /**
     * Prepares the next command of a request that has bytes left to issue, or of a flush.
     *
     * @return bytes of the range that the command covers, or {@link #ONE_ISSUED}, or {@link
     *     #BAD_LAYOUT}
     */
    long prepareNext(BlockRequest request, Transfer transfer, LunFacts facts, long zeroPageGpa) {
        ScsiRequest command = transfer.command();
        long left = request.length() - request.issued();
        long lba = (request.offset() + request.issued()) / facts.sectorBytes();
        if (request.phase() == BlockRequest.Phase.FLUSH) {
            return flush(command, facts);
        }
        if (request.phase() == BlockRequest.Phase.ZEROES_AS_DATA) {
            return writeZeroPages(command, facts, lba, left, zeroPageGpa);
        }
        return switch (request.operation()) {
            case READ -> readOrWrite(request, command, facts, lba, false);
            case WRITE -> readOrWrite(request, command, facts, lba, true);
            case FLUSH -> flush(command, facts);
            case LBA_STATUS -> lbaStatus(request, command, facts, lba);
            case TRIM -> trim(transfer, facts, lba, left, zeroPageGpa);
            case WRITE_ZEROES ->
                    writeSame(command, facts, lba, left, request.mayUnmap(), zeroPageGpa);
        };
    }

    /** Something of this size could not be mapped in one piece: make smaller ones from now on. */
    void tooLarge(int bytes) {
        adapterMaxBytes = Math.min(adapterMaxBytes, Math.max(HvPage.SIZE, bytes / 2));
    }

    /** Largest READ or WRITE, whole sectors. */
    int maxTransferBytes(LunFacts facts) {
        long bytes = Math.min(adapterMaxBytes, facts.maxTransferBytes());
        return (int) Math.max(facts.sectorBytes(), bytes - bytes % facts.sectorBytes());
    }

    private long readOrWrite(
            BlockRequest request, ScsiRequest command, LunFacts facts, long lba, boolean write) {
        command.prepare(
                facts.address(), write ? DataDirection.TO_DEVICE : DataDirection.FROM_DEVICE);
        int bytes = request.cursor().next(maxTransferBytes(facts), facts.sectorBytes(), command);
        if (bytes <= 0) {
            return BAD_LAYOUT;
        }
        encode(
                command,
                write ? ScsiCommand.WRITE_10 : ScsiCommand.READ_10,
                write ? ScsiCommand.WRITE_16 : ScsiCommand.READ_16,
                lba,
                bytes / facts.sectorBytes());
        if (request.isOverwriting()) {
            command.mappingAttributes(DmaAttributes.OVERWRITE);
        }
        if (request.isForceUnitAccess() && facts.fua()) {
            Cdb.addFlags(command.cdb(), 0, Cdb.FUA);
        }
        return bytes;
    }

    private static long lbaStatus(
            BlockRequest request, ScsiRequest command, LunFacts facts, long lba) {
        Scatterlist into = request.data();
        if (into == null) {
            return BAD_LAYOUT;
        }
        command.prepare(facts.address(), DataDirection.FROM_DEVICE);
        command.addData(into.gpa(0), into.bytes(0));
        command.cdbLength(ScsiCommand.GET_LBA_STATUS.cdbBytes());
        Cdb.encode(command.cdb(), 0, ScsiCommand.GET_LBA_STATUS, lba, into.bytes(0));
        return ONE_ISSUED;
    }

    private static long flush(ScsiRequest command, LunFacts facts) {
        command.prepare(facts.address(), DataDirection.NONE);
        command.cdbLength(ScsiCommand.SYNCHRONIZE_CACHE_10.cdbBytes());
        // LBA 0 and no length: the whole device.
        Cdb.encode(command.cdb(), 0, ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0);
        return ONE_ISSUED;
    }

    private long trim(Transfer transfer, LunFacts facts, long lba, long left, long zeroPageGpa) {
        ScsiRequest command = transfer.command();
        long bytes = wholeSectors(Math.min(left, facts.maxUnmapBytes()), facts);
        if (facts.unmap() == LunFacts.UnmapWay.WRITE_SAME) {
            return writeSame(command, facts, lba, bytes, true, zeroPageGpa);
        }
        command.prepare(facts.address(), DataDirection.TO_DEVICE);
        long parameters = transfer.parameterGpa();
        UnmapParameters.writeHeader(guestMemory, parameters, 1);
        UnmapParameters.writeDescriptor(
                guestMemory, parameters, 0, lba, bytes / facts.sectorBytes());
        command.addData(parameters, UnmapParameters.bytes(1));
        command.cdbLength(ScsiCommand.UNMAP.cdbBytes());
        Cdb.encode(command.cdb(), 0, ScsiCommand.UNMAP, 0, UnmapParameters.bytes(1));
        return bytes;
    }

    private static long writeSame(
            ScsiRequest command,
            LunFacts facts,
            long lba,
            long left,
            boolean unmap,
            long zeroPageGpa) {
        long most = WRITE_SAME_BLOCKS_MAX * facts.sectorBytes();
        long bytes = wholeSectors(Math.min(left, Math.min(most, facts.maxWriteSameBytes())), facts);
        command.prepare(facts.address(), DataDirection.TO_DEVICE);
        command.addData(zeroPageGpa, facts.sectorBytes());
        command.cdbLength(ScsiCommand.WRITE_SAME_16.cdbBytes());
        Cdb.encode(command.cdb(), 0, ScsiCommand.WRITE_SAME_16, lba, bytes / facts.sectorBytes());
        if (unmap && facts.unmap() != LunFacts.UnmapWay.NONE) {
            Cdb.addFlags(command.cdb(), 0, Cdb.WRITE_SAME_UNMAP);
        }
        return bytes;
    }

    private long writeZeroPages(
            ScsiRequest command, LunFacts facts, long lba, long left, long zeroPageGpa) {
        command.prepare(facts.address(), DataDirection.TO_DEVICE);
        int bytes = (int) Math.min(left, maxTransferBytes(facts));
        for (int at = 0; at < bytes; at += HvPage.SIZE) {
            command.addData(zeroPageGpa, Math.min(HvPage.SIZE, bytes - at));
        }
        encode(
                command,
                ScsiCommand.WRITE_10,
                ScsiCommand.WRITE_16,
                lba,
                bytes / facts.sectorBytes());
        return bytes;
    }

    private static void encode(
            ScsiRequest command, ScsiCommand ten, ScsiCommand sixteen, long lba, int blocks) {
        boolean isShort = lba <= LBA_10_MAX && blocks <= BLOCKS_10_MAX;
        ScsiCommand used = isShort ? ten : sixteen;
        command.cdbLength(used.cdbBytes());
        Cdb.encode(command.cdb(), 0, used, lba, blocks);
    }

    /** At least one sector, so that a device with odd limits is asked and refuses. */
    private static long wholeSectors(long bytes, LunFacts facts) {
        return Math.max(facts.sectorBytes(), bytes - bytes % facts.sectorBytes());
    }
}
