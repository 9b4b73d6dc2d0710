package dev.airlock.lab.hostile;

import dev.airlock.memory.HvPage;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Requests to a storage host: each valid at first, then, almost always, spoiled in one field or
 * several. For one thread; allocates nothing per request.
 */
final class RequestForge {
    /** Largest packet made here. */
    static final int MAX_BYTES = 16 << 10;

    private static final int VALID_ONE_IN = 32;

    /** How often a packet's own framing is broken, which ends the ring. */
    private static final int BROKEN_ONE_IN = 2_000;

    private static final int LARGE_ONE_IN = 400;
    private static final int SECTOR_BYTES = 512;

    private static final ScsiCommand[] TRANSFERS = {
        ScsiCommand.READ_6,
        ScsiCommand.READ_10,
        ScsiCommand.READ_12,
        ScsiCommand.READ_16,
        ScsiCommand.WRITE_6,
        ScsiCommand.WRITE_10,
        ScsiCommand.WRITE_12,
        ScsiCommand.WRITE_16,
    };

    private static final ScsiCommand[] ALL = ScsiCommand.values();

    /** Offset and width of each field of a vstor packet with an SRB, CDB aside. */
    private static final int[][] VSTOR_FIELDS = {
        {VstorPacket.OPERATION_OFFSET, Integer.BYTES},
        {VstorPacket.FLAGS_OFFSET, Integer.BYTES},
        {VstorPacket.STATUS_OFFSET, Integer.BYTES},
        {VstorSrb.LENGTH_OFFSET, Short.BYTES},
        {VstorSrb.PORT_OFFSET, Byte.BYTES},
        {VstorSrb.PATH_OFFSET, Byte.BYTES},
        {VstorSrb.TARGET_OFFSET, Byte.BYTES},
        {VstorSrb.LUN_OFFSET, Byte.BYTES},
        {VstorSrb.CDB_LENGTH_OFFSET, Byte.BYTES},
        {VstorSrb.SENSE_LENGTH_OFFSET, Byte.BYTES},
        {VstorSrb.DATA_IN_OFFSET, Byte.BYTES},
        {VstorSrb.DATA_TRANSFER_LENGTH_OFFSET, Integer.BYTES},
        {VstorSrb.QUEUE_TAG_OFFSET, Byte.BYTES},
        {VstorSrb.QUEUE_ACTION_OFFSET, Byte.BYTES},
        {VstorSrb.SRB_FLAGS_OFFSET, Integer.BYTES},
        {VstorSrb.TIMEOUT_OFFSET, Integer.BYTES},
    };

    /** Offset and width of descriptor fields that leave the framing as it is. */
    private static final int[][] DESCRIPTOR_FIELDS = {
        {PacketDescriptor.TYPE_OFFSET, Short.BYTES},
        {PacketDescriptor.FLAGS_OFFSET, Short.BYTES},
        {PacketDescriptor.TRANSACTION_ID_OFFSET, Long.BYTES},
    };

    private static final int[][] RANGE_FIELDS = {
        {GpaDirectPacket.RESERVED_OFFSET, Integer.BYTES},
        {GpaDirectPacket.RANGE_COUNT_OFFSET, Integer.BYTES},
        {GpaDirectPacket.BYTE_COUNT_OFFSET, Integer.BYTES},
        {GpaDirectPacket.BYTE_OFFSET_OFFSET, Integer.BYTES},
    };

    private final GuestPages pages;
    private final int luns;
    private final int diskSectors;
    private final MemorySegment packet = Arena.ofAuto().allocate(MAX_BYTES, Long.BYTES);
    private long lastId;
    private int payloadAt;
    private int bytes;
    private int pageCount;
    private boolean spoiled;
    private boolean breaksRing;

    /**
     * @param luns LUNs 0 to {@code luns - 1} are asked for most
     * @param diskSectors sectors of 512 bytes that most accesses stay within
     */
    RequestForge(GuestPages pages, int luns, int diskSectors) {
        this.pages = pages;
        this.luns = luns;
        this.diskSectors = diskSectors;
    }

