package dev.airlock.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * Golden bytes drawn from the standards' tables, and parsers that do not trust a peer's lengths.
 */
class ParameterDataTest {

    private final MemorySegment data = MemorySegment.ofArray(new byte[256]);

    private String hex(int bytes) {
        return HexFormat.of().formatHex(data.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void shouldWriteStandardInquiryDataOfADisk() {
        InquiryData.write(data, 0, InquiryData.DISK, "Msft", "Virtual Disk", "1.0");
        assertThat(hex(36))
                .isEqualTo(
                        "000006125b000002"
                                + HexFormat.of()
                                        .formatHex(
                                                "Msft    Virtual Disk    1.0 "
                                                        .getBytes(StandardCharsets.US_ASCII)));
        assertThat(hex(64).substring(58 * 2)).isEqualTo("00a0046004c0");
        assertThat(InquiryData.vendor(data, 0)).isEqualTo("Msft");
        assertThat(InquiryData.product(data, 0)).isEqualTo("Virtual Disk");
        InquiryData.write(data, 0, InquiryData.NO_DEVICE, "Msft", "Virtual Disk", "1.0");
        assertThat(InquiryData.peripheralQualifier(data, 0)).isEqualTo(3);
        assertThat(InquiryData.deviceType(data, 0)).isEqualTo(0x1F);
    }

    @Test
    void shouldWriteVpdPagesWithTheirOwnLength() {
        int bytes = VpdPage.writeSupportedPages(data, 0, new byte[] {0, (byte) 0x80, (byte) 0x83});
        assertThat(hex(bytes)).isEqualTo("00000003" + "008083");
        assertThat(VpdPage.lists(data, 0, bytes, 0x83)).isTrue();
        assertThat(VpdPage.lists(data, 0, bytes - 1, 0x83)).isFalse();
        bytes = VpdPage.writeSerialNumber(data, 0, "A1\u00e9");
        assertThat(hex(bytes)).isEqualTo("00800003" + "413120");
        assertThat(VpdPage.serialNumber(data, 0, bytes)).isEqualTo("A1");
        ProvisioningPage.write(
                data,
                0,
                ProvisioningPage.LBPU | ProvisioningPage.LBPRZ,
                ProvisioningPage.TYPE_THIN);
        assertThat(hex(ProvisioningPage.BYTES)).isEqualTo("00b2000400840200");
        BlockCharacteristicsPage.write(data, 0);
        assertThat(hex(9)).isEqualTo("00b1003c" + "0001000002");
    }

    @Test
    void shouldNameTheUnitInTwoDesignators() {
        int bytes = DeviceIdentificationPage.write(data, 0, "Msft", "S1", 0xF123_4567_89AB_CDEFL);
        assertThat(hex(bytes))
                .isEqualTo(
                        "0083001a"
                                + "0201000a"
                                + "4d73667420202020"
                                + "5331"
                                + "01030008"
                                + "3123456789abcdef");
        assertThat(DeviceIdentificationPage.naa(data, 0, bytes)).isEqualTo(0x3123_4567_89AB_CDEFL);
        assertThat(DeviceIdentificationPage.naa(data, 0, bytes - 1)).isZero();
    }

    @Test
    void shouldPlaceEveryBlockLimit() {
        BlockLimitsPage.clear(data, 0);
        BlockLimitsPage.transfer(data, 0, 8, 0x4000, 0x100);
        BlockLimitsPage.unmap(data, 0, 0x10000, 0x20, 0x800);
        BlockLimitsPage.writeSame(data, 0, 0x30000, true);
        assertThat(hex(BlockLimitsPage.BYTES))
                .isEqualTo(
                        "00b0003c01000008000040000000010000000000"
                                + "00010000000000200000080080000000"
                                + "0000000000030000"
                                + "00".repeat(20));
        assertThat(BlockLimitsPage.unmapAlignment(data, 0)).isZero();
        assertThat(BlockLimitsPage.maxWriteSameBlocks(data, 0)).isEqualTo(0x30000);
        assertThat(BlockLimitsPage.isWriteSameNonZero(data, 0)).isTrue();
    }

    @Test
    void shouldCapTheShortCapacityAndTellTheLongOne() {
        CapacityData.write10(data, 0, 1L << 40, 512);
        assertThat(hex(CapacityData.BYTES_10)).isEqualTo("ffffffff00000200");
        CapacityData.write16(data, 0, (1L << 40) - 1, 512, 3, true, true);
        assertThat(hex(CapacityData.BYTES_16))
                .isEqualTo("000000ffffffffff" + "00000200" + "0003c000" + "00".repeat(16));
        assertThat(CapacityData.physicalExponent(data, 0)).isEqualTo(3);
        assertThat(CapacityData.isManaged(data, 0)).isTrue();
        assertThat(CapacityData.readsZeroes(data, 0)).isTrue();
    }

    @Test
    void shouldListLunsAndNotReadBeyondWhatArrived() {
        ReportLuns.writeHeader(data, 0, 2);
        ReportLuns.writeLun(data, 0, 0, 0);
        ReportLuns.writeLun(data, 0, 1, 200);
        assertThat(hex(ReportLuns.bytes(2)))
                .isEqualTo("0000001000000000" + "0000000000000000" + "00c8000000000000");
        assertThat(ReportLuns.count(data, 0, 256)).isEqualTo(2);
        assertThat(ReportLuns.count(data, 0, 23)).isEqualTo(1);
        assertThat(ReportLuns.count(data, 0, 7)).isZero();
        assertThat(ReportLuns.lun(data, 0, 1)).isEqualTo(200);
        BigEndian.u64(data, ReportLuns.HEADER_BYTES, 0x4123_0000_0000_0000L);
        assertThat(ReportLuns.lun(data, 0, 0)).isEqualTo(0x123);
        BigEndian.u64(data, ReportLuns.HEADER_BYTES, 0xC101_0000_0000_0000L);
        assertThat(ReportLuns.lun(data, 0, 0)).isEqualTo(-1);
    }

    @Test
    void shouldWriteUnmapDescriptorsAndLbaStatus() {
        UnmapParameters.writeHeader(data, 0, 1);
        UnmapParameters.writeDescriptor(data, 0, 0, 0x1_0000_0001L, 9);
        assertThat(hex(UnmapParameters.bytes(1)))
                .isEqualTo("0016001000000000" + "0000000100000001" + "0000000900000000");
        LbaStatus.writeHeader(data, 0, 1);
        LbaStatus.writeDescriptor(data, 0, 0, 7, 9, LbaStatus.DEALLOCATED);
        assertThat(hex(LbaStatus.bytes(1)))
                .isEqualTo("0000001400000000" + "0000000000000007" + "0000000901000000");
        assertThat(LbaStatus.count(data, 0, 256)).isEqualTo(1);
        assertThat(LbaStatus.count(data, 0, 23)).isZero();
        assertThat(LbaStatus.status(data, 0, 0)).isEqualTo(LbaStatus.DEALLOCATED);
    }

    @Test
    void shouldFindAModePageBehindTheBlockDescriptor() {
        ModePage.writeHeader6(
                data, 0, 4 + 8 + ModePage.CACHING_BYTES, ModePage.WP | ModePage.DPOFUA, 8);
        ModePage.writeBlockDescriptor(data, 4, 1L << 33, 512);
        BigEndian.u8(data, 12, ModePage.CACHING);
        BigEndian.u8(data, 13, ModePage.CACHING_BYTES - 2);
        BigEndian.u8(data, 14, ModePage.WCE);
        assertThat(hex(15)).isEqualTo("1f009008" + "ffffffff00000200" + "081204");
        assertThat(ModePage.find(data, 0, 256, false, ModePage.CACHING)).isEqualTo(12);
        assertThat(ModePage.isWriteCacheEnabled(data, 12)).isTrue();
        assertThat(ModePage.find(data, 0, 31, false, ModePage.CACHING)).isEqualTo(-1);
        assertThat(ModePage.find(data, 0, 256, false, ModePage.CONTROL)).isEqualTo(-1);
        assertThat(ModePage.find(data, 0, 3, false, ModePage.CACHING)).isEqualTo(-1);
    }
}
