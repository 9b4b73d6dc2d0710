package dev.airlock.nbd;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.Transmission;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import java.lang.foreign.MemorySegment;

/**
 * What each request does at the disk, step by step. {@link #begin} and {@link #advance} start the
 * next step, or say that there is none; the reply is not theirs. For one thread; allocates nothing
 * for reads and writes.
 *
 * <p>What is not whole sectors is read, changed and written back with the sectors locked against
 * every other change ({@link RangeLocks}), so that neighbours keep what was acknowledged to them.
 */
final class Steps {
    /** Of a CACHE request, one read at a time. */
    private static final int CACHE_STEP_BYTES = 1 << 20;

    private final ExportState export;
    private final Extents extents;
    private int lossesSeen;

    Steps(ExportState export, boolean extended) {
        this.export = export;
        this.extents = new Extents(extended);
        this.lossesSeen = export.losses();
    }

    /** Bytes of guest memory that a request needs until its reply is out. */
    static long bufferBytes(Slot slot, int sectorBytes) {
        return switch (slot.command) {
            case Transmission.CMD_READ -> alignedEnd(slot, sectorBytes) - start(slot, sectorBytes);
            case Transmission.CMD_WRITE ->
                    alignedEnd(slot, sectorBytes)
                            - start(slot, sectorBytes)
                            + (isAligned(slot, sectorBytes) ? 0 : 2L * sectorBytes);
            case Transmission.CMD_WRITE_ZEROES -> isAligned(slot, sectorBytes) ? 0 : sectorBytes;
            case Transmission.CMD_CACHE ->
                    Math.min(
                            CACHE_STEP_BYTES,
                            alignedEnd(slot, sectorBytes) - start(slot, sectorBytes));
            case Transmission.CMD_BLOCK_STATUS -> Extents.ANSWER_BYTES;
            default -> 0;
        };
    }

    /** Where in its buffer a write's payload belongs, or a read's data lies. */
    static long dataAt(Slot slot, int sectorBytes) {
        return slot.gpa + (slot.offset & (sectorBytes - 1));
    }

    /**
     * Starts a request whose payload is there.
     *
     * @return whether it is done already
     */
    boolean begin(Slot slot, DiskLink link) {
        if (slot.length == 0 && slot.command != Transmission.CMD_FLUSH) {
            return true;
        }
        BlockDevice device = link.device();
        int sector = device.sectorBytes();
        if ((slot.flags & Transmission.FLAG_FAST_ZERO) != 0 && !zeroesFast(slot, device.facts())) {
            slot.error = NbdError.ENOTSUP;
            return true;
        }
        return switch (slot.command) {
            case Transmission.CMD_READ -> {
                slot.stage = Slot.Stage.READ;
                long bytes = alignedEnd(slot, sector) - start(slot, sector);
                slot.disk.read(start(slot, sector), slot.gpa, (int) bytes);
                device.enqueue(slot.disk);
                yield false;
            }
            case Transmission.CMD_WRITE, Transmission.CMD_WRITE_ZEROES -> {
                boolean exclusive = !isAligned(slot, sector);
                yield lock(slot, start(slot, sector), alignedEnd(slot, sector), exclusive, link);
            }
            case Transmission.CMD_TRIM -> {
                long from = alignedStart(slot, sector);
                long to = (slot.offset + slot.length) & -sector;
                boolean useless = from >= to || device.facts().unmap() == LunFacts.UnmapWay.NONE;
                yield useless || lock(slot, from, to, false, link);
            }
            case Transmission.CMD_FLUSH -> flush(slot, Slot.Stage.FLUSH, device);
            case Transmission.CMD_CACHE -> cacheNext(slot, start(slot, sector), device);
            default -> {
                slot.stage = Slot.Stage.STATUS;
                slot.disk.lbaStatus(start(slot, sector), slot.gpa, Extents.ANSWER_BYTES);
                device.enqueue(slot.disk);
                yield false;
            }
        };
    }

