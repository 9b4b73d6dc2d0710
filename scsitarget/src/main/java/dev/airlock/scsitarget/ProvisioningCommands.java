package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.LbaStatus;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.UnmapParameters;
import java.lang.foreign.MemorySegment;

/** UNMAP and GET LBA STATUS (SBC-3 sections 5.28 and 5.5). */
final class ProvisioningCommands {

    private static final int ANCHOR_BIT = 0;
    private static final int MAX_LIST_BYTES =
            UnmapParameters.bytes(BlockGeometry.MAX_UNMAP_DESCRIPTORS);
    private static final int MAX_STATUS_DESCRIPTORS =
            (ScsiTask.SCRATCH_BYTES - LbaStatus.HEADER_BYTES) / LbaStatus.DESCRIPTOR_BYTES;

    /** Offset of the number of blocks in an UNMAP descriptor, for the field pointer. */
    private static final int DESCRIPTOR_BLOCKS_AT = 8;

    private final Disk disk;
    private final BlockGeometry geometry;
    private final ModeState mode;

    ProvisioningCommands(Disk disk, BlockGeometry geometry, ModeState mode) {
        this.disk = disk;
        this.geometry = geometry;
        this.mode = mode;
    }

    /** All descriptors are checked before the first is carried out. */
    void unmap(ScsiTask task) throws DiskException {
        if (!geometry.canUnmap()) {
            task.checkCondition(
                    SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
            return;
        }
        if ((task.cdb(1) & Cdb.UNMAP_ANCHOR) != 0) {
            task.invalidField(1, ANCHOR_BIT);
            return;
        }
        int listBytes = (int) ScsiCommand.UNMAP.count(task.cdb(), 0);
        if (listBytes == 0) {
            task.good();
            return;
        }
        if (task.mustDefer(true)) {
            return;
        }
        if (listBytes < UnmapParameters.HEADER_BYTES) {
            task.parameterListLengthError();
            return;
        }
        if (task.dataOutBytes() < listBytes) {
            task.shortDataOut();
            return;
        }
        if (!task.fetchParameters(Math.min(listBytes, MAX_LIST_BYTES))) {
            return;
        }
        int descriptors = countDescriptors(task, listBytes);
        if (descriptors < 0 || !checkDescriptors(task, descriptors)) {
            return;
        }
        for (int i = 0; i < descriptors; i++) {
            long blocks = UnmapParameters.blocks(task.scratch(), 0, i);
            if (blocks != 0) {
                long lba = UnmapParameters.lba(task.scratch(), 0, i);
                disk.unmap(geometry.bytes(lba), geometry.bytes(blocks));
            }
        }
        if (mode.mustWriteThrough()) {
            disk.flush();
        }
        task.movedOut(listBytes);
    }

    /**
     * Whole descriptors in the list, an incomplete last one being ignored as SBC-3 says; -1 with
     * sense data set.
     */
    private static int countDescriptors(ScsiTask task, int listBytes) {
        int told = UnmapParameters.descriptorLength(task.scratch(), 0);
        if (told > listBytes - UnmapParameters.HEADER_BYTES) {
            task.parameterListLengthError();
            return -1;
        }
        int descriptors = told / UnmapParameters.DESCRIPTOR_BYTES;
        if (descriptors > BlockGeometry.MAX_UNMAP_DESCRIPTORS) {
            task.invalidParameter(UnmapParameters.DESCRIPTOR_LENGTH_OFFSET, -1);
            return -1;
        }
        return descriptors;
    }

    private boolean checkDescriptors(ScsiTask task, int descriptors) {
        MemorySegment list = task.scratch();
        long total = 0;
        for (int i = 0; i < descriptors; i++) {
            long blocks = UnmapParameters.blocks(list, 0, i);
            if (!geometry.contains(UnmapParameters.lba(list, 0, i), blocks)) {
                task.outOfRange();
                return false;
            }
            total += blocks;
            if (total > geometry.maxUnmapBlocks()) {
                int descriptorAt =
                        UnmapParameters.HEADER_BYTES + i * UnmapParameters.DESCRIPTOR_BYTES;
                task.invalidParameter(descriptorAt + DESCRIPTOR_BLOCKS_AT, -1);
                return false;
            }
        }
        if (mode.isReadOnly()) {
            task.writeProtected();
            return false;
        }
        return true;
    }

    /** Describes the blocks from an LBA on, as many as fit the allocation length. */
    void getLbaStatus(ScsiTask task) throws DiskException {
        ScsiCommand command = ScsiCommand.GET_LBA_STATUS;
        long lba = command.lba(task.cdb(), 0);
        if (!geometry.contains(lba, 1)) {
            task.outOfRange();
            return;
        }
        if (task.mustDefer(disk.mayBlock())) {
            return;
        }
        long allocation = command.count(task.cdb(), 0);
        long wanted = (allocation - LbaStatus.HEADER_BYTES) / LbaStatus.DESCRIPTOR_BYTES;
        int limit = Math.clamp(wanted, 1, MAX_STATUS_DESCRIPTORS);
        LbaStatusCollector collector = task.lbaStatus();
        collector.begin(task.scratch(), limit, lba, geometry.shift());
        long offset = geometry.bytes(lba);
        disk.extents(offset, geometry.bytes(geometry.blocks()) - offset, collector);
        task.respond(LbaStatus.bytes(collector.end()), allocation);
    }
}
