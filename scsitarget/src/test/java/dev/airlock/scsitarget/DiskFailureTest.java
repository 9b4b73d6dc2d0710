package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.VstorSrb;
import org.junit.jupiter.api.Test;

class DiskFailureTest {

    private final TestGuest guest = TestGuest.withBlocks(512, 64);

    private void expect(DiskException.Kind kind, int key, int readSense, int writeSense) {
        guest.disk.failReads = kind;
        guest.disk.failWrites = kind;
        guest.command(ScsiCommand.READ_10, 0, 1).receive(512);
        guest.failed(key, readSense).moved(0);
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]);
        guest.failed(key, writeSense).moved(0);
        guest.command(ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0).send().failed(key, writeSense);
        guest.command(ScsiCommand.WRITE_SAME_10, 0, 1).send(new byte[512]).failed(key, writeSense);
        guest.disk.failReads = null;
        guest.disk.failWrites = null;
        guest.command(ScsiCommand.READ_10, 0, 1).receive(512);
        guest.succeeded();
    }

    @Test
    void shouldTurnEachKindOfFailureIntoItsSense() {
        expect(
                DiskException.Kind.IO,
                SenseKey.MEDIUM_ERROR,
                AdditionalSense.UNRECOVERED_READ_ERROR,
                AdditionalSense.WRITE_ERROR);
        same(
                DiskException.Kind.NO_SPACE,
                SenseKey.DATA_PROTECT,
                AdditionalSense.SPACE_ALLOCATION_FAILED);
        same(DiskException.Kind.READ_ONLY, SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
        same(
                DiskException.Kind.OUT_OF_RANGE,
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.LBA_OUT_OF_RANGE);
        same(
                DiskException.Kind.POISONED,
                SenseKey.HARDWARE_ERROR,
                AdditionalSense.INTERNAL_TARGET_FAILURE);
    }

    private void same(DiskException.Kind kind, int key, int additionalSense) {
        expect(kind, key, additionalSense, additionalSense);
    }

    @Test
    void shouldCountABugAndGoOn() {
        guest.disk.bug = new IllegalStateException("injected");
        guest.command(ScsiCommand.READ_10, 0, 1);
        guest.buffer(512);
        guest.itl().execute(guest.cdb(), 0, 10, VstorSrb.DIRECTION_IN, guest.data(), guest.task);
        assertThat(Sense.describe(guest.task.sense(), 0, guest.task.senseBytes()))
                .isEqualTo("HARDWARE ERROR: INTERNAL TARGET FAILURE");
        assertThat(guest.unit.bugs()).isEqualTo(1);
        assertThat(guest.unit.firstBug()).isSameAs(guest.disk.bug);
        guest.disk.bug = null;
        guest.itl().execute(guest.cdb(), 0, 10, VstorSrb.DIRECTION_IN, guest.data(), guest.task);
        guest.succeeded();
    }
}
