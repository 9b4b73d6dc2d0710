package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.CapacityData;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;

/** REQUEST SENSE, READ CAPACITY, START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL. */
final class PrimaryCommands {

    private static final int REQUEST_SENSE_DESC = 0x01;
    private static final int CAPACITY_PMI_AT = 8;
    private static final int START_STOP_AT = 4;
    private static final int START = 0x01;
    private static final int LOEJ = 0x02;
    private static final int NO_FLUSH = 0x04;
    private static final int POWER_CONDITION_MASK = 0xF0;
    private static final int PREVENT_AT = 4;
    private static final int PREVENT_OBSOLETE = 0x02;

    private final Disk disk;
    private final BlockGeometry geometry;
    private final ModeState mode;

    PrimaryCommands(Disk disk, BlockGeometry geometry, ModeState mode) {
        this.disk = disk;
        this.geometry = geometry;
        this.mode = mode;
    }

    /**
     * SPC-4 section 6.39: sense data as data; a pending unit attention is reported and cleared
     * here.
     */
    void requestSense(ScsiTask task, ItlNexus nexus) {
        UnitAttention attention = nexus.takeAttention();
        if (attention != null) {
            Sense.write(task.sense(), 0, SenseKey.UNIT_ATTENTION, attention.additionalSense());
        } else if (nexus.isStopped()) {
            Sense.write(
                    task.sense(),
                    0,
                    SenseKey.NOT_READY,
                    AdditionalSense.INITIALIZING_COMMAND_REQUIRED);
        } else {
            Sense.write(task.sense(), 0, SenseKey.NO_SENSE, AdditionalSense.NONE);
        }
        int bytes;
        if ((task.cdb(1) & REQUEST_SENSE_DESC) != 0) {
            bytes = Sense.toDescriptorFormat(task.sense(), 0, task.scratch(), 0);
        } else {
            task.scratch().asSlice(0, Sense.BYTES).copyFrom(task.sense().asSlice(0, Sense.BYTES));
            bytes = Sense.BYTES;
        }
        task.respond(bytes, ScsiCommand.REQUEST_SENSE.count(task.cdb(), 0));
    }

    /** SBC-3 section 5.15; without PMI an LBA is an error, as SBC-2 had it. */
    void readCapacity10(ScsiTask task) {
        boolean partial = (task.cdb(CAPACITY_PMI_AT) & 1) != 0;
        if (!partial && ScsiCommand.READ_CAPACITY_10.lba(task.cdb(), 0) != 0) {
            task.invalidField(ScsiCommand.READ_CAPACITY_10.lbaAt(), -1);
            return;
        }
        CapacityData.write10(task.scratch(), 0, geometry.lastLba(), geometry.blockBytes());
        task.respond(CapacityData.BYTES_10, CapacityData.BYTES_10);
    }

    /** SBC-3 section 5.16. */
    void readCapacity16(ScsiTask task) {
        boolean managed = geometry.canUnmap();
        CapacityData.write16(
                task.scratch(),
                0,
                geometry.lastLba(),
                geometry.blockBytes(),
                geometry.physicalExponent(),
                managed,
                managed && geometry.unmapReadsZeroes());
        task.respond(CapacityData.BYTES_16, ScsiCommand.READ_CAPACITY_16.count(task.cdb(), 0));
    }

    /**
     * SBC-3 section 5.25, without power conditions, since none is announced, and without ejecting,
     * since the medium stays. Stopped is stopped for this guest alone: another guest of a shared
     * disk must not notice.
     */
    void startStop(ScsiTask task, ItlNexus nexus) throws DiskException {
        int flags = task.cdb(START_STOP_AT);
        if ((flags & POWER_CONDITION_MASK) != 0) {
            task.invalidField(START_STOP_AT, 7);
            return;
        }
        if ((flags & LOEJ) != 0) {
            task.invalidField(START_STOP_AT, 1);
            return;
        }
        boolean start = (flags & START) != 0;
        if (!start && (flags & NO_FLUSH) == 0 && mode.isWriteCacheEnabled()) {
            if (task.mustDefer(disk.mayBlock())) {
                return;
            }
            disk.flush();
        }
        nexus.stopped(!start);
        task.good();
    }

    /**
     * SPC-4 section 6.19 (SBC-3 5.13): a medium that cannot be removed is prevented from it
     * already.
     */
    void preventAllow(ScsiTask task) {
        if ((task.cdb(PREVENT_AT) & PREVENT_OBSOLETE) != 0) {
            task.invalidField(PREVENT_AT, 1);
        } else {
            task.good();
        }
    }
}
