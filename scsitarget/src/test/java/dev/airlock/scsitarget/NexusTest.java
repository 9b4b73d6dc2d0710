package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ReportLuns;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Unit attentions, addresses where nothing is, and units that come and go. */
class NexusTest {

    private final TestGuest guest = TestGuest.withBlocks(512, 64);
    private final MemorySegment cdb = Arena.ofAuto().allocate(Cdb.BYTES);
    private final MemorySegment memory = Arena.ofAuto().allocate(8192);

    private static LogicalUnit unit() {
        return new LogicalUnit(
                new TestDisk(512, 8), DiskIdentity.ofSerial("x"), LogicalUnitOptions.defaults());
    }

    private byte[] at(Nexus nexus, int path, int target, int lun, ScsiCommand command, int count) {
        Cdb.encode(cdb, 0, command, 0, count);
        return execute(nexus, path, target, lun, command);
    }

    private byte[] execute(Nexus nexus, int path, int target, int lun, ScsiCommand command) {
        IoVector data = new IoVector(1);
        data.add(memory, 0, memory.byteSize());
        nexus.execute(
                path,
                target,
                lun,
                cdb,
                0,
                command.cdbBytes(),
                VstorSrb.DIRECTION_IN,
                data,
                guest.task);
        return memory.asSlice(0, guest.task.transferredBytes()).toArray(ValueLayout.JAVA_BYTE);
    }

    private int[] luns(Nexus nexus, int path, int target, int lun) {
        byte[] data = at(nexus, path, target, lun, ScsiCommand.REPORT_LUNS, 8192);
        guest.succeeded();
        MemorySegment list = MemorySegment.ofArray(data);
        int[] luns = new int[ReportLuns.count(list, 0, data.length)];
        assertThat(data).hasSize(ReportLuns.bytes(luns.length));
        for (int i = 0; i < luns.length; i++) {
            luns[i] = ReportLuns.lun(list, 0, i);
        }
        return luns;
    }

    @Test
    void shouldStartWithoutUnitAttentions() {
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
    }

