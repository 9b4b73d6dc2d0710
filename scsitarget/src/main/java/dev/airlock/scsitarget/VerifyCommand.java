package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.memory.IoVector;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import java.lang.foreign.MemorySegment;

/**
 * VERIFY (SBC-3 sections 5.26 to 5.28): reads the blocks and, by BYTCHK, compares each with the
 * guest's data (1) or all with one block of it (3). Works in chunks of half the bulk buffer; the
 * guest's data are copied before they are compared.
 */
final class VerifyCommand {

    private static final int HALF = ScsiTask.BULK_BYTES / 2;
    private static final int COMPARE_NOTHING = 0;
    private static final int COMPARE_ALL = 1;
    private static final int BYTCHK_RESERVED = 2;
    private static final int BYTCHK_HIGH_BIT = 2;

    private final Disk disk;
    private final BlockGeometry geometry;

    VerifyCommand(Disk disk, BlockGeometry geometry) {
        this.disk = disk;
        this.geometry = geometry;
    }

    void execute(ScsiTask task, ScsiCommand command) throws DiskException {
        if (ReadWriteCommands.refusesProtection(task, command)) {
            return;
        }
        int compare = (task.cdb(1) & Cdb.BYTCHK_MASK) >>> 1;
        if (compare == BYTCHK_RESERVED) {
            task.invalidField(1, BYTCHK_HIGH_BIT);
            return;
        }
        long lba = command.lba(task.cdb(), 0);
        long blocks = command.count(task.cdb(), 0);
        if (!geometry.check(task, command, lba, blocks, geometry.maxTransferBlocks())) {
            return;
        }
        long bytes = geometry.bytes(blocks);
        long given =
                compare == COMPARE_NOTHING || bytes == 0
                        ? 0
                        : compare == COMPARE_ALL ? bytes : geometry.blockBytes();
        if (task.dataOutBytes() < given) {
            task.shortDataOut();
            return;
        }
        if (task.mustDefer(disk.mayBlock() || bytes > BlockGeometry.INLINE_RANGE_BYTES)) {
            return;
        }
        long differsAt = differsAt(task, geometry.bytes(lba), bytes, compare);
        if (differsAt >= 0) {
            task.checkCondition(SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY);
            task.information(lba + (differsAt >>> geometry.shift()));
        }
        task.movedOut(given);
    }

    /** First byte of the range that differs from the guest's data, or -1. */
    private long differsAt(ScsiTask task, long offset, long bytes, int compare)
            throws DiskException {
        MemorySegment bulk = task.bulk();
        boolean oneBlock = compare > COMPARE_ALL;
        if (oneBlock && bytes != 0) {
            repeatBlock(task, bulk);
        }
        for (long done = 0; done < bytes; done += HALF) {
            int chunk = (int) Math.min(HALF, bytes - done);
            IoVector into = task.bulkVector();
            into.add(bulk, 0, chunk);
            disk.read(offset + done, into);
            if (compare == COMPARE_NOTHING) {
                continue;
            }
            if (!oneBlock) {
                task.data().copyTo(done, bulk, HALF, chunk);
            }
            long mismatch = MemorySegment.mismatch(bulk, 0, chunk, bulk, HALF, HALF + chunk);
            if (mismatch >= 0) {
                return done + mismatch;
            }
        }
        return -1;
    }

    /** Fills the upper half of the bulk buffer with copies of the guest's one block, read once. */
    private void repeatBlock(ScsiTask task, MemorySegment bulk) {
        int blockBytes = geometry.blockBytes();
        task.data().copyTo(0, bulk, HALF, blockBytes);
        for (int at = blockBytes; at < HALF; at += blockBytes) {
            MemorySegment.copy(bulk, HALF, bulk, HALF + at, blockBytes);
        }
    }
}