    /** The request made last, from offset 0. */
    MemorySegment packet() {
        return packet;
    }

    /** Whether the request made last has a fault. */
    boolean isSpoiled() {
        return spoiled;
    }

    /** Whether the host must give the ring up at the request made last. */
    boolean breaksRing() {
        return breaksRing;
    }

    /** Makes the next request; returns the bytes it takes in the ring, trailer not counted. */
    int next(Dice dice) {
        spoiled = false;
        breaksRing = false;
        build(dice);
        if (!dice.oneIn(VALID_ONE_IN)) {
            spoiled = true;
            do {
                spoil(dice);
            } while (dice.oneIn(3));
        }
        if (dice.oneIn(BROKEN_ONE_IN)) {
            breakFraming(dice);
        }
        return bytes;
    }

    /** Makes an operation of the initialisation, valid. */
    int operation(int operation, int argument) {
        spoiled = false;
        breaksRing = false;
        inband(operation);
        if (operation == VstorOperation.QUERY_PROTOCOL_VERSION) {
            VstorPacket.version(packet, payloadAt, argument);
        } else if (operation == VstorOperation.CREATE_SUB_CHANNELS) {
            VstorPacket.subchannelCount(packet, payloadAt, argument);
        }
        return bytes;
    }

    private void build(Dice dice) {
        int kind = dice.below(100);
        if (kind < 50) {
            transfer(TRANSFERS[dice.below(TRANSFERS.length)], dice);
        } else if (kind < 80) {
            command(ALL[dice.below(ALL.length)], dice);
        } else if (kind < 90) {
            srb(dice, dice.below(4) * SECTOR_BYTES, dice.below(3));
            Spoiler.noise(packet, payloadAt + VstorSrb.CDB_OFFSET, Cdb.BYTES, dice);
        } else if (kind < 94) {
            control(dice);
        } else {
            inband(VstorOperation.EXECUTE_SRB);
            Spoiler.noise(
                    packet, payloadAt + VstorPacket.BODY_OFFSET, VstorPacket.BODY_BYTES, dice);
        }
    }

    private void transfer(ScsiCommand command, Dice dice) {
        boolean write = command.text().startsWith("WRITE");
        int blocks = dice.oneIn(LARGE_ONE_IN) ? dice.between(1, 4096 + 64) : dice.between(1, 24);
        blocks = (int) Math.min(blocks, command.maxCount());
        int lba = dice.below(diskSectors);
        srb(dice, blocks * SECTOR_BYTES, write ? VstorSrb.DIRECTION_OUT : VstorSrb.DIRECTION_IN);
        cdb(command, lba, blocks);
        if (dice.oneIn(4)) {
            Cdb.addFlags(packet, payloadAt + VstorSrb.CDB_OFFSET, dice.below(256));
        }
    }

    /** Any other command, with parameters that are often right. */
    private void command(ScsiCommand command, Dice dice) {
        int units =
                command.maxCount() == 0 ? 0 : dice.below((int) Math.min(command.maxCount(), 512));
        int direction =
                switch (command.counts()) {
                    case ALLOCATION -> VstorSrb.DIRECTION_IN;
                    case PARAMETERS -> VstorSrb.DIRECTION_OUT;
                    case BLOCKS -> dice.below(3);
                    case NONE -> VstorSrb.DIRECTION_NONE;
                };
        int dataBytes =
                switch (command.counts()) {
                    case ALLOCATION, PARAMETERS -> units;
                    case BLOCKS -> dice.below(3) * SECTOR_BYTES;
                    case NONE -> 0;
                };
        srb(dice, dataBytes, direction);
        long lba = command.hasLba() ? dice.below(diskSectors) : 0;
        cdb(command, Math.min(lba, command.maxLba() & Long.MAX_VALUE), units);
        if (command == ScsiCommand.INQUIRY || dice.oneIn(2)) {
            int flags = dice.below(4);
            Cdb.addFlags(packet, payloadAt + VstorSrb.CDB_OFFSET, flags);
            packet.set(
                    ValueLayout.JAVA_BYTE,
                    payloadAt + VstorSrb.CDB_OFFSET + 2,
                    dice.oneIn(2) ? (byte) 0xB0 : (byte) dice.bits());
        }
    }