    @Test
    void shouldReportEachAttentionOnceAndResetsFirst() {
        ItlNexus itl = guest.itl();
        guest.unit.inquiryChanged();
        guest.unit.capacityChanged();
        guest.unit.capacityChanged();
        itl.reset(UnitAttention.DEVICE_RESET);
        itl.reset(UnitAttention.BUS_RESET);
        guest.command(ScsiCommand.READ_10, 0, 1).receive(512);
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.SCSI_BUS_RESET_OCCURRED).moved(0);
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]);
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_CHANGED);
        assertThat(guest.disk.writes).isZero();
        guest.raw(0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.INQUIRY_DATA_HAS_CHANGED);
        guest.send()
                .failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
    }

    @Test
    void shouldKeepAttentionsForExemptCommandsAndForEachGuest() {
        TestGuest other = guest.another();
        guest.unit.capacityChanged();
        guest.command(ScsiCommand.INQUIRY, 0, 36).receive(36);
        guest.succeeded();
        guest.command(ScsiCommand.REPORT_LUNS, 0, 64).receive(64);
        guest.succeeded();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_CHANGED);
        guest.send().succeeded();
        other.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        other.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_CHANGED);
    }

    @Test
    void shouldShowTheNewCapacityAfterAResize() {
        guest.disk.resize(32 * 512);
        guest.unit.capacityChanged();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_CHANGED);
        assertThat(guest.command(ScsiCommand.READ_CAPACITY_10, 0, 0).receive(8)[3])
                .isEqualTo((byte) 31);
        guest.command(ScsiCommand.READ_10, 32, 1).receive(512);
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
    }

    @Test
    void shouldResetEveryUnitOfOneGuestOnly() {
        TestGuest other = guest.another();
        guest.nexus.resetAll();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.SCSI_BUS_RESET_OCCURRED);
        other.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
    }

    @Test
    void shouldSayThatNothingIsThereAtEveryOtherAddress() {
        for (int[] where : new int[][] {{0, 0, 1}, {0, 1, 0}, {3, 0, 0}, {255, 255, 255}}) {
            byte[] inquiry = at(guest.nexus, where[0], where[1], where[2], ScsiCommand.INQUIRY, 36);
            guest.succeeded();
            assertThat(inquiry).hasSize(36);
            assertThat(inquiry[0]).isEqualTo((byte) 0x7F);
            Cdb.encodeInquiryVpd(cdb, 0, 0x83, 255);
            assertThat(execute(guest.nexus, where[0], where[1], where[2], ScsiCommand.INQUIRY))
                    .containsExactly(0x7F, 0x83, 0, 0);
            byte[] sense =
                    at(guest.nexus, where[0], where[1], where[2], ScsiCommand.REQUEST_SENSE, 18);
            assertThat(Sense.additionalSense(MemorySegment.ofArray(sense), 0))
                    .isEqualTo(AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
        }
        assertThat(luns(guest.nexus, 0, 0, 7)).containsExactly(0);
        assertThat(luns(guest.nexus, 0, 1, 0)).isEmpty();
        assertThat(luns(guest.nexus, 1, 0, 0)).isEmpty();
        assertThat(guest.nexus.find(-1, 0, 0)).isNull();
        assertThat(guest.nexus.find(0, 256, 0)).isNull();
    }

    @Test
    void shouldNotMakeTheDriverRemoveTheDeviceOfPathZero() {
        at(guest.nexus, 1, 0, 0, ScsiCommand.TEST_UNIT_READY, 0);
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
        at(guest.nexus, 0, 0, 1, ScsiCommand.TEST_UNIT_READY, 0);
        assertThat(guest.task.srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
        assertThat(guest.task.scsiStatus()).isEqualTo(ScsiStatus.GOOD);
        at(guest.nexus, 1, 0, 1, ScsiCommand.TEST_UNIT_READY, 0);
        assertThat(guest.task.srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
    }

    @Test
    void shouldRefuseUnknownKindsOfLunReports() {
        guest.command(ScsiCommand.REPORT_LUNS, 0, 64).bits(2, 3).receive(64);
        guest.invalidField(2, -1);
        assertThat(guest.command(ScsiCommand.REPORT_LUNS, 0, 64).bits(2, 1).receive(64)).hasSize(8);
        assertThat(guest.command(ScsiCommand.REPORT_LUNS, 0, 12).bits(2, 2).receive(64))
                .hasSize(12);
    }

    @Test
    void shouldTellAGuestThatUnitsCameAndWent() {
        guest.bus.add(new LunAddress(0, 0, 5), unit());
        guest.bus.add(new LunAddress(0, 1, 0), unit());
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
        guest.send().succeeded();
        at(guest.nexus, 0, 0, 5, ScsiCommand.TEST_UNIT_READY, 0);
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.POWER_ON_OCCURRED);
        at(guest.nexus, 0, 0, 5, ScsiCommand.TEST_UNIT_READY, 0);
        guest.succeeded();
        assertThat(guest.bus.remove(new LunAddress(0, 0, 5))).isNotNull();
        assertThat(guest.bus.remove(new LunAddress(0, 0, 5))).isNull();
        at(guest.nexus, 0, 0, 5, ScsiCommand.TEST_UNIT_READY, 0);
        assertThat(guest.task.srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
        // The list itself tells: what it has told is no news any more.
        assertThat(luns(guest.nexus, 0, 0, 0)).containsExactly(0);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
        assertThat(luns(guest.bus.connect(), 0, 1, 0)).containsExactly(0);
    }

    @Test
    void shouldKeepAddressesAndNumbersOfUnits() {
        TargetBus bus = new TargetBus(300);
        for (int lun = 255; lun >= 0; lun--) {
            bus.add(new LunAddress(2, 1, lun), unit());
        }
        assertThat(luns(bus.connect(), 2, 1, 9)).hasSize(256).isSorted();
        assertThat(bus.freeLun(2, 1)).isEqualTo(-1);
        assertThat(bus.freeLun(2, 0)).isZero();
        assertThat(bus.units()).hasSize(256);
        assertThatIllegalStateException()
                .isThrownBy(() -> bus.add(new LunAddress(2, 1, 0), unit()))
                .withMessageContaining("2:1:0");
        assertThatIllegalStateException()
                .isThrownBy(() -> {
                    for (int lun = 0; lun < 256; lun++) {
                        bus.add(new LunAddress(0, 0, lun), unit());
                    }
                })
                .withMessageContaining("maxUnits=300");
    }

    @Test
    void shouldWaitForCommandsUnderWayBeforeADiskMayBeClosed() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        TestDisk slow = new TestDisk(512, 8);
        LogicalUnit unit =
                new LogicalUnit(
                        new StallingDisk(slow, reading, release),
                        DiskIdentity.ofSerial("x"),
                        LogicalUnitOptions.defaults());
        LunAddress address = new LunAddress(0, 0, 1);
        guest.bus.add(address, unit);
        guest.bus.connect();
        ItlNexus itl = Objects.requireNonNull(guest.nexus.find(0, 0, 1));
        itl.takeAttention();
        ScsiTask task = new ScsiTask();
        Thread reader =
                Thread.ofPlatform()
                        .start(() -> {
                            MemorySegment read = Arena.ofAuto().allocate(Cdb.BYTES);
                            Cdb.encode(read, 0, ScsiCommand.READ_10, 0, 1);
                            IoVector data = new IoVector(1);
                            data.add(memory, 0, 512);
                            itl.execute(read, 0, 10, VstorSrb.DIRECTION_IN, data, task);
                        });
        reading.await();
        assertThat(guest.bus.remove(address)).isSameAs(unit);
        assertThat(unit.awaitIdle(1)).isFalse();
        itl.execute(cdb, 0, 6, VstorSrb.DIRECTION_NONE, new IoVector(1), guest.task);
        assertThat(guest.task.srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
        release.countDown();
        assertThat(unit.awaitIdle(10_000)).isTrue();
        reader.join();
        assertThat(task.scsiStatus()).isEqualTo(ScsiStatus.GOOD);
        assertThat(task.transferredBytes()).isEqualTo(512);
    }

    @Test
    void shouldForgetAGuestThatHasGone() throws InterruptedException {
        TestGuest other = guest.another();
        guest.bus.remove(TestGuest.ADDRESS);
        assertThat(guest.unit.awaitIdle(0)).isTrue();
        guest.bus.add(TestGuest.ADDRESS, guest.unit);
        assertThat(guest.unit.awaitIdle(0)).isFalse();
        guest.nexus.close();
        assertThat(guest.unit.awaitIdle(0)).isFalse();
        other.nexus.close();
        other.nexus.close();
        assertThat(guest.unit.awaitIdle(0)).isTrue();
        guest.command(ScsiCommand.INQUIRY, 0, 36);
        assertThat(guest.receive(36)[0]).isEqualTo((byte) 0x7F);
    }
}
