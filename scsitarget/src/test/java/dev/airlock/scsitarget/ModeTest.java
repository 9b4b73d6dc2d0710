package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskLimits;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ModePage;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ModeTest {

    private static final String CACHING = "0812" + "%s" + "00".repeat(17);
    private static final String CONTROL = "0a0a00" + "10" + "%s" + "00".repeat(7);

    private final TestGuest guest = TestGuest.withBlocks(512, 1024);

    private String sense(ScsiCommand command, int pageAndControl, boolean descriptor) {
        Cdb.encodeModeSense(guest.cdb(), 0, command, pageAndControl, !descriptor, 255);
        return HexFormat.of().formatHex(guest.cdbBytes(command.cdbBytes()).receive(255));
    }

    private TestGuest select(ScsiCommand command, String hex) {
        byte[] list = HexFormat.of().parseHex(hex);
        return guest.command(command, 0, list.length).bits(1, 0x10).send(list);
    }

    private static String caching(boolean writeCache) {
        return CACHING.formatted(writeCache ? "04" : "00");
    }

    private static String control(boolean protect) {
        return CONTROL.formatted(protect ? "08" : "00");
    }

    @Test
    void shouldTellAllPagesInBothForms() {
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x3F, false))
                .isEqualTo("23001000" + caching(true) + control(false));
        assertThat(sense(ScsiCommand.MODE_SENSE_10, 0x3F, false))
                .isEqualTo("0026001000000000" + caching(true) + control(false));
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x08, true))
                .isEqualTo("1f001008" + "0000040000000200" + caching(true));
        assertThat(sense(ScsiCommand.MODE_SENSE_10, 0x0A, true))
                .isEqualTo("001a001000000008" + "0000040000000200" + control(false));
    }

    @Test
    void shouldTellTheLongBlockDescriptorWhenAllowed() {
        Cdb.encodeModeSense(guest.cdb(), 0, ScsiCommand.MODE_SENSE_10, 0x08, false, 255);
        byte[] data = guest.bits(1, 0x10).cdbBytes(10).receive(255);
        assertThat(HexFormat.of().formatHex(data))
                .isEqualTo("002a001001000010" + "00000000000004000000000000000200" + caching(true));
    }

    @Test
    void shouldTellChangeableDefaultAndNoSavedValues() {
        select(ScsiCommand.MODE_SELECT_6, "00000000" + caching(false)).succeeded();
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x08, false)).endsWith(caching(false));
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x80 | 0x08, false)).endsWith(caching(true));
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x40 | 0x3F, false))
                .isEqualTo("23001000" + caching(true) + "0a0a000008" + "00".repeat(7));
        sense(ScsiCommand.MODE_SENSE_6, 0xC0 | 0x08, false);
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.SAVING_PARAMETERS_NOT_SUPPORTED);
    }

    @Test
    void shouldRefusePagesThatItDoesNotHave() {
        sense(ScsiCommand.MODE_SENSE_6, 0x1C, false);
        guest.invalidField(2, 5);
        Cdb.encodeModeSense(guest.cdb(), 0, ScsiCommand.MODE_SENSE_10, 0x0A, true, 255);
        guest.cdbBytes(10).bits(3, 0x01).receive(255);
        guest.invalidField(3, -1);
        Cdb.encodeModeSense(guest.cdb(), 0, ScsiCommand.MODE_SENSE_10, 0x3F, true, 255);
        guest.cdbBytes(10).bits(3, 0xFF).receive(255);
        guest.succeeded().moved(8 + 20 + 12);
    }

    @Test
    void shouldCutToTheAllocationLength() {
        Cdb.encodeModeSense(guest.cdb(), 0, ScsiCommand.MODE_SENSE_6, 0x3F, false, 4);
        assertThat(guest.cdbBytes(6).receive(255)).containsExactly(0x2B, 0x00, 0x10, 0x08);
        guest.succeeded();
    }

    @Test
    void shouldShowThatAReadOnlyDiskIsProtected() {
        guest.disk.readOnly = true;
        TestGuest reader = new TestGuest(guest.disk);
        Cdb.encodeModeSense(reader.cdb(), 0, ScsiCommand.MODE_SENSE_6, 0x08, true, 255);
        assertThat(HexFormat.of().formatHex(reader.cdbBytes(6).receive(255)))
                .isEqualTo("17009000" + caching(false));
        byte[] list = HexFormat.of().parseHex("00000000" + control(true));
        reader.command(ScsiCommand.MODE_SELECT_6, 0, list.length)
                .bits(1, 0x10)
                .send(list)
                .invalidParameter(8, 3);
    }

    @Test
    void shouldFlushAndWriteThroughOnceTheCacheIsOff() {
        select(ScsiCommand.MODE_SELECT_10, "0000000000000000" + caching(false))
                .succeeded()
                .moved(28);
        assertThat(guest.disk.flushes).isEqualTo(1);
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]).succeeded();
        assertThat(guest.disk.forcedWrites).isEqualTo(1);
        byte[] pattern = new byte[512];
        pattern[0] = 1;
        guest.command(ScsiCommand.WRITE_SAME_10, 0, 1).send(pattern).succeeded();
        assertThat(guest.disk.forcedWrites).isEqualTo(2);
        guest.command(ScsiCommand.WRITE_SAME_10, 0, 1).send(new byte[512]).succeeded();
        assertThat(guest.disk.flushes).isEqualTo(2);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + caching(true)).succeeded();
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]).succeeded();
        assertThat(guest.disk.forcedWrites).isEqualTo(2);
    }

    @Test
    void shouldNotOfferACacheThatTheDiskDoesNotHave() {
        guest.disk.limits = new DiskLimits(4096, 1 << 20, true, 1 << 20, false);
        TestGuest durable = new TestGuest(guest.disk);
        byte[] list = HexFormat.of().parseHex("00000000" + caching(true));
        durable.command(ScsiCommand.MODE_SELECT_6, 0, list.length)
                .bits(1, 0x10)
                .send(list)
                .invalidParameter(6, 2);
        durable.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]).succeeded();
        assertThat(durable.disk.forcedWrites).isZero();
    }

    @Test
    void shouldProtectBySoftware() {
        select(ScsiCommand.MODE_SELECT_6, "00000000" + control(true)).succeeded();
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]);
        guest.failed(SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x0A, false)).startsWith("0f0090");
        select(ScsiCommand.MODE_SELECT_6, "00000000" + control(false)).succeeded();
        guest.command(ScsiCommand.WRITE_10, 0, 1).send(new byte[512]).succeeded();
    }

    @Test
    void shouldTellTheOtherGuestsThatParametersChanged() {
        TestGuest other = guest.another();
        select(ScsiCommand.MODE_SELECT_6, "00000000" + caching(true)).succeeded();
        other.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
        select(ScsiCommand.MODE_SELECT_6, "00000000" + caching(false)).succeeded();
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send().succeeded();
        other.send().failed(SenseKey.UNIT_ATTENTION, AdditionalSense.MODE_PARAMETERS_CHANGED);
        other.send().succeeded();
    }

    @Test
    void shouldAcceptListsThatChangeNothing() {
        guest.command(ScsiCommand.MODE_SELECT_6, 0, 0).bits(1, 0x10).send().succeeded();
        select(ScsiCommand.MODE_SELECT_6, "00000000").succeeded();
        select(ScsiCommand.MODE_SELECT_6, "00000008" + "0000040000000200").succeeded();
        select(ScsiCommand.MODE_SELECT_6, "00000008" + "0000000000000200").succeeded();
        select(
                        ScsiCommand.MODE_SELECT_6,
                        "00000008" + "ffffffff00000200" + "88" + caching(true).substring(2))
                .succeeded();
        select(ScsiCommand.MODE_SELECT_10, "0000000001000010" + "00000000000004000000000000000200")
                .succeeded();
    }

    @Test
    void shouldRefuseEveryWrongFieldOfModeSelect() {
        byte[] list = HexFormat.of().parseHex("00000000" + caching(false));
        guest.command(ScsiCommand.MODE_SELECT_6, 0, 24).bits(1, 0x11).send(list).invalidField(1, 0);
        guest.command(ScsiCommand.MODE_SELECT_6, 0, 24).send(list).invalidField(1, 4);
        select(ScsiCommand.MODE_SELECT_6, "00010000").invalidParameter(1, -1);
        select(ScsiCommand.MODE_SELECT_10, "0000010000000000").invalidParameter(2, -1);
        select(ScsiCommand.MODE_SELECT_6, "00000007" + "00".repeat(7)).invalidParameter(3, -1);
        select(ScsiCommand.MODE_SELECT_10, "0000000001000008" + "00".repeat(8))
                .invalidParameter(6, -1);
        select(ScsiCommand.MODE_SELECT_6, "00000008" + "0000040100000200").invalidParameter(4, -1);
        select(ScsiCommand.MODE_SELECT_6, "00000008" + "0000040000001000").invalidParameter(9, -1);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + "1c0a" + "00".repeat(10))
                .invalidParameter(4, 5);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + "48" + caching(true).substring(2))
                .invalidParameter(4, 6);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + "0811" + "00".repeat(18))
                .invalidParameter(5, -1);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + "081201" + "00".repeat(17))
                .invalidParameter(6, 0);
        select(ScsiCommand.MODE_SELECT_6, "00000000" + "0a0a0410" + "00".repeat(8))
                .invalidParameter(6, 2);
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x3F, false))
                .endsWith(caching(true) + control(false));
    }

    @Test
    void shouldChangeNothingWhenALaterPageIsWrong() {
        select(
                ScsiCommand.MODE_SELECT_6,
                "00000000" + caching(false) + "0a0a0010" + "40" + "00".repeat(7));
        guest.invalidParameter(4 + 20 + 4, 6);
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x08, false)).endsWith(caching(true));
    }

    @Test
    void shouldRefuseListsThatEndTooEarly() {
        byte[] whole = HexFormat.of().parseHex("00000008" + "0000040000000200" + caching(false));
        for (int cut = 1; cut < whole.length; cut++) {
            if (cut == 12) {
                continue;
            }
            guest.command(ScsiCommand.MODE_SELECT_6, 0, cut)
                    .bits(1, 0x10)
                    .send(Arrays.copyOf(whole, cut));
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
        }
        guest.command(ScsiCommand.MODE_SELECT_6, 0, 24).bits(1, 0x10).send(new byte[23]);
        guest.failed(
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        guest.command(ScsiCommand.MODE_SELECT_10, 0, 0xFFFF).bits(1, 0x10).send(new byte[0xFFFF]);
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
        assertThat(sense(ScsiCommand.MODE_SENSE_6, 0x08, false)).endsWith(caching(true));
    }

    @Test
    void shouldTellTheDriverItsCachingPage() {
        Cdb.encodeModeSense(guest.cdb(), 0, ScsiCommand.MODE_SENSE_10, 0x3F, false, 255);
        byte[] data = guest.cdbBytes(10).receive(255);
        MemorySegment list = MemorySegment.ofArray(data);
        long page = ModePage.find(list, 0, data.length, true, ModePage.CACHING);
        assertThat(page).isEqualTo(16);
        assertThat(ModePage.isWriteCacheEnabled(list, page)).isTrue();
        assertThat(BigEndian.u8(list, 3) & ModePage.DPOFUA).isNotZero();
    }
}