    /**
     * A step has ended: starts the next one.
     *
     * @return whether the request is done
     */
    boolean advance(Slot slot, DiskLink link) {
        BlockDevice device = link.device();
        BlockStatus status = slot.disk.status();
        if (slot.stage == Slot.Stage.LOCK) {
            return locked(slot, link);
        }
        if (slot.stage == Slot.Stage.STATUS) {
            return endStatus(slot, status, link);
        }
        if (status != BlockStatus.OK) {
            return failed(slot, status);
        }
        int sector = device.sectorBytes();
        switch (slot.stage) {
            case WRITE_READS_HEAD -> {
                long scratch = scratch(slot, sector);
                long head = slot.offset & (sector - 1);
                copy(link, scratch, slot.gpa, head);
                if (tailBytes(slot, sector) == 0) {
                    return write(slot, device);
                }
                if (start(slot, sector) == tailStart(slot, sector)) {
                    keepTail(slot, scratch, sector, link);
                    return write(slot, device);
                }
                return readTail(slot, device);
            }
            case WRITE_READS_TAIL -> {
                keepTail(slot, scratch(slot, sector) + sector, sector, link);
                return write(slot, device);
            }
            case ZERO_READS_HEAD -> {
                long from = slot.offset & (sector - 1);
                long to = Math.min(sector, from + slot.length);
                link.memory().asSlice(slot.gpa + from, to - from).fill((byte) 0);
                slot.stage = Slot.Stage.ZERO_WRITES_HEAD;
                slot.disk.write(start(slot, sector), slot.gpa, sector, false);
                device.submit(slot.disk);
                return false;
            }
            case ZERO_WRITES_HEAD -> {
                boolean hasTail =
                        tailBytes(slot, sector) > 0
                                && tailStart(slot, sector) > start(slot, sector);
                return hasTail ? zeroTail(slot, device) : zeroMiddle(slot, device);
            }
            case ZERO_READS_TAIL -> {
                link.memory().asSlice(slot.gpa, tailBytes(slot, sector)).fill((byte) 0);
                slot.stage = Slot.Stage.ZERO_WRITES_TAIL;
                slot.disk.write(tailStart(slot, sector), slot.gpa, sector, false);
                device.submit(slot.disk);
                return false;
            }
            case ZERO_WRITES_TAIL -> {
                return zeroMiddle(slot, device);
            }
            case WRITE -> {
                if (!isFua(slot)) {
                    export.changed();
                }
                return unlock(slot);
            }
            case ZERO, TRIM -> {
                export.changed();
                unlock(slot);
                return !isFua(slot) || flush(slot, Slot.Stage.FLUSH_AFTER, device);
            }
            case FLUSH, FLUSH_AFTER -> {
                if (export.losses() != lossesSeen) {
                    lossesSeen = export.losses();
                    slot.error = NbdError.EIO;
                }
                return true;
            }
            case CACHE -> {
                return cacheNext(slot, slot.disk.offset() + slot.disk.length(), device);
            }
            default -> {
                return true;
            }
        }
    }

    /** The connection gives up on a request that holds sectors. */
    boolean unlock(Slot slot) {
        export.locks().release(slot);
        return true;
    }

    private boolean failed(Slot slot, BlockStatus status) {
        if (slot.stage == Slot.Stage.FLUSH || slot.stage == Slot.Stage.FLUSH_AFTER) {
            export.changed();
        }
        unlock(slot);
        boolean isHint =
                status == BlockStatus.UNSUPPORTED
                        && (slot.stage == Slot.Stage.TRIM || slot.stage == Slot.Stage.CACHE);
        slot.error = isHint ? NbdError.OK : errorOf(status, slot.command);
        return true;
    }

    private static int errorOf(BlockStatus status, int command) {
        return switch (status) {
            case GONE -> NbdError.ESHUTDOWN;
            case READ_ONLY -> NbdError.EPERM;
            case NO_SPACE -> NbdError.ENOSPC;
            case UNSUPPORTED -> NbdError.ENOTSUP;
            case OUT_OF_RANGE ->
                    command == Transmission.CMD_WRITE || command == Transmission.CMD_WRITE_ZEROES
                            ? NbdError.ENOSPC
                            : NbdError.EINVAL;
            default -> NbdError.EIO;
        };
    }

    private boolean lock(Slot slot, long from, long to, boolean exclusive, DiskLink link) {
        slot.stage = Slot.Stage.LOCK;
        return export.locks().acquire(slot, from, to, exclusive) && locked(slot, link);
    }

    /** The sectors are the request's. */
    private boolean locked(Slot slot, DiskLink link) {
        BlockDevice device = link.device();
        int sector = device.sectorBytes();
        if (slot.command == Transmission.CMD_TRIM) {
            slot.stage = Slot.Stage.TRIM;
            long from = alignedStart(slot, sector);
            slot.disk.trim(from, ((slot.offset + slot.length) & -sector) - from);
            device.submit(slot.disk);
            return false;
        }
        boolean isWrite = slot.command == Transmission.CMD_WRITE;
        if (isAligned(slot, sector)) {
            return isWrite ? write(slot, device) : zeroMiddle(slot, device);
        }
        boolean hasHead = (slot.offset & (sector - 1)) != 0;
        if (!isWrite) {
            boolean readsHead = hasHead || slot.length < sector;
            return readsHead ? zeroHead(slot, device) : zeroTail(slot, device);
        }
        if (!hasHead && start(slot, sector) != tailStart(slot, sector)) {
            return readTail(slot, device);
        }
        slot.stage = Slot.Stage.WRITE_READS_HEAD;
        slot.disk.read(start(slot, sector), scratch(slot, sector), sector);
        device.submit(slot.disk);
        return false;
    }

    private static boolean readTail(Slot slot, BlockDevice device) {
        int sector = device.sectorBytes();
        slot.stage = Slot.Stage.WRITE_READS_TAIL;
        slot.disk.read(tailStart(slot, sector), scratch(slot, sector) + sector, sector);
        device.submit(slot.disk);
        return false;
    }

