package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.VstorSrb;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What may run on a thread that must not wait. */
class InlineTest {

    private final TestGuest guest = TestGuest.withBlocks(512, 4096);

    private boolean read(int flags, int room) {
        return guest.command(ScsiCommand.READ_10, 0, 2)
                .bits(1, flags)
                .trySend(VstorSrb.DIRECTION_IN, room);
    }

    private boolean write(ScsiCommand command, long blocks, int bytes) {
        return guest.command(command, 0, blocks).trySend(VstorSrb.DIRECTION_OUT, bytes);
    }

    @Test
    void shouldDoEverythingShortOnADiskAtMemorySpeed() {
        assertThat(read(0, 1024)).isTrue();
        assertThat(read(Cdb.FUA, 1000)).isTrue();
        assertThat(write(ScsiCommand.WRITE_10, 2, 1024)).isTrue();
        assertThat(write(ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0)).isTrue();
        assertThat(write(ScsiCommand.WRITE_SAME_10, 2048, 512)).isTrue();
        guest.succeeded();
        assertThat(write(ScsiCommand.VERIFY_10, 2048, 0)).isTrue();
        guest.succeeded();
    }

    @Test
    void shouldLeaveLongRangesToAnotherThread() {
        assertThat(write(ScsiCommand.WRITE_SAME_10, 2049, 512)).isFalse();
        assertThat(write(ScsiCommand.VERIFY_10, 2049, 0)).isFalse();
        assertThat(write(ScsiCommand.UNMAP, 24, 24)).isFalse();
    }

    @Test
    void shouldLeaveWhatWaitsForTheDiskToAnotherThreadUndone() {
        guest.disk.mayBlock = true;
        assertThat(write(ScsiCommand.WRITE_10, 2, 1024)).isFalse();
        assertThat(write(ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0)).isFalse();
        assertThat(write(ScsiCommand.WRITE_SAME_10, 1, 512)).isFalse();
        assertThat(write(ScsiCommand.VERIFY_10, 1, 0)).isFalse();
        assertThat(
                        guest.command(ScsiCommand.GET_LBA_STATUS, 0, 24)
                                .trySend(VstorSrb.DIRECTION_IN, 24))
                .isFalse();
        assertThat(guest.raw(0x1B, 0, 0, 0, 0, 0).trySend(VstorSrb.DIRECTION_NONE, 0)).isFalse();
        assertThat(
                        guest.command(ScsiCommand.MODE_SELECT_6, 0, 24)
                                .bits(1, 0x10)
                                .trySend(VstorSrb.DIRECTION_OUT, 24))
                .isFalse();
        assertThat(read(Cdb.FUA, 1024)).isFalse();
        assertThat(read(0, 1000)).isFalse();
        assertThat(guest.disk.writes + guest.disk.flushes).isZero();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
    }

    @Test
    void shouldReadFromACacheAtOnce() {
        guest.disk.mayBlock = true;
        assertThat(read(0, 1024)).isTrue();
        guest.succeeded().moved(1024);
        guest.disk.tryReads = false;
        assertThat(read(0, 1024)).isFalse();
        guest.itl().execute(guest.cdb(), 0, 10, VstorSrb.DIRECTION_IN, guest.data(), guest.task);
        guest.succeeded().moved(1024);
    }

    @Test
    void shouldAnswerWhatNeedsNoDiskAtOnce() {
        guest.disk.mayBlock = true;
        for (ScsiCommand command :
                List.of(
                        ScsiCommand.TEST_UNIT_READY,
                        ScsiCommand.INQUIRY,
                        ScsiCommand.REPORT_LUNS,
                        ScsiCommand.READ_CAPACITY_10,
                        ScsiCommand.READ_CAPACITY_16,
                        ScsiCommand.REQUEST_SENSE,
                        ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES)) {
            assertThat(guest.command(command, 0, 0).trySend(VstorSrb.DIRECTION_IN, 512)).isTrue();
            guest.good();
        }
        assertThat(
                        guest.command(ScsiCommand.WRITE_10, 4096, 1)
                                .trySend(VstorSrb.DIRECTION_OUT, 512))
                .isTrue();
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        guest.unit.capacityChanged();
        assertThat(write(ScsiCommand.WRITE_10, 2, 1024)).isTrue();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_CHANGED);
    }
}
