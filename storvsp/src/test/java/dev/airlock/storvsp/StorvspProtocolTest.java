package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.storvsp.ScriptedGuest.Answer;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StorvspProtocolTest {
    private static final int TEST_UNIT_READY = 0;
    private static final int INQUIRY = 0x12;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;

    private final MemoryDisk disk = new MemoryDisk(1 << 20, 512, false);
    private final StorvspOptions options = StorvspOptions.defaults().withMaxTransferBytes(64 << 10);
    private final TestUnits units = new TestUnits(disk);
    private final StorvspDevice device = units.device("guest1", options);
    private LoopbackGuest guest;
    private ScriptedGuest channel;

    @BeforeEach
    void open() throws IOException {
        guest = new LoopbackGuest(device);
        channel = guest.open();
    }

    @AfterEach
    void close() {
        guest.close();
        disk.close();
    }

    @Test
    void shouldNegotiateAndThenRunCommands() {
        channel.negotiate();
        channel.sendCommand(7, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);

        Answer answer = channel.receive();
        assertThat(answer.type()).isEqualTo(PacketDescriptor.TYPE_COMPLETION);
        assertThat(answer.id()).isEqualTo(7);
        assertThat(answer.operation()).isEqualTo(VstorOperation.COMPLETE_IO);
        assertThat(answer.status()).isZero();
        assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        assertThat(device.protocolVersion()).isEqualTo(VstorVersion.V6_2);
    }

    @Test
    void shouldAdvertiseItsLargestTransfer() {
        channel.control(VstorOperation.BEGIN_INITIALIZATION, 0);
        channel.control(VstorOperation.QUERY_PROTOCOL_VERSION, VstorVersion.V5_1);
        Answer properties = channel.control(VstorOperation.QUERY_PROPERTIES, 0);

        assertThat(VstorChannelProperties.maxTransferBytes(properties.vstor(), 0))
                .isEqualTo(64 << 10);
    }

    @Test
    void shouldRefuseCommandsAndResetsBeforeInitialisationEnds() {
        channel.sendCommand(1, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        channel.sendReset(2, VstorOperation.RESET_BUS, 0);

        assertRefused(1, VstorPacket.STATUS_INVALID_DEVICE_STATE);
        assertRefused(2, VstorPacket.STATUS_INVALID_DEVICE_STATE);
    }

    @Test
    void shouldRefuseToInitialiseOnASubchannel() throws IOException {
        ScriptedGuest sub = guest.open();
        sub.sendControl(5, VstorOperation.BEGIN_INITIALIZATION, 0);

        assertThat(sub.receive().status()).isEqualTo(VstorPacket.STATUS_INVALID_DEVICE_STATE);
    }

    @Test
    void shouldRunCommandsOnASubchannelOnlyOnceInitialised() throws IOException {
        ScriptedGuest sub = guest.open();
        sub.sendCommand(1, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        assertThat(sub.receive().status()).isEqualTo(VstorPacket.STATUS_INVALID_DEVICE_STATE);
        channel.negotiate();
        sub.sendCommand(2, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);

        assertThat(sub.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }

    @Test
    void shouldAnswerUnknownOperationsWithAnErrorAndGoOn() {
        channel.negotiate();
        channel.sendControl(9, 77, 0);

        assertRefused(9, VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
        assertWorks();
    }

    @Test
    void shouldCompleteOnlyWhatAsksForIt() {
        channel.negotiate();
        channel.askForCompletions(false);
        channel.sendCommand(1, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        channel.sendControl(2, 77, 0);
        channel.askForCompletions(true);
        channel.sendCommand(3, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);

        assertThat(channel.receive().id()).isEqualTo(3);
    }

    @Test
    void shouldAnswerAPacketTooShortForItsOperationWithAnError() {
        channel.negotiate();
        srb(channel.inBand(4), VstorSrb.DIRECTION_NONE, 0);
        PacketDescriptor.encode(
                channel.packet(),
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                PacketDescriptor.BYTES + VstorPacket.BYTES - 8,
                PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                4);
        channel.send();

        assertRefused(4, VstorPacket.STATUS_INVALID_PARAMETER);
        assertWorks();
    }

    @Test
    void shouldAnswerPacketsOfOtherTypesWithAnError() {
        channel.negotiate();
        srb(channel.inBand(4), VstorSrb.DIRECTION_NONE, 0);
        PacketDescriptor.encode(
                channel.packet(),
                0,
                PacketDescriptor.TYPE_DATA_USING_GPADL,
                PacketDescriptor.BYTES,
                PacketDescriptor.BYTES + VstorPacket.BYTES,
                PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                4);
        channel.send();

        assertRefused(4, VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
        assertWorks();
    }

    @Test
    void shouldFailAnSrbThatNamesAPageTheHostDoesNotSeeAndCountIt() {
        channel.negotiate();
        long beyond = guest.memory().visiblePageCount() << HvPage.SHIFT;
        channel.sendTransfer(1, 0, false, 0, beyond - 4096, 8192);

        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_REQUEST);
        assertThat(device.statistics().invisiblePages()).isEqualTo(1);
        assertWorks();
    }

    @Test
    void shouldNotSeeThePrivateMemoryOfAnIsolatedGuest() throws IOException {
        try (LoopbackGuest isolated =
                new LoopbackGuest(
                        units.device("guest2", options), GuestMemory.isolated(1 << 20, 1 << 20))) {
            ScriptedGuest its = isolated.open();
            its.negotiate();
            long privateGpa = isolated.memory().privatePages().allocate(4096, 4096);
            its.sendTransfer(1, 0, false, 0, privateGpa, 4096);
            assertThat(its.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_REQUEST);
            its.sendTransfer(2, 0, false, 0, isolated.allocate(4096), 4096);

            assertThat(its.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            assertThat(isolated.device().statistics().invisiblePages()).isEqualTo(1);
        }
    }

    @Test
    void shouldEnforceTheLargestTransfer() {
        channel.negotiate();
        long gpa = guest.allocate(256 << 10);
        channel.sendTransfer(1, 0, false, 0, gpa + 512, 64 << 10);
        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        channel.sendTransfer(2, 0, false, 0, gpa, (64 << 10) + 512);

        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_REQUEST);
        assertThat(device.statistics().tooLarge()).isEqualTo(1);
    }

    @Test
    void shouldFailSrbsWhoseRangesDoNotAddUp() {
        channel.negotiate();
        long gpa = guest.allocate(8192);
        long id = 10;
        // Range shorter than the transfer.
        makeRead(id++, gpa);
        channel.packet().set(U32, GpaDirectPacket.BYTE_COUNT_OFFSET, 512);
        channel.send();
        // More bytes than PFNs.
        makeRead(id++, gpa);
        channel.packet().set(U32, GpaDirectPacket.BYTE_COUNT_OFFSET, 1 << 20);
        channel.send();
        // An offset beyond a page.
        makeRead(id++, gpa);
        channel.packet().set(U32, GpaDirectPacket.BYTE_OFFSET_OFFSET, 4096);
        channel.send();
        makeRead(id++, gpa);
        channel.packet().set(U32, GpaDirectPacket.BYTE_OFFSET_OFFSET, -1);
        channel.send();
        // Two ranges, none, very many.
        for (int ranges : new int[] {2, 0, -1}) {
            makeRead(id++, gpa);
            channel.packet().set(U32, GpaDirectPacket.RANGE_COUNT_OFFSET, ranges);
            channel.send();
        }
        // Data without direction.
        MemorySegment vstor = makeRead(id++, gpa);
        VstorSrb.direction(vstor, 0, VstorSrb.DIRECTION_NONE);
        channel.send();
        // Data without a range.
        srb(channel.inBand(id++), VstorSrb.DIRECTION_IN, 4096);
        channel.send();

        for (long expected = 10; expected < id; expected++) {
            Answer answer = channel.receive();
            assertThat(answer.id()).isEqualTo(expected);
            assertThat(answer.srbStatus()).isEqualTo(SrbStatus.INVALID_REQUEST);
            assertThat(answer.transferred()).isZero();
        }
        assertThat(device.statistics().invalidPackets()).isEqualTo(id - 10);
        assertWorks();
    }

    @Test
    void shouldReportSenseDataOverTheCdbOnlyWhereTheGuestWantsIt() {
        channel.negotiate();
        channel.sendCommand(1, 0, 0xC1, 0, 0, 0, 0, 0);
        MemorySegment vstor = channel.inBand(2);
        ScriptedGuest.srb(vstor, 0, VstorSrb.DIRECTION_NONE, 0, 0xC1, 0, 0, 0, 0, 0);
        VstorSrb.srbFlags(vstor, 0, dev.airlock.scsi.SrbFlags.DISABLE_AUTOSENSE);
        channel.send();

        Answer withSense = channel.receive();
        assertThat(withSense.scsiStatus()).isEqualTo(ScsiStatus.CHECK_CONDITION);
        assertThat(withSense.srbStatus()).isEqualTo(SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID);
        assertThat(withSense.vstor().get(ValueLayout.JAVA_BYTE, VstorSrb.SENSE_OFFSET))
                .isEqualTo((byte) 0x70);
        Answer without = channel.receive();
        assertThat(without.scsiStatus()).isEqualTo(ScsiStatus.CHECK_CONDITION);
        assertThat(without.srbStatus()).isEqualTo(SrbStatus.ERROR);
        assertThat(without.vstor().get(ValueLayout.JAVA_BYTE, VstorSrb.CDB_OFFSET))
                .isEqualTo((byte) 0xC1);
    }

    @Test
    void shouldAnswerForUnitsThatAreNotThere() {
        channel.negotiate();
        long gpa = guest.allocate(4096);
        MemorySegment vstor = channel.gpaDirect(1, gpa, 36);
        ScriptedGuest.srb(vstor, 5, VstorSrb.DIRECTION_IN, 36, INQUIRY, 0, 0, 0, 36, 0);
        channel.send();
        channel.sendCommand(2, 5, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        channel.sendCommand(3, 255, TEST_UNIT_READY, 0, 0, 0, 0, 0);

        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        assertThat(guest.memory().bytes().get(ValueLayout.JAVA_BYTE, gpa)).isEqualTo((byte) 0x7F);
        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
    }

    @Test
    void shouldStartOverWhenThePrimaryChannelIsOpenedAgain() throws IOException {
        channel.negotiate();
        guest.closeChannel(0);
        assertThat(units.disconnected()).isEqualTo(1);
        try (LoopbackGuest again = new LoopbackGuest(device)) {
            ScriptedGuest its = again.open();
            its.sendCommand(1, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
            assertThat(its.receive().status()).isEqualTo(VstorPacket.STATUS_INVALID_DEVICE_STATE);
            its.negotiate();
            its.sendCommand(2, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
            assertThat(its.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        }
        assertThat(units.disconnected()).isEqualTo(2);
    }

    @Test
    void shouldGiveUpABrokenRingAndSayWhyOnce() throws IOException {
        channel.negotiate();
        assertWorks();
        // A header that claims more than there is.
        srb(channel.inBand(1), VstorSrb.DIRECTION_NONE, 0);
        breakRing();
        awaitLog("ring of channel 0 given up");

        assertThat(device.statistics().brokenRings()).isEqualTo(1);
        ScriptedGuest sub = guest.open();
        sub.sendCommand(3, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        assertThat(sub.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }

    private void breakRing() {
        guest.corruptOutgoing(0);
        channel.channel().signalHost();
    }

    private void awaitLog(String part) {
        while (units.log.stream().noneMatch(line -> line.contains(part))) {
            Thread.onSpinWait();
        }
    }

    private void assertRefused(long id, int status) {
        Answer answer = channel.receive();
        assertThat(answer.id()).isEqualTo(id);
        assertThat(answer.operation()).isEqualTo(VstorOperation.COMPLETE_IO);
        assertThat(answer.status()).isEqualTo(status);
    }

    private void assertWorks() {
        channel.sendCommand(99, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0);
        Answer answer = channel.receive();
        assertThat(answer.id()).isEqualTo(99);
        assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }

    private MemorySegment makeRead(long id, long gpa) {
        MemorySegment vstor = channel.gpaDirect(id, gpa, 4096);
        ScriptedGuest.srb(vstor, 0, VstorSrb.DIRECTION_IN, 4096, 0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0);
        return vstor;
    }

    private static void srb(MemorySegment vstor, int direction, int bytes) {
        ScriptedGuest.srb(vstor, 0, direction, bytes, TEST_UNIT_READY, 0, 0, 0, 0, 0);
    }
}
