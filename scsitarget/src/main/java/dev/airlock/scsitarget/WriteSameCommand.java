package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.memory.IoVector;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * WRITE SAME(10) and (16) (SBC-3 sections 5.44 and 5.45). Zeroes, given or by NDOB, become the
 * disk's own way of writing zeroes, which may free the space when the UNMAP bit says so; other
 * patterns are written in bounded chunks.
 */
final class WriteSameCommand {

    private static final int WRITE_DATA_BITS = 0x06;
    private static final int CHUNK_REPEATS = 16;

    private final Disk disk;
    private final BlockGeometry geometry;
    private final ModeState mode;

    WriteSameCommand(Disk disk, BlockGeometry geometry, ModeState mode) {
        this.disk = disk;
        this.geometry = geometry;
        this.mode = mode;
    }

    void execute(ScsiTask task, ScsiCommand command) throws DiskException {
        if (ReadWriteCommands.refusesProtection(task, command) || refusesFlags(task)) {
            return;
        }
        long lba = command.lba(task.cdb(), 0);
        long blocks = command.count(task.cdb(), 0);
        if (blocks == 0) {
            task.invalidField(command.countAt(), -1);
            return;
        }
        if (!geometry.check(task, command, lba, blocks, geometry.maxWriteSameBlocks())) {
            return;
        }
        if (mode.isReadOnly()) {
            task.writeProtected();
            return;
        }
        boolean noData =
                command == ScsiCommand.WRITE_SAME_16 && (task.cdb(1) & Cdb.WRITE_SAME_NDOB) != 0;
        if (!noData && task.dataOutBytes() != geometry.blockBytes()) {
            task.shortDataOut();
            return;
        }
        long bytes = geometry.bytes(blocks);
        if (task.mustDefer(disk.mayBlock() || bytes > BlockGeometry.INLINE_RANGE_BYTES)) {
            return;
        }
        boolean unmap = (task.cdb(1) & Cdb.WRITE_SAME_UNMAP) != 0;
        if (noData || fetchPatternIsZero(task)) {
            disk.writeZeroes(geometry.bytes(lba), bytes, unmap);
            if (mode.mustWriteThrough()) {
                disk.flush();
            }
        } else {
            writePattern(task, geometry.bytes(lba), bytes);
        }
        task.movedOut(noData ? 0 : geometry.blockBytes());
    }

    /**
     * ANCHOR needs anchored blocks, UNMAP a disk that unmaps, PBDATA and LBDATA are of older
     * standards.
     */
    private boolean refusesFlags(ScsiTask task) {
        int flags = task.cdb(1);
        if ((flags & Cdb.WRITE_SAME_ANCHOR) != 0) {
            task.invalidField(1, 4);
        } else if ((flags & Cdb.WRITE_SAME_UNMAP) != 0 && !geometry.canUnmap()) {
            task.invalidField(1, 3);
        } else if ((flags & WRITE_DATA_BITS) != 0) {
            task.invalidField(1, 2);
        } else {
            return false;
        }
        return true;
    }

    /**
     * Copies the guest's block to the start of the bulk buffer, once, and tells whether it is all
     * zero.
     */
    private boolean fetchPatternIsZero(ScsiTask task) {
        int blockBytes = geometry.blockBytes();
        MemorySegment bulk = task.bulk();
        task.data().copyTo(0, bulk, 0, blockBytes);
        for (int at = 0; at < blockBytes; at += Long.BYTES) {
            if (bulk.get(ValueLayout.JAVA_LONG, at) != 0) {
                return false;
            }
        }
        return true;
    }

    private void writePattern(ScsiTask task, long offset, long bytes) throws DiskException {
        int blockBytes = geometry.blockBytes();
        MemorySegment bulk = task.bulk();
        int filled = (int) Math.min(ScsiTask.BULK_BYTES, bytes);
        for (int at = blockBytes; at < filled; at += blockBytes) {
            MemorySegment.copy(bulk, 0, bulk, at, blockBytes);
        }
        long done = 0;
        while (done < bytes) {
            IoVector from = task.bulkVector();
            for (int i = 0; i < CHUNK_REPEATS && done + from.totalBytes() < bytes; i++) {
                from.add(bulk, 0, Math.min(filled, bytes - done - from.totalBytes()));
            }
            disk.write(offset + done, from, mode.mustWriteThrough());
            done += from.totalBytes();
        }
    }
}