    private void control(Dice dice) {
        inband(dice.between(0, 14));
        int operation = VstorPacket.operation(packet, payloadAt);
        if (operation == VstorOperation.QUERY_PROTOCOL_VERSION) {
            VstorPacket.version(packet, payloadAt, VstorVersion.V6_2);
        } else if (operation == VstorOperation.CREATE_SUB_CHANNELS) {
            VstorPacket.subchannelCount(packet, payloadAt, dice.below(4));
        } else {
            VstorSrb.lun(packet, payloadAt, dice.below(luns + 1));
        }
    }

    private void inband(int operation) {
        pageCount = 0;
        payloadAt = PacketDescriptor.BYTES;
        bytes = payloadAt + VstorPacket.BYTES;
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                payloadAt,
                bytes,
                PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                ++lastId);
        VstorPacket.clear(packet, payloadAt, operation, VstorPacket.FLAG_REQUEST_COMPLETION);
    }

    private void srb(Dice dice, int dataBytes, int direction) {
        if (dataBytes == 0) {
            inband(VstorOperation.EXECUTE_SRB);
        } else {
            int inPage = dice.oneIn(2) ? 0 : dice.below(HvPage.SIZE);
            pageCount = (int) HvPage.span(inPage, dataBytes);
            payloadAt =
                    GpaDirectPacket.encode(
                            packet,
                            0,
                            dataBytes,
                            inPage,
                            pageCount,
                            VstorPacket.BYTES,
                            PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                            ++lastId);
            bytes = GpaDirectPacket.packetBytes(pageCount, VstorPacket.BYTES);
            putPfns(dice);
            VstorPacket.clear(
                    packet,
                    payloadAt,
                    VstorOperation.EXECUTE_SRB,
                    VstorPacket.FLAG_REQUEST_COMPLETION);
        }
        VstorSrb.length(packet, payloadAt, VstorSrb.BYTES);
        VstorSrb.lun(packet, payloadAt, dice.below(luns));
        VstorSrb.senseLength(packet, payloadAt, VstorSrb.SENSE_BYTES);
        VstorSrb.direction(packet, payloadAt, direction);
        VstorSrb.dataTransferLength(packet, payloadAt, dataBytes);
        VstorSrb.queueTag(packet, payloadAt, VstorSrb.QUEUE_TAG_UNTAGGED);
        VstorSrb.cdbLength(packet, payloadAt, Cdb.BYTES);
    }

    private void cdb(ScsiCommand command, long lba, long units) {
        VstorSrb.cdbLength(packet, payloadAt, command.cdbBytes());
        Cdb.encode(packet, payloadAt + VstorSrb.CDB_OFFSET, command, lba, units);
    }

    private void putPfns(Dice dice) {
        int page = pages.dataPage(dice);
        boolean scattered = dice.oneIn(3);
        for (int i = 0; i < pageCount; i++) {
            GpaDirectPacket.putPfn(packet, 0, i, pages.pfn(page));
            page = scattered || page == GuestPages.PAGES - 1 ? pages.dataPage(dice) : page + 1;
        }
    }

    private void spoil(Dice dice) {
        switch (dice.below(24)) {
            case 0 -> fieldOf(DESCRIPTOR_FIELDS, 0, dice);
            case 1, 2 -> fieldOf(pageCount > 0 ? RANGE_FIELDS : DESCRIPTOR_FIELDS, 0, dice);
            case 3, 4 -> spoilPfn(dice);
            case 5, 6, 7, 8, 9 -> fieldOf(VSTOR_FIELDS, payloadAt, dice);
            case 10, 11, 12 ->
                    Spoiler.anywhere(packet, payloadAt + VstorSrb.CDB_OFFSET, Cdb.BYTES, dice);
            case 13 -> Spoiler.anywhere(packet, payloadAt, VstorPacket.BYTES, dice);
            case 14 -> resize(dice);
            case 15 -> shiftPayload(dice);
            default -> spoilGently(dice);
        }
    }

    /** What the host may well carry out: an id or a page used twice, fields of little weight. */
    private void spoilGently(Dice dice) {
        if (pageCount > 1 && dice.oneIn(2)) {
            int index = dice.below(pageCount);
            long twice = GpaDirectPacket.pfn(packet, 0, dice.below(pageCount));
            GpaDirectPacket.putPfn(packet, 0, index, twice);
        } else if (dice.oneIn(2)) {
            long id = lastId - dice.below(64);
            packet.set(Spoiler.U64, PacketDescriptor.TRANSACTION_ID_OFFSET, id);
        } else {
            Spoiler.field(packet, payloadAt + VstorSrb.TIMEOUT_OFFSET, Long.BYTES, dice);
        }
    }

    private void fieldOf(int[][] fields, int at, Dice dice) {
        int[] field = fields[dice.below(fields.length)];
        if (at + field[0] + field[1] <= bytes) {
            Spoiler.field(packet, at + field[0], field[1], dice);
        } else {
            Spoiler.field(packet, PacketDescriptor.TRANSACTION_ID_OFFSET, Long.BYTES, dice);
        }
    }

    private void spoilPfn(Dice dice) {
        if (pageCount == 0) {
            fieldOf(DESCRIPTOR_FIELDS, 0, dice);
            return;
        }
        int index = dice.below(pageCount);
        long pfn =
                dice.oneIn(2_000)
                        ? pages.pfn(dice.below(GuestPages.FIRST_DATA_PAGE))
                        : dice.odd(GpaDirectPacket.pfn(packet, 0, index), Long.BYTES);
        GpaDirectPacket.putPfn(packet, 0, index, pfn);
    }

    /** Longer or shorter than it should be; still a packet. */
    private void resize(Dice dice) {
        int old = bytes;
        int least = PacketDescriptor.dataOffset(packet, 0);
        bytes =
                dice.oneIn(2)
                        ? old + Long.BYTES * dice.between(1, 32)
                        : old - Long.BYTES * dice.between(1, 8);
        bytes = Math.max(least, Math.min(bytes, MAX_BYTES));
        if (bytes > old) {
            Spoiler.noise(packet, old, bytes - old, dice);
        }
        packet.set(Spoiler.U16, PacketDescriptor.LEN8_OFFSET, (short) (bytes / Long.BYTES));
    }

    /** Has the payload begin elsewhere within the packet. */
    private void shiftPayload(Dice dice) {
        int offset8 = dice.between(PacketDescriptor.BYTES / Long.BYTES, bytes / Long.BYTES);
        packet.set(Spoiler.U16, PacketDescriptor.OFFSET8_OFFSET, (short) offset8);
    }

    private void breakFraming(Dice dice) {
        spoiled = true;
        breaksRing = true;
        if (dice.oneIn(2)) {
            boolean shorter = dice.oneIn(2);
            int len8 = shorter ? dice.below(2) : dice.between(0xFFFF - 16, 0xFFFF);
            packet.set(Spoiler.U16, PacketDescriptor.LEN8_OFFSET, (short) len8);
        } else {
            boolean before = dice.oneIn(2);
            int offset8 = before ? dice.below(2) : dice.between(bytes / Long.BYTES + 1, 0xFFFF);
            packet.set(Spoiler.U16, PacketDescriptor.OFFSET8_OFFSET, (short) offset8);
        }
    }
}
