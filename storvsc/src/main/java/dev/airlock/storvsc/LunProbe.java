package dev.airlock.storvsc;

import dev.airlock.scsi.BlockCharacteristicsPage;
import dev.airlock.scsi.BlockLimitsPage;
import dev.airlock.scsi.CapacityData;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.DeviceIdentificationPage;
import dev.airlock.scsi.InquiryData;
import dev.airlock.scsi.ModePage;
import dev.airlock.scsi.ProvisioningPage;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VpdPage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a LUN is: INQUIRY, VPD pages 00h, 80h, 83h, B0h, B1h, B2h, TEST UNIT READY, READ
 * CAPACITY(16), MODE SENSE. What the host leaves out has a careful default; what makes no sense is
 * no disk. Single-threaded.
 */
final class LunProbe {
    private static final int VPD_BYTES = 255;
    private static final int MODE_BYTES = 252;
    private static final int SECTOR_BYTES_MAX = 4096;

    private final ScsiCommander commander;

    LunProbe(ScsiCommander commander) {
        this.commander = commander;
    }

    /**
     * Asks the LUN.
     *
     * @return its facts, or null when there is no disk there, or it is not ready
     * @throws IOException when the adapter closed
     */
    @Nullable LunFacts probe(LunAddress at) throws IOException {
        Builder facts = new Builder(at);
        if (!inquire(facts)) {
            return null;
        }
        commander.prepare(at, ScsiCommand.TEST_UNIT_READY.cdbBytes(), 0);
        if (commander.run() < 0 || !readCapacity(facts)) {
            return null;
        }
        readVpd(facts);
        readModes(facts);
        return facts.build();
    }

    private boolean inquire(Builder facts) throws IOException {
        ScsiRequest request =
                commander.prepare(
                        facts.at, ScsiCommand.INQUIRY.cdbBytes(), InquiryData.SHORT_BYTES);
        // As Linux: nothing is queued at a LUN that has not said that it queues.
        request.tagged(false);
        Cdb.encodeInquiry(request.cdb(), 0, InquiryData.SHORT_BYTES);
        MemorySegment data = commander.data();
        if (commander.run() < InquiryData.SHORT_BYTES
                || InquiryData.peripheralQualifier(data, 0) != 0
                || InquiryData.deviceType(data, 0) != 0) {
            return false;
        }
        facts.vendor = InquiryData.vendor(data, 0);
        facts.product = InquiryData.product(data, 0);
        facts.revision = InquiryData.revision(data, 0);
        return true;
    }

    private boolean readCapacity(Builder facts) throws IOException {
        ScsiRequest request =
                commander.prepare(
                        facts.at, ScsiCommand.READ_CAPACITY_16.cdbBytes(), CapacityData.BYTES_16);
        Cdb.encode(request.cdb(), 0, ScsiCommand.READ_CAPACITY_16, 0, CapacityData.BYTES_16);
        if (commander.run() < CapacityData.BYTES_16) {
            return false;
        }
        MemorySegment data = commander.data();
        long lastLba = CapacityData.lastLba16(data, 0);
        long sector = CapacityData.blockBytes16(data, 0);
        if (sector < 512
                || sector > SECTOR_BYTES_MAX
                || Long.bitCount(sector) != 1
                || lastLba < 0
                || lastLba >= Long.MAX_VALUE / sector) {
            return false;
        }
        facts.sectorBytes = (int) sector;
        facts.sizeBytes = (lastLba + 1) * sector;
        facts.physicalSectorBytes = (int) sector << CapacityData.physicalExponent(data, 0);
        facts.managed = CapacityData.isManaged(data, 0);
        facts.unmappedReadsZero = CapacityData.readsZeroes(data, 0);
        return true;
    }

    private void readVpd(Builder facts) throws IOException {
        if (readPage(facts, VpdPage.SUPPORTED_PAGES) < 0) {
            return;
        }
        MemorySegment data = commander.data();
        int listBytes = Math.min(VPD_BYTES, VpdPage.bytes(data, 0));
        boolean serial = VpdPage.lists(data, 0, listBytes, VpdPage.UNIT_SERIAL_NUMBER);
        boolean ids = VpdPage.lists(data, 0, listBytes, VpdPage.DEVICE_IDENTIFICATION);
        boolean limits = VpdPage.lists(data, 0, listBytes, VpdPage.BLOCK_LIMITS);
        boolean traits = VpdPage.lists(data, 0, listBytes, VpdPage.BLOCK_CHARACTERISTICS);
        boolean thin = VpdPage.lists(data, 0, listBytes, VpdPage.LOGICAL_BLOCK_PROVISIONING);
        if (serial) {
            int bytes = readPage(facts, VpdPage.UNIT_SERIAL_NUMBER);
            facts.serial = bytes < 0 ? "" : VpdPage.serialNumber(data, 0, bytes);
        }
        if (ids) {
            int bytes = readPage(facts, VpdPage.DEVICE_IDENTIFICATION);
            facts.naaId = bytes < 0 ? 0 : DeviceIdentificationPage.naa(data, 0, bytes);
        }
        if (traits && readPage(facts, VpdPage.BLOCK_CHARACTERISTICS) > 0) {
            facts.nonRotating =
                    BlockCharacteristicsPage.rotationRate(data, 0)
                            == BlockCharacteristicsPage.NON_ROTATING;
        }
        if (thin && readPage(facts, VpdPage.LOGICAL_BLOCK_PROVISIONING) >= ProvisioningPage.BYTES) {
            facts.provisioningFlags = ProvisioningPage.flags(data, 0);
        }
        if (limits && readPage(facts, VpdPage.BLOCK_LIMITS) >= BlockLimitsPage.BYTES) {
            facts.blockLimits(data);
        }
    }

