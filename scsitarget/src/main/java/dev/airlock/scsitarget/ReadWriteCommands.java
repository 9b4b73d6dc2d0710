package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.memory.IoVector;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;

/**
 * READ, WRITE and SYNCHRONIZE CACHE (SBC-3 sections 5.10 to 5.13, 5.22 and 5.31 to 5.34): the hot
 * path.
 */
final class ReadWriteCommands {

    private static final int PROTECT_HIGH_BIT = 7;

    private final Disk disk;
    private final BlockGeometry geometry;
    private final ModeState mode;

    ReadWriteCommands(Disk disk, BlockGeometry geometry, ModeState mode) {
        this.disk = disk;
        this.geometry = geometry;
        this.mode = mode;
    }

    /**
     * Reads straight into the guest's buffer. A buffer that is too small gets what it has room for,
     * to the byte, and the rest is reported as overrun.
     */
    void read(ScsiTask task, ScsiCommand command) throws DiskException {
        if (refusesProtection(task, command)) {
            return;
        }
        long lba = command.lba(task.cdb(), 0);
        long blocks = command.count(task.cdb(), 0);
        if (!geometry.check(task, command, lba, blocks, geometry.maxTransferBlocks())) {
            return;
        }
        long wanted = geometry.bytes(blocks);
        long moved = Math.min(wanted, task.dataInRoom());
        if (moved != 0 && !readBytes(task, geometry.bytes(lba), moved, isForced(task, command))) {
            return;
        }
        task.movedIn(moved, wanted);
    }

    /** False if the read was deferred or the result is set already. */
    private boolean readBytes(ScsiTask task, long offset, long bytes, boolean forced)
            throws DiskException {
        boolean mayBlock = disk.mayBlock();
        long tail = bytes & geometry.blockBytes() - 1;
        boolean flush = forced && mode.isWriteCacheEnabled();
        if ((tail != 0 || flush) && task.mustDefer(mayBlock)) {
            return false;
        }
        if (flush) {
            disk.flush();
        }
        long whole = bytes - tail;
        if (whole != 0) {
            IoVector into = task.dataPart(whole);
            if (into == null) {
                task.internalFailure();
                return false;
            }
            if (!task.isInlineOnly() || !mayBlock) {
                disk.read(offset, into);
            } else if (!disk.tryRead(offset, into)) {
                return !task.mustDefer(true);
            }
        }
        if (tail != 0) {
            IoVector block = task.bulkVector();
            block.add(task.bulk(), 0, geometry.blockBytes());
            disk.read(offset + whole, block);
            task.data().copyFrom(whole, task.bulk(), 0, tail);
        }
        return true;
    }

    /**
     * Writes straight from the guest's buffer. One that holds less than the CDB says writes
     * nothing.
     */
    void write(ScsiTask task, ScsiCommand command) throws DiskException {
        if (refusesProtection(task, command)) {
            return;
        }
        long lba = command.lba(task.cdb(), 0);
        long blocks = command.count(task.cdb(), 0);
        if (!geometry.check(task, command, lba, blocks, geometry.maxTransferBlocks())) {
            return;
        }
        if (mode.isReadOnly()) {
            task.writeProtected();
            return;
        }
        long bytes = geometry.bytes(blocks);
        if (task.dataOutBytes() < bytes) {
            task.shortDataOut();
            return;
        }
        if (task.mustDefer(disk.mayBlock())) {
            return;
        }
        if (bytes != 0) {
            IoVector from = task.dataPart(bytes);
            if (from == null) {
                task.internalFailure();
                return;
            }
            disk.write(
                    geometry.bytes(lba), from, isForced(task, command) || mode.mustWriteThrough());
        }
        task.movedOut(bytes);
    }

    /** Makes everything durable, whatever the range; IMMED may be ignored (SBC-3 table 76). */
    void synchronizeCache(ScsiTask task, ScsiCommand command) throws DiskException {
        long lba = command.lba(task.cdb(), 0);
        if (!geometry.contains(lba, command.count(task.cdb(), 0))) {
            task.outOfRange();
            return;
        }
        if (task.mustDefer(disk.mayBlock())) {
            return;
        }
        disk.flush();
        task.good();
    }

    private static boolean isForced(ScsiTask task, ScsiCommand command) {
        return command.cdbBytes() != 6 && (task.cdb(1) & Cdb.FUA) != 0;
    }

    /** Units have no protection information: whoever asks for it is refused (SBC-3 table 49). */
    static boolean refusesProtection(ScsiTask task, ScsiCommand command) {
        if (command.cdbBytes() == 6 || (task.cdb(1) & Cdb.PROTECT_MASK) == 0) {
            return false;
        }
        task.invalidField(1, PROTECT_HIGH_BIT);
        return true;
    }
}
