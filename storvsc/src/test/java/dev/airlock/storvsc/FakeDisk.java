package dev.airlock.storvsc;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BlockCharacteristicsPage;
import dev.airlock.scsi.BlockLimitsPage;
import dev.airlock.scsi.CapacityData;
import dev.airlock.scsi.InquiryData;
import dev.airlock.scsi.ModePage;
import dev.airlock.scsi.ProvisioningPage;
import dev.airlock.scsi.ReportLuns;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.UnmapParameters;
import dev.airlock.scsi.VpdPage;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A target with equal small disks at the LUNs of path 0, target 0; enough of SCSI for a scan and
 * for block requests, written apart from the project's own target so that the two can disagree.
 */
public final class FakeDisk implements FakeHost.Script {
    public final int sectorBytes;
    final TreeSet<Integer> luns = new TreeSet<>();
    public byte[] data;
    public boolean readOnly;
    public boolean fua = true;
    public boolean vpd = true;
    public boolean writeSame = true;
    public int provisioning = ProvisioningPage.LBPU;
    public long maxUnmapBlocks = 64;
    public long maxTransferBlocks;

    /** Unit attentions to be told before anything else is done. */
    public final Deque<Integer> attentions = new ArrayDeque<>();

    /** How many commands are answered with BUSY first. */
    public int busyAnswers;

    /** First LBA of each READ, in order. */
    public final List<Long> reads = new ArrayList<>();

    public int flushes;
    public int unmaps;
    public int writeSames;
    public int fuaWrites;
    public int commands;
    public long largestTransfer;

    FakeDisk(int sectorBytes, int sizeBytes) {
        this.sectorBytes = sectorBytes;
        this.data = new byte[sizeBytes];
        luns.add(0);
    }

    /** The LUNs that have a disk. */
    public Set<Integer> luns() {
        return luns;
    }

    @Override
    public synchronized void handle(FakeHost host, HostCommand command) {
        if (command.operation != VstorOperation.EXECUTE_SRB) {
            host.answerOperation(command, VstorPacket.STATUS_SUCCESS);
            return;
        }
        if (!command.isVisible()) {
            throw new AssertionError("data page is not visible: " + command);
        }
        commands++;
        boolean present =
                command.path() == 0 && command.target() == 0 && luns.contains(command.lun());
        ScsiCommand what = ScsiCommand.of(command.opcode(), command.cdb(1));
        if (what == ScsiCommand.REPORT_LUNS) {
            reportLuns(host, command);
        } else if (what == ScsiCommand.INQUIRY) {
            inquiry(host, command, present);
        } else if (!present) {
            host.complete(command, SrbStatus.INVALID_LUN, ScsiStatus.GOOD, 0);
        } else if (!attentions.isEmpty()) {
            host.check(command, SenseKey.UNIT_ATTENTION, attentions.removeFirst());
        } else if (busyAnswers > 0) {
            busyAnswers--;
            host.complete(command, SrbStatus.ERROR, ScsiStatus.BUSY, 0);
        } else {
            execute(host, command, what);
        }
    }