    /** Valid bytes of the page in the commander's data, -1 when the page cannot be had. */
    private int readPage(Builder facts, int pageCode) throws IOException {
        ScsiRequest request =
                commander.prepare(facts.at, ScsiCommand.INQUIRY.cdbBytes(), VPD_BYTES);
        Cdb.encodeInquiryVpd(request.cdb(), 0, pageCode, VPD_BYTES);
        int bytes = commander.run();
        MemorySegment data = commander.data();
        return bytes >= VpdPage.HEADER_BYTES && VpdPage.pageCode(data, 0) == pageCode
                ? Math.min(bytes, VpdPage.bytes(data, 0))
                : -1;
    }

    private void readModes(Builder facts) throws IOException {
        if (!readModes(facts, ScsiCommand.MODE_SENSE_10, true)) {
            readModes(facts, ScsiCommand.MODE_SENSE_6, false);
        }
    }

    private boolean readModes(Builder facts, ScsiCommand command, boolean tenBytes)
            throws IOException {
        ScsiRequest request = commander.prepare(facts.at, command.cdbBytes(), MODE_BYTES);
        Cdb.encodeModeSense(request.cdb(), 0, command, ModePage.CACHING, true, MODE_BYTES);
        int bytes = commander.run();
        MemorySegment data = commander.data();
        if (bytes < (tenBytes ? ModePage.HEADER_10_BYTES : ModePage.HEADER_6_BYTES)) {
            return false;
        }
        int flags = ModePage.deviceSpecific(data, 0, tenBytes);
        facts.readOnly = (flags & ModePage.WP) != 0;
        facts.fua = (flags & ModePage.DPOFUA) != 0;
        long caching = ModePage.find(data, 0, bytes, tenBytes, ModePage.CACHING);
        facts.writeCache = caching < 0 || ModePage.isWriteCacheEnabled(data, caching);
        return true;
    }

    /** Collects facts; what stays unset is the careful default. */
    private static final class Builder {
        private final LunAddress at;
        private String vendor = "";
        private String product = "";
        private String revision = "";
        private String serial = "";
        private long naaId;
        private long sizeBytes;
        private int sectorBytes;
        private int physicalSectorBytes;
        private boolean readOnly;
        private boolean writeCache = true;
        private boolean fua;
        private boolean nonRotating;
        private boolean managed;
        private boolean unmappedReadsZero;
        private int provisioningFlags;
        private long maxTransferBlocks;
        private long maxUnmapBlocks;
        private long maxUnmapDescriptors;
        private long unmapGranularityBlocks;
        private long maxWriteSameBlocks;

        Builder(LunAddress at) {
            this.at = at;
        }

        void blockLimits(MemorySegment page) {
            maxTransferBlocks = BlockLimitsPage.maxTransferBlocks(page, 0);
            maxUnmapBlocks = BlockLimitsPage.maxUnmapLbas(page, 0);
            maxUnmapDescriptors = BlockLimitsPage.maxUnmapDescriptors(page, 0);
            unmapGranularityBlocks = BlockLimitsPage.unmapGranularityBlocks(page, 0);
            maxWriteSameBlocks = BlockLimitsPage.maxWriteSameBlocks(page, 0);
        }

        LunFacts build() {
            LunFacts.UnmapWay unmap = unmapWay();
            long maxUnmapBytes =
                    switch (unmap) {
                        case NONE -> 0;
                        case UNMAP -> bytesOf(Math.min(maxUnmapBlocks, 0xFFFF_FFFFL));
                        case WRITE_SAME -> limit(maxWriteSameBlocks);
                    };
            return new LunFacts(
                    at,
                    vendor,
                    product,
                    revision,
                    serial,
                    naaId,
                    sizeBytes,
                    sectorBytes,
                    physicalSectorBytes,
                    readOnly,
                    writeCache,
                    fua,
                    nonRotating,
                    limit(maxTransferBlocks),
                    unmap,
                    maxUnmapBytes,
                    Math.max(sectorBytes, bytesOf(unmapGranularityBlocks)),
                    unmappedReadsZero,
                    limit(maxWriteSameBlocks));
        }

        private LunFacts.UnmapWay unmapWay() {
            if (!managed) {
                return LunFacts.UnmapWay.NONE;
            }
            if ((provisioningFlags & ProvisioningPage.LBPU) != 0
                    && maxUnmapBlocks != 0
                    && maxUnmapDescriptors != 0) {
                return LunFacts.UnmapWay.UNMAP;
            }
            return (provisioningFlags & ProvisioningPage.LBPWS) != 0
                    ? LunFacts.UnmapWay.WRITE_SAME
                    : LunFacts.UnmapWay.NONE;
        }

        /** A limit in blocks, of which 0 means none, in bytes. */
        private long limit(long blocks) {
            return blocks == 0 ? Long.MAX_VALUE : bytesOf(blocks);
        }

        private long bytesOf(long blocks) {
            return blocks < 0 || blocks >= Long.MAX_VALUE / sectorBytes
                    ? Long.MAX_VALUE
                    : blocks * sectorBytes;
        }
    }
}
