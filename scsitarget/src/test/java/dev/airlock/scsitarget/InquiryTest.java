package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.airlock.disk.DiskLimits;
import dev.airlock.scsi.BlockCharacteristicsPage;
import dev.airlock.scsi.BlockLimitsPage;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.DeviceIdentificationPage;
import dev.airlock.scsi.InquiryData;
import dev.airlock.scsi.ProvisioningPage;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VpdPage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class InquiryTest {

    private final TestGuest guest = TestGuest.withBlocks(512, 1024);

    private MemorySegment page(int code) {
        Cdb.encodeInquiryVpd(guest.cdb(), 0, code, 255);
        byte[] page = guest.cdbBytes(6).receive(255);
        guest.succeeded();
        MemorySegment segment = MemorySegment.ofArray(page);
        assertThat(VpdPage.pageCode(segment, 0)).isEqualTo(code);
        assertThat(VpdPage.bytes(segment, 0)).isEqualTo(page.length);
        assertThat(page[0]).isZero();
        return segment;
    }

    @Test
    void shouldCutStandardDataToTheAllocationLengthOnly() {
        byte[] full = guest.command(ScsiCommand.INQUIRY, 0, 0xFFFF).receive(4096);
        guest.succeeded().moved(InquiryData.BYTES);
        MemorySegment data = MemorySegment.ofArray(full);
        assertThat(InquiryData.deviceType(data, 0)).isZero();
        assertThat(InquiryData.peripheralQualifier(data, 0)).isZero();
        assertThat(InquiryData.vendor(data, 0)).isEqualTo("Msft");
        assertThat(InquiryData.product(data, 0)).isEqualTo("Virtual Disk");
        assertThat(full[4]).isEqualTo((byte) (full.length - 5));
        for (int i = 0; i < 256; i++) {
            byte[] cut = guest.command(ScsiCommand.INQUIRY, 0, i).receive(512);
            assertThat(cut).isEqualTo(Arrays.copyOf(full, Math.min(i, full.length)));
            guest.succeeded().overrun(0);
        }
    }

    @Test
    void shouldTellApartAllocationLengthAndRoomOfTheSrb() {
        guest.command(ScsiCommand.INQUIRY, 0, 64).receive(36);
        guest.good().moved(36).overrun(28);
        guest.command(ScsiCommand.INQUIRY, 0, 36).receive(64);
        guest.good().moved(36).overrun(0);
        guest.command(ScsiCommand.INQUIRY, 0, 36).send().good().moved(0).overrun(36);
        guest.command(ScsiCommand.INQUIRY, 0, 36).send(new byte[64]).good().moved(0).overrun(36);
        assertThat(guest.sentBytes(64)).containsOnly(0);
    }

    @Test
    void shouldRefuseWrongFields() {
        guest.command(ScsiCommand.INQUIRY, 0, 96).bits(2, 0x80).receive(96);
        guest.invalidField(2, -1);
        guest.command(ScsiCommand.INQUIRY, 0, 96).bits(1, 0x02).receive(96);
        guest.invalidField(1, 1);
        guest.command(ScsiCommand.INQUIRY, 0, 96).bits(1, 0x01).bits(2, 0xB7).receive(96);
        guest.invalidField(2, -1);
    }

    @Test
    void shouldAnswerEveryPageThatItLists() {
        byte[] list = page(VpdPage.SUPPORTED_PAGES).toArray(ValueLayout.JAVA_BYTE);
        assertThat(list).endsWith(0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2);
        for (int i = VpdPage.HEADER_BYTES; i < list.length; i++) {
            page(list[i] & 0xFF);
        }
    }

    @Test
    void shouldKeepSerialAndNameOfADisk() {
        MemorySegment serial = page(VpdPage.UNIT_SERIAL_NUMBER);
        assertThat(VpdPage.serialNumber(serial, 0, (int) serial.byteSize())).isEqualTo("SERIAL-1");
        MemorySegment name = page(VpdPage.DEVICE_IDENTIFICATION);
        long naa = DeviceIdentificationPage.naa(name, 0, (int) name.byteSize());
        // The first 60 bits of the SHA-256 of "SERIAL-1", after the locally assigned NAA: part of
        // what disks are known by.
        assertThat(naa).isEqualTo(0x3L << 60 | DiskIdentity.ofSerial("SERIAL-1").localId());
        assertThat(DiskIdentity.ofSerial("abc").localId()).isEqualTo(0xba7816bf8f01cfe_aL >>> 4);
        assertThat(DiskIdentity.ofSerial("SERIAL-2").localId()).isNotEqualTo(naa & -1L >>> 4);
        assertThatIllegalArgumentException().isThrownBy(() -> DiskIdentity.ofSerial(""));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiskIdentity.ofSerial("x".repeat(65)));
        assertThatIllegalArgumentException().isThrownBy(() -> DiskIdentity.ofSerial("tab\t"));
    }

    @Test
    void shouldAnnounceTheLimitsOfDiskAndTransport() {
        guest.disk.limits = new DiskLimits(2048, 1 << 20, true, 1 << 21, true);
        TestGuest other =
                new TestGuest(
                        guest.disk, LogicalUnitOptions.defaults().withMaxTransferBytes(1 << 20));
        Cdb.encodeInquiryVpd(other.cdb(), 0, VpdPage.BLOCK_LIMITS, 255);
        MemorySegment page = MemorySegment.ofArray(other.cdbBytes(6).receive(255));
        assertThat(page.byteSize()).isEqualTo(64);
        assertThat(BlockLimitsPage.maxTransferBlocks(page, 0)).isEqualTo(2048);
        assertThat(BlockLimitsPage.optimalGranularityBlocks(page, 0)).isEqualTo(8);
        assertThat(BlockLimitsPage.maxUnmapLbas(page, 0)).isEqualTo(2048);
        assertThat(BlockLimitsPage.maxUnmapDescriptors(page, 0)).isEqualTo(256);
        assertThat(BlockLimitsPage.unmapGranularityBlocks(page, 0)).isEqualTo(4);
        assertThat(BlockLimitsPage.maxWriteSameBlocks(page, 0)).isEqualTo(4096);
        assertThat(BlockLimitsPage.isWriteSameNonZero(page, 0)).isTrue();
    }

    @Test
    void shouldSayHowBlocksAreProvisioned() {
        MemorySegment page = page(VpdPage.LOGICAL_BLOCK_PROVISIONING);
        assertThat(ProvisioningPage.type(page, 0)).isEqualTo(ProvisioningPage.TYPE_THIN);
        assertThat(ProvisioningPage.flags(page, 0)).isEqualTo(0xE4);
        guest.disk.limits = new DiskLimits(4096, 1 << 20, false, 1 << 20, true);
        assertThat(ProvisioningPage.flags(page(VpdPage.LOGICAL_BLOCK_PROVISIONING), 0))
                .isEqualTo(0xE0);
        guest.disk.limits = new DiskLimits(0, 1, false, 1 << 20, true);
        TestGuest full = new TestGuest(guest.disk);
        Cdb.encodeInquiryVpd(full.cdb(), 0, VpdPage.LOGICAL_BLOCK_PROVISIONING, 255);
        page = MemorySegment.ofArray(full.cdbBytes(6).receive(255));
        assertThat(ProvisioningPage.flags(page, 0)).isZero();
        assertThat(ProvisioningPage.type(page, 0)).isEqualTo(ProvisioningPage.TYPE_FULL);
        assertThat(BlockCharacteristicsPage.rotationRate(page(VpdPage.BLOCK_CHARACTERISTICS), 0))
                .isEqualTo(1);
    }
}