    private void execute(FakeHost host, HostCommand command, @Nullable ScsiCommand what) {
        switch (what) {
            case TEST_UNIT_READY -> host.good(command, 0);
            case READ_CAPACITY_16 -> readCapacity(host, command);
            case MODE_SENSE_10 -> modeSense(host, command);
            case READ_10 -> read(host, command, command.cdbField(2, 4), command.cdbField(7, 2));
            case READ_16 -> read(host, command, command.cdbField(2, 8), command.cdbField(10, 4));
            case WRITE_10 -> write(host, command, command.cdbField(2, 4), command.cdbField(7, 2));
            case WRITE_16 -> write(host, command, command.cdbField(2, 8), command.cdbField(10, 4));
            case SYNCHRONIZE_CACHE_10 -> {
                flushes++;
                host.good(command, 0);
            }
            case UNMAP -> unmap(host, command);
            case WRITE_SAME_16 -> writeSame(host, command);
            case null, default ->
                    host.check(
                            command,
                            SenseKey.ILLEGAL_REQUEST,
                            AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        }
    }

    private void reportLuns(FakeHost host, HostCommand command) {
        boolean here = command.path() == 0 && command.target() == 0;
        int count = here ? luns.size() : 0;
        MemorySegment list = MemorySegment.ofArray(new byte[ReportLuns.bytes(count)]);
        ReportLuns.writeHeader(list, 0, count);
        int index = 0;
        for (int lun : here ? luns : new TreeSet<Integer>()) {
            ReportLuns.writeLun(list, 0, index++, lun);
        }
        reply(host, command, list);
    }

    private void inquiry(FakeHost host, HostCommand command, boolean present) {
        MemorySegment page = MemorySegment.ofArray(new byte[255]);
        boolean evpd = (command.cdb(1) & 1) != 0;
        if (!evpd) {
            InquiryData.write(
                    page,
                    0,
                    present ? InquiryData.DISK : InquiryData.NO_DEVICE,
                    "Msft",
                    "Fake Disk",
                    "1.0");
            reply(host, command, page.asSlice(0, InquiryData.BYTES));
            return;
        }
        int bytes = vpd && present ? vpdPage(command.cdb(2), page, command.lun()) : -1;
        if (bytes < 0) {
            host.check(command, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_CDB);
        } else {
            reply(host, command, page.asSlice(0, bytes));
        }
    }

    private int vpdPage(int code, MemorySegment page, int lun) {
        return switch (code) {
            case VpdPage.SUPPORTED_PAGES -> supportedPages(page);
            case VpdPage.UNIT_SERIAL_NUMBER -> VpdPage.writeSerialNumber(page, 0, "serial-" + lun);
            case VpdPage.BLOCK_LIMITS -> {
                BlockLimitsPage.clear(page, 0);
                BlockLimitsPage.transfer(page, 0, 1, maxTransferBlocks, 0);
                BlockLimitsPage.unmap(page, 0, maxUnmapBlocks, 1, 8);
                BlockLimitsPage.writeSame(page, 0, 128, true);
                yield BlockLimitsPage.BYTES;
            }
            case VpdPage.BLOCK_CHARACTERISTICS -> {
                BlockCharacteristicsPage.write(page, 0);
                yield BlockCharacteristicsPage.BYTES;
            }
            case VpdPage.LOGICAL_BLOCK_PROVISIONING -> {
                ProvisioningPage.write(page, 0, provisioning, ProvisioningPage.TYPE_THIN);
                yield ProvisioningPage.BYTES;
            }
            default -> -1;
        };
    }

    private static int supportedPages(MemorySegment page) {
        byte[] codes = {
            0,
            (byte) VpdPage.UNIT_SERIAL_NUMBER,
            (byte) VpdPage.BLOCK_LIMITS,
            (byte) VpdPage.BLOCK_CHARACTERISTICS,
            (byte) VpdPage.LOGICAL_BLOCK_PROVISIONING
        };
        int bytes = VpdPage.HEADER_BYTES + codes.length;
        VpdPage.writeHeader(page, 0, VpdPage.SUPPORTED_PAGES, bytes);
        page.asSlice(VpdPage.HEADER_BYTES, codes.length).copyFrom(MemorySegment.ofArray(codes));
        return bytes;
    }

    private void readCapacity(FakeHost host, HostCommand command) {
        MemorySegment answer = MemorySegment.ofArray(new byte[CapacityData.BYTES_16]);
        long lastLba = data.length / sectorBytes - 1L;
        CapacityData.write16(answer, 0, lastLba, sectorBytes, 0, provisioning != 0, true);
        reply(host, command, answer);
    }

    private void modeSense(FakeHost host, HostCommand command) {
        int bytes = ModePage.HEADER_10_BYTES;
        MemorySegment answer = MemorySegment.ofArray(new byte[bytes]);
        int flags = (readOnly ? ModePage.WP : 0) | (fua ? ModePage.DPOFUA : 0);
        ModePage.writeHeader10(answer, 0, bytes, flags, 0);
        reply(host, command, answer);
    }

    private boolean isOutside(FakeHost host, HostCommand command, long lba, long blocks) {
        if (lba >= 0 && blocks >= 0 && (lba + blocks) * sectorBytes <= data.length) {
            return false;
        }
        host.check(command, SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        return true;
    }

    private void read(FakeHost host, HostCommand command, long lba, long blocks) {
        if (!isOutside(host, command, lba, blocks)) {
            int bytes = (int) blocks * sectorBytes;
            reads.add(lba);
            largestTransfer = Math.max(largestTransfer, bytes);
            host.good(command, command.writeData(data, (int) lba * sectorBytes, bytes));
        }
    }

    private void write(FakeHost host, HostCommand command, long lba, long blocks) {
        if (readOnly) {
            host.check(command, SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
        } else if (!isOutside(host, command, lba, blocks)) {
            int bytes = (int) blocks * sectorBytes;
            largestTransfer = Math.max(largestTransfer, bytes);
            fuaWrites += (command.cdb(1) & 8) != 0 ? 1 : 0;
            command.readData(data, (int) lba * sectorBytes, bytes);
            host.good(command, bytes);
        }
    }

    private void unmap(FakeHost host, HostCommand command) {
        unmaps++;
        byte[] list = new byte[UnmapParameters.bytes(1)];
        command.readData(list, 0, list.length);
        MemorySegment parameters = MemorySegment.ofArray(list);
        long lba = UnmapParameters.lba(parameters, 0, 0);
        long blocks = UnmapParameters.blocks(parameters, 0, 0);
        if (blocks > maxUnmapBlocks) {
            host.check(
                    command,
                    SenseKey.ILLEGAL_REQUEST,
                    AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST);
        } else if (!isOutside(host, command, lba, blocks)) {
            zero(lba, blocks);
            host.good(command, list.length);
        }
    }

    private void writeSame(FakeHost host, HostCommand command) {
        long lba = command.cdbField(2, 8);
        long blocks = command.cdbField(10, 4);
        if (!writeSame) {
            host.check(
                    command,
                    SenseKey.ILLEGAL_REQUEST,
                    AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        } else if (!isOutside(host, command, lba, blocks)) {
            writeSames++;
            zero(lba, blocks);
            host.good(command, sectorBytes);
        }
    }

    private void zero(long lba, long blocks) {
        Arrays.fill(data, (int) lba * sectorBytes, (int) (lba + blocks) * sectorBytes, (byte) 0);
    }

    private static void reply(FakeHost host, HostCommand command, MemorySegment answer) {
        byte[] bytes = answer.toArray(ValueLayout.JAVA_BYTE);
        host.good(command, command.writeData(bytes, 0, bytes.length));
    }
}
