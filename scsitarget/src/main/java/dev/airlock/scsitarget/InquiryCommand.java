package dev.airlock.scsitarget;

import dev.airlock.scsi.BlockCharacteristicsPage;
import dev.airlock.scsi.BlockLimitsPage;
import dev.airlock.scsi.DeviceIdentificationPage;
import dev.airlock.scsi.InquiryData;
import dev.airlock.scsi.ProvisioningPage;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VpdPage;
import java.lang.foreign.MemorySegment;

/**
 * INQUIRY of a unit: standard data (SPC-4 section 6.6) and vital product data pages (SPC-4 7.8,
 * SBC-3 6.5).
 */
final class InquiryCommand {

    private static final int EVPD = 0x01;
    private static final int CMDDT = 0x02;
    private static final int PAGE_CODE_AT = 2;
    private static final byte[] PAGES = {
        VpdPage.SUPPORTED_PAGES,
        (byte) VpdPage.UNIT_SERIAL_NUMBER,
        (byte) VpdPage.DEVICE_IDENTIFICATION,
        (byte) VpdPage.BLOCK_LIMITS,
        (byte) VpdPage.BLOCK_CHARACTERISTICS,
        (byte) VpdPage.LOGICAL_BLOCK_PROVISIONING
    };

    private final BlockGeometry geometry;
    private final DiskIdentity identity;
    private final LogicalUnitOptions options;

    InquiryCommand(BlockGeometry geometry, DiskIdentity identity, LogicalUnitOptions options) {
        this.geometry = geometry;
        this.identity = identity;
        this.options = options;
    }

    void execute(ScsiTask task) {
        int flags = task.cdb(1);
        int pageCode = task.cdb(PAGE_CODE_AT);
        if ((flags & CMDDT) != 0) {
            task.invalidField(1, 1);
            return;
        }
        MemorySegment scratch = task.scratch();
        int bytes;
        if ((flags & EVPD) != 0) {
            bytes = page(scratch, pageCode);
        } else if (pageCode == 0) {
            InquiryData.write(
                    scratch,
                    0,
                    InquiryData.DISK,
                    LogicalUnitOptions.VENDOR,
                    options.product(),
                    options.revision());
            bytes = InquiryData.BYTES;
        } else {
            bytes = -1;
        }
        if (bytes < 0) {
            task.invalidField(PAGE_CODE_AT, -1);
        } else {
            task.respond(bytes, ScsiCommand.INQUIRY.count(task.cdb(), 0));
        }
    }

    /** Writes a page; returns its bytes, or -1 when there is no such page. */
    private int page(MemorySegment scratch, int pageCode) {
        return switch (pageCode) {
            case VpdPage.SUPPORTED_PAGES -> VpdPage.writeSupportedPages(scratch, 0, PAGES);
            case VpdPage.UNIT_SERIAL_NUMBER ->
                    VpdPage.writeSerialNumber(scratch, 0, identity.serial());
            case VpdPage.DEVICE_IDENTIFICATION ->
                    DeviceIdentificationPage.write(
                            scratch,
                            0,
                            LogicalUnitOptions.VENDOR,
                            identity.serial(),
                            identity.localId());
            case VpdPage.BLOCK_LIMITS -> blockLimits(scratch);
            case VpdPage.BLOCK_CHARACTERISTICS -> {
                BlockCharacteristicsPage.write(scratch, 0);
                yield BlockCharacteristicsPage.BYTES;
            }
            case VpdPage.LOGICAL_BLOCK_PROVISIONING -> provisioning(scratch);
            default -> -1;
        };
    }

    private int blockLimits(MemorySegment scratch) {
        BlockLimitsPage.clear(scratch, 0);
        BlockLimitsPage.transfer(
                scratch, 0, 1 << geometry.physicalExponent(), geometry.maxTransferBlocks(), 0);
        if (geometry.canUnmap()) {
            BlockLimitsPage.unmap(
                    scratch,
                    0,
                    geometry.maxUnmapBlocks(),
                    BlockGeometry.MAX_UNMAP_DESCRIPTORS,
                    geometry.unmapGranularityBlocks());
        }
        BlockLimitsPage.writeSame(scratch, 0, geometry.maxWriteSameBlocks(), true);
        return BlockLimitsPage.BYTES;
    }

    private int provisioning(MemorySegment scratch) {
        if (geometry.canUnmap()) {
            int zeroes = geometry.unmapReadsZeroes() ? ProvisioningPage.LBPRZ : 0;
            int unmaps = ProvisioningPage.LBPU | ProvisioningPage.LBPWS | ProvisioningPage.LBPWS10;
            ProvisioningPage.write(scratch, 0, unmaps | zeroes, ProvisioningPage.TYPE_THIN);
        } else {
            ProvisioningPage.write(scratch, 0, 0, ProvisioningPage.TYPE_FULL);
        }
        return ProvisioningPage.BYTES;
    }
}