    private static boolean write(Slot slot, BlockDevice device) {
        int sector = device.sectorBytes();
        slot.stage = Slot.Stage.WRITE;
        long bytes = alignedEnd(slot, sector) - start(slot, sector);
        slot.disk.write(start(slot, sector), slot.gpa, (int) bytes, isFua(slot));
        device.enqueue(slot.disk);
        return false;
    }

    private static boolean zeroHead(Slot slot, BlockDevice device) {
        int sector = device.sectorBytes();
        slot.stage = Slot.Stage.ZERO_READS_HEAD;
        slot.disk.read(start(slot, sector), slot.gpa, sector);
        device.submit(slot.disk);
        return false;
    }

    private static boolean zeroTail(Slot slot, BlockDevice device) {
        int sector = device.sectorBytes();
        slot.stage = Slot.Stage.ZERO_READS_TAIL;
        slot.disk.read(tailStart(slot, sector), slot.gpa, sector);
        device.submit(slot.disk);
        return false;
    }

    /** The whole sectors of a range of zeroes. */
    private boolean zeroMiddle(Slot slot, BlockDevice device) {
        int sector = device.sectorBytes();
        long from = alignedStart(slot, sector);
        long to = (slot.offset + slot.length) & -sector;
        if (from >= to) {
            export.changed();
            unlock(slot);
            return !isFua(slot) || flush(slot, Slot.Stage.FLUSH_AFTER, device);
        }
        slot.stage = Slot.Stage.ZERO;
        boolean mayUnmap = (slot.flags & Transmission.FLAG_NO_HOLE) == 0;
        slot.disk.writeZeroes(from, to - from, mayUnmap);
        device.submit(slot.disk);
        return false;
    }

    private boolean flush(Slot slot, Slot.Stage stage, BlockDevice device) {
        slot.stage = stage;
        export.flushing();
        slot.disk.flush();
        device.submit(slot.disk);
        return false;
    }

    /** A hint: what is read is not sent; more than the largest read is not fetched. */
    private static boolean cacheNext(Slot slot, long from, BlockDevice device) {
        int sector = device.sectorBytes();
        long first = start(slot, sector);
        long end = Math.min(alignedEnd(slot, sector), first + RequestCheck.PAYLOAD_BYTES_MAX);
        if (from >= end) {
            return true;
        }
        slot.stage = Slot.Stage.CACHE;
        slot.disk.read(from, slot.gpa, (int) Math.min(slot.bufferBytes, end - from));
        device.submit(slot.disk);
        return false;
    }

    private boolean endStatus(Slot slot, BlockStatus status, DiskLink link) {
        BlockRequest answered = slot.disk;
        if (status != BlockStatus.OK && status != BlockStatus.UNSUPPORTED) {
            slot.error = errorOf(status, slot.command);
            return true;
        }
        int valid = status == BlockStatus.OK ? answered.transferredBytes() : 0;
        boolean onlyOne = (slot.flags & Transmission.FLAG_REQ_ONE) != 0;
        extents.reply(slot, link.memory(), slot.gpa, valid, link.device().facts(), onlyOne);
        return true;
    }

    /** Whether zeroes are known to take less than data: by giving blocks back that read as zero. */
    private static boolean zeroesFast(Slot slot, LunFacts facts) {
        return (slot.flags & Transmission.FLAG_NO_HOLE) == 0
                && facts.unmap() != LunFacts.UnmapWay.NONE
                && facts.unmappedReadsZero();
    }

    private static boolean isFua(Slot slot) {
        return (slot.flags & Transmission.FLAG_FUA) != 0;
    }

    private static boolean isAligned(Slot slot, int sector) {
        return ((slot.offset | slot.length) & (sector - 1)) == 0;
    }

    /** The start of the first sector that a request touches. */
    private static long start(Slot slot, int sector) {
        return slot.offset & -sector;
    }

    /** The end of the last sector that a request touches. */
    private static long alignedEnd(Slot slot, int sector) {
        return (slot.offset + slot.length + sector - 1) & -sector;
    }

    /** The first sector that is the request's from its start on. */
    private static long alignedStart(Slot slot, int sector) {
        return (slot.offset + sector - 1) & -sector;
    }

    /** The start of the last sector that a request touches. */
    private static long tailStart(Slot slot, int sector) {
        return (slot.offset + slot.length - 1) & -sector;
    }

    /** Bytes that a request has of its last sector, when not all. */
    private static long tailBytes(Slot slot, int sector) {
        return (slot.offset + slot.length) & (sector - 1);
    }

    /** Two sectors behind the data of an unaligned write. */
    private static long scratch(Slot slot, int sector) {
        return slot.gpa + alignedEnd(slot, sector) - start(slot, sector);
    }

    private static void keepTail(Slot slot, long from, int sector, DiskLink link) {
        long kept = tailBytes(slot, sector);
        long at = slot.gpa + tailStart(slot, sector) - start(slot, sector) + kept;
        copy(link, from + kept, at, sector - kept);
    }

    private static void copy(DiskLink link, long from, long to, long bytes) {
        MemorySegment memory = link.memory();
        MemorySegment.copy(memory, from, memory, to, bytes);
    }
}
