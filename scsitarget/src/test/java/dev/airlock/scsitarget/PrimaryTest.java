package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.CapacityData;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * TEST UNIT READY, REQUEST SENSE, READ CAPACITY, START STOP UNIT, PREVENT ALLOW, and commands that
 * are none.
 */
class PrimaryTest {

    private final TestGuest guest = TestGuest.withBlocks(512, 1024);

    @Test
    void shouldTellTheCapacity() {
        assertThat(guest.command(ScsiCommand.READ_CAPACITY_10, 0, 0).receive(8))
                .isEqualTo(HexFormat.of().parseHex("000003ff00000200"));
        byte[] data = guest.command(ScsiCommand.READ_CAPACITY_16, 0, 32).receive(32);
        assertThat(HexFormat.of().formatHex(data))
                .isEqualTo("00000000000003ff000002000003c000" + "00".repeat(16));
        for (int i = 0; i < 40; i++) {
            guest.command(ScsiCommand.READ_CAPACITY_16, 0, i).receive(64);
            guest.succeeded().moved(Math.min(i, 32));
        }
        guest.command(ScsiCommand.READ_CAPACITY_10, 1, 0).receive(8);
        guest.invalidField(2, -1);
        guest.command(ScsiCommand.READ_CAPACITY_10, 1, 0).bits(8, 1).receive(8);
        guest.succeeded();
    }

    @Test
    void shouldTellTheCapacityOf4KBlocks() {
        TestGuest big = TestGuest.withBlocks(4096, 16);
        MemorySegment data =
                MemorySegment.ofArray(big.command(ScsiCommand.READ_CAPACITY_16, 0, 32).receive(32));
        assertThat(CapacityData.lastLba16(data, 0)).isEqualTo(15);
        assertThat(CapacityData.blockBytes16(data, 0)).isEqualTo(4096);
        assertThat(CapacityData.physicalExponent(data, 0)).isZero();
        big.disk.physicalBytes = 16384;
        data = MemorySegment.ofArray(big.receive(32));
        assertThat(CapacityData.physicalExponent(data, 0)).isEqualTo(2);
    }

    @Test
    void shouldRefuseUnknownCommands() {
        for (int opcode = 0; opcode < 256; opcode++) {
            ScsiCommand command = ScsiCommand.of(opcode, 0);
            if (ScsiCommand.hasServiceAction(opcode)
                    || (command != null && SupportedCommands.usage(command) != null)) {
                continue;
            }
            guest.raw(opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).send();
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        }
        guest.raw(0x9F, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).send();
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        for (int action : new int[] {0x00, 0x11, 0x1F}) {
            guest.raw(0x9E, action, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
                    .send()
                    .invalidField(1, 4);
        }
        guest.raw(0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).send().invalidField(1, 4);
    }

    @Test
    void shouldRefuseShortCdbsAndNaca() {
        guest.command(ScsiCommand.READ_16, 0, 1).cdbBytes(10).receive(512);
        guest.invalidField(10, -1);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).cdbBytes(0).send().invalidField(0, -1);
        for (ScsiCommand command : SupportedCommands.inOrder()) {
            int control = command.cdbBytes() - 1;
            guest.command(command, 0, 0).bits(control, 0x04).send().invalidField(control, 2);
        }
    }

    @Test
    void shouldAnswerRequestSenseWithSenseAsData() {
        byte[] none = guest.command(ScsiCommand.REQUEST_SENSE, 0, 252).receive(252);
        guest.succeeded();
        assertThat(HexFormat.of().formatHex(none)).isEqualTo("700000000000000a" + "00".repeat(10));
        none = guest.command(ScsiCommand.REQUEST_SENSE, 0, 252).bits(1, 1).receive(252);
        assertThat(HexFormat.of().formatHex(none)).isEqualTo("7200000000000000");
        guest.itl().reset(UnitAttention.BUS_RESET);
        byte[] attention = guest.command(ScsiCommand.REQUEST_SENSE, 0, 252).receive(252);
        guest.succeeded();
        assertThat(Sense.describe(MemorySegment.ofArray(attention), 0, attention.length))
                .isEqualTo("UNIT ATTENTION: SCSI BUS RESET OCCURRED");
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
    }

    @Test
    void shouldStopAndStartForThisGuestAlone() {
        TestGuest other = guest.another();
        guest.raw(0x1B, 0, 0, 0, 0, 0).send().succeeded();
        assertThat(guest.disk.flushes).isEqualTo(1);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.NOT_READY, AdditionalSense.INITIALIZING_COMMAND_REQUIRED);
        guest.command(ScsiCommand.READ_10, 0, 1).receive(512);
        guest.failed(SenseKey.NOT_READY, AdditionalSense.INITIALIZING_COMMAND_REQUIRED);
        guest.command(ScsiCommand.INQUIRY, 0, 36).receive(36);
        guest.succeeded();
        byte[] sense = guest.command(ScsiCommand.REQUEST_SENSE, 0, 18).receive(18);
        assertThat(Sense.key(MemorySegment.ofArray(sense), 0)).isEqualTo(SenseKey.NOT_READY);
        other.command(ScsiCommand.READ_10, 0, 1).receive(512);
        other.succeeded();
        guest.raw(0x1B, 1, 0, 0, 1, 0).send().succeeded();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
        guest.raw(0x1B, 0, 0, 0, 0x04, 0).send().succeeded();
        assertThat(guest.disk.flushes).isEqualTo(1);
        guest.itl().reset(UnitAttention.DEVICE_RESET);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.failed(SenseKey.UNIT_ATTENTION, AdditionalSense.BUS_DEVICE_RESET_OCCURRED);
        guest.send().succeeded();
    }

    @Test
    void shouldRefusePowerConditionsAndEjecting() {
        guest.raw(0x1B, 0, 0, 0, 0x31, 0).send().invalidField(4, 7);
        guest.raw(0x1B, 0, 0, 0, 0x02, 0).send().invalidField(4, 1);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
    }

    @Test
    void shouldAcceptPreventAndAllow() {
        guest.raw(0x1E, 0, 0, 0, 1, 0).send().succeeded();
        guest.raw(0x1E, 0, 0, 0, 0, 0).send().succeeded();
        guest.raw(0x1E, 0, 0, 0, 2, 0).send().invalidField(4, 1);
    }
}
