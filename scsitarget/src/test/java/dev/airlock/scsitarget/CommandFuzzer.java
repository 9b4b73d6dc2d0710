package dev.airlock.scsitarget;

import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Makes random commands for {@link FuzzTest}, and keeps what the disk must hold by its own reading
 * of the CDB.
 */
final class CommandFuzzer {

    private static final long MAX_BLOCKS = LogicalUnitOptions.DEFAULT_MAX_TRANSFER_BYTES;

    private static final int[] PAGES = {0x08, 0x0A, 0x3F};

    final TestGuest guest;
    int cdbBytes;
    int direction;
    int goodReads;
    int goodChanges;

    private final SplittableRandom random;
    private final int block;
    private final int blocks;
    private final byte[] model;
    private final MemorySegment modelSegment;
    private final byte[] sent;
    private final byte[] now;
    private int bufferBytes;

    CommandFuzzer(long seed, int block, int blocks) {
        random = new SplittableRandom(seed + block);
        this.block = block;
        this.blocks = blocks;
        guest = TestGuest.withBlocks(block, blocks);
        model = new byte[block * blocks];
        modelSegment = MemorySegment.ofArray(model);
        sent = new byte[5 * 4096];
        now = new byte[sent.length];
    }

    void next() {
        MemorySegment cdb = guest.cdb();
        int kind = random.nextInt(20);
        if (kind == 0) {
            for (int i = 0; i < Cdb.BYTES; i++) {
                BigEndian.u8(cdb, i, random.nextInt(256));
            }
            cdbBytes = random.nextInt(0, 18);
        } else {
            ScsiCommand[] commands = SupportedCommands.inOrder();
            almostRight(commands[random.nextInt(commands.length)]);
        }
        direction = random.nextInt(8) == 0 ? random.nextInt(4) : naturalDirection();
        fillBuffer();
    }

    private void almostRight(ScsiCommand command) {
        MemorySegment cdb = guest.cdb();
        cdb.fill((byte) 0);
        BigEndian.u8(cdb, 0, command.opcode());
        if (command.serviceAction() != ScsiCommand.NO_SERVICE_ACTION) {
            BigEndian.u8(cdb, 1, command.serviceAction());
        }
        long lba = random.nextInt(8) == 0 ? random.nextLong() : random.nextInt(blocks + 2);
        for (int i = 0; i < command.lbaBytes(); i++) {
            int value = (int) (lba >>> 8 * (command.lbaBytes() - 1 - i));
            BigEndian.u8(cdb, command.lbaAt() + i, value);
        }
        int count =
                switch (command.counts()) {
                    case BLOCKS -> random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(5);
                    case NONE -> 0;
                    default -> random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(256);
                };
        for (int i = 0; i < command.countBytes(); i++) {
            BigEndian.u8(cdb, command.countAt() + i, count >>> 8 * (command.countBytes() - 1 - i));
        }
        favour(command);
        cdbBytes = random.nextInt(64) == 0 ? random.nextInt(0, 17) : command.cdbBytes();
        if (random.nextInt(3) == 0) {
            byte[] usage = SupportedCommands.usage(command);
            int at = random.nextInt(1, command.cdbBytes());
            int mask = usage == null || random.nextInt(4) == 0 ? 0xFF : usage[at] & 0xFF;
            BigEndian.u8(cdb, at, BigEndian.u8(cdb, at) ^ random.nextInt(256) & mask);
        }
    }

    /**
     * Steers commands that would else be refused nearly always, or would make all others fail for
     * long.
     */
    private void favour(ScsiCommand command) {
        MemorySegment cdb = guest.cdb();
        if (random.nextInt(16) == 0) {
            return;
        }
        switch (command) {
            case START_STOP_UNIT -> BigEndian.u8(cdb, 4, 0x01);
            case MODE_SENSE_6, MODE_SENSE_10 ->
                    BigEndian.u8(
                            cdb, 2, PAGES[random.nextInt(PAGES.length)] | random.nextInt(3) << 6);
            case REQUEST_SENSE -> BigEndian.u8(cdb, 1, random.nextInt(2));
            case VERIFY_10, VERIFY_12, VERIFY_16 -> BigEndian.u8(cdb, 1, random.nextInt(4) << 1);
            default -> {}
        }
    }

    private @Nullable ScsiCommand command() {
        return ScsiCommand.of(BigEndian.u8(guest.cdb(), 0), BigEndian.u8(guest.cdb(), 1));
    }

    private int naturalDirection() {
        ScsiCommand command = command();
        if (command == null) {
            return VstorSrb.DIRECTION_NONE;
        }
        return switch (command) {
            case WRITE_6,
                    WRITE_10,
                    WRITE_12,
                    WRITE_16,
                    WRITE_SAME_10,
                    WRITE_SAME_16,
                    UNMAP,
                    MODE_SELECT_6,
                    MODE_SELECT_10,
                    VERIFY_10,
                    VERIFY_12,
                    VERIFY_16 ->
                    VstorSrb.DIRECTION_OUT;
            default -> VstorSrb.DIRECTION_IN;
        };
    }

    private void fillBuffer() {
        ScsiCommand command = command();
        bufferBytes = random.nextInt(5) * block;
        if (command != null && command.counts() == ScsiCommand.Count.PARAMETERS) {
            bufferBytes = random.nextInt(300);
        } else if (command == ScsiCommand.WRITE_SAME_10 || command == ScsiCommand.WRITE_SAME_16) {
            bufferBytes = block;
        }
        if (random.nextInt(6) == 0) {
            bufferBytes = Math.max(0, bufferBytes + random.nextInt(-600, 600));
        }
        bufferBytes = Math.min(bufferBytes, sent.length);
        byte fill = (byte) random.nextInt();
        Arrays.fill(sent, 0, bufferBytes, random.nextInt(3) == 0 ? 0 : fill);
        for (int i = 0; i < 4 && bufferBytes > 0 && random.nextBoolean(); i++) {
            sent[random.nextInt(bufferBytes)] = (byte) random.nextInt();
        }
        if (command != null && command.counts() == ScsiCommand.Count.PARAMETERS) {
            parameters(command);
        } else if (command != null
                && command.text().startsWith("VERIFY")
                && random.nextInt(4) != 0) {
            long lba = command.lba(guest.cdb(), 0);
            int from = lba >= 0 && lba < blocks ? (int) lba * block : 0;
            System.arraycopy(model, from, sent, 0, Math.min(bufferBytes, model.length - from));
        }
        guest.buffer(bufferBytes);
        guest.data().copyFrom(0, MemorySegment.ofArray(sent), 0, bufferBytes);
    }

    /** Parameter lists that are nearly valid. */
    private void parameters(ScsiCommand command) {
        MemorySegment list = MemorySegment.ofArray(sent);
        Arrays.fill(sent, 0, bufferBytes, (byte) 0);
        if (bufferBytes < 32) {
            return;
        }
        if (command == ScsiCommand.UNMAP) {
            if (random.nextInt(8) != 0) {
                BigEndian.u16(guest.cdb(), command.countAt(), bufferBytes);
            }
            int descriptors = random.nextInt(1, (bufferBytes - 8) / 16 + 1);
            BigEndian.u16(list, 2, 16 * descriptors);
            for (int i = 0; i < descriptors; i++) {
                BigEndian.u64(
                        list,
                        8 + 16 * i,
                        random.nextInt(20) == 0 ? random.nextLong() : random.nextInt(blocks));
                BigEndian.u32(
                        list,
                        16 + 16 * i,
                        random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(3));
            }
        } else {
            int header = command == ScsiCommand.MODE_SELECT_6 ? 4 : 8;
            boolean caching = random.nextBoolean();
            sent[header] = (byte) (caching ? 0x08 : 0x0A);
            sent[header + 1] = (byte) (caching ? 18 : 10);
            sent[header + (caching ? 2 : 4)] = (byte) (random.nextBoolean() ? 0 : caching ? 4 : 8);
            sent[header + 3] = (byte) (caching ? 0 : 0x10);
            if (!caching && random.nextInt(8) != 0) {
                sent[header + 4] = 0;
            }
            BigEndian.u8(guest.cdb(), 1, 0x10);
            BigEndian.u8(
                    guest.cdb(),
                    command.countAt() + command.countBytes() - 1,
                    header + (caching ? 20 : 12));
            if (command == ScsiCommand.MODE_SELECT_10) {
                BigEndian.u8(guest.cdb(), command.countAt(), 0);
            }
        }
        if (random.nextInt(3) == 0) {
            sent[random.nextInt(bufferBytes)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    boolean isBufferAsSentFrom(int from) {
        guest.data().copyTo(0, MemorySegment.ofArray(now), 0, bufferBytes);
        return from >= bufferBytes
                || Arrays.mismatch(sent, from, bufferBytes, now, from, bufferBytes) < 0;
    }

    /** Brings the unit back to a state in which commands succeed. */
    void settle() {
        guest.itl().reset(UnitAttention.BUS_RESET);
        guest.command(ScsiCommand.TEST_UNIT_READY, 0, 0).send();
        guest.raw(0x15, 0x10, 0, 0, 16, 0);
        byte[] list = new byte[16];
        list[4] = 0x0A;
        list[5] = 0x0A;
        list[7] = 0x10;
        guest.send(list).succeeded();
    }

    void compareWithModel(boolean good) {
        ScsiCommand command = command();
        if (command != null && FuzzTest.isReadOrWrite(command)) {
            comparePrediction(command, good);
        }
        if (good && command != null && cdbBytes >= command.cdbBytes()) {
            apply(command);
        }
        long differs =
                MemorySegment.mismatch(
                        guest.disk.bytes, 0, model.length, modelSegment, 0, model.length);
        if (differs >= 0) {
            throw new AssertionError("disk differs at byte " + differs);
        }
    }

    /**
     * A READ or WRITE succeeds exactly when its own fields allow; other conditions show by other
     * sense keys.
     */
    private void comparePrediction(ScsiCommand command, boolean good) {
        boolean six = command.cdbBytes() == 6;
        MemorySegment cdb = guest.cdb();
        long lba = command.lba(cdb, 0);
        long count = command.count(cdb, 0);
        boolean fields =
                cdbBytes >= command.cdbBytes()
                        && (six || BigEndian.u8(cdb, 1) >>> 5 == 0)
                        && (BigEndian.u8(cdb, command.cdbBytes() - 1) & 4) == 0
                        && lba >= 0
                        && lba <= blocks
                        && count <= blocks - lba
                        && count <= MAX_BLOCKS / block;
        boolean given = !isWrite(command) || dataOutBytes() >= count * block;
        if (good && !(fields && given)) {
            throw new AssertionError("GOOD for a command that cannot be carried out");
        }
        boolean illegal =
                !good
                        && guest.task.scsiStatus() == ScsiStatus.CHECK_CONDITION
                        && Sense.key(guest.task.sense(), 0) == SenseKey.ILLEGAL_REQUEST;
        if (illegal && fields && given) {
            throw new AssertionError(
                    "refused: " + Sense.describe(guest.task.sense(), 0, Sense.BYTES));
        }
    }

    private static boolean isWrite(ScsiCommand command) {
        return command.text().startsWith("WRITE(");
    }

    private long dataOutBytes() {
        return direction == VstorSrb.DIRECTION_OUT ? bufferBytes : 0;
    }

    private void apply(ScsiCommand command) {
        MemorySegment cdb = guest.cdb();
        int at = (int) command.lba(cdb, 0) * block;
        long count = command.count(cdb, 0);
        switch (command) {
            case READ_6, READ_10, READ_12, READ_16 -> {
                int moved = (int) guest.task.transferredBytes();
                long room = direction == VstorSrb.DIRECTION_IN ? bufferBytes : 0;
                if (moved != Math.min(room, count * block)
                        || Arrays.mismatch(now, 0, moved, model, at, at + moved) >= 0) {
                    throw new AssertionError("read moved=" + moved);
                }
                goodReads++;
            }
            case WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> {
                System.arraycopy(sent, 0, model, at, (int) count * block);
                goodChanges++;
            }
            case WRITE_SAME_10, WRITE_SAME_16 -> {
                boolean zeroes =
                        command == ScsiCommand.WRITE_SAME_16 && (BigEndian.u8(cdb, 1) & 1) != 0;
                for (int i = 0; i < count; i++) {
                    if (zeroes) {
                        Arrays.fill(model, at + i * block, at + (i + 1) * block, (byte) 0);
                    } else {
                        System.arraycopy(sent, 0, model, at + i * block, block);
                    }
                }
                goodChanges++;
            }
            case UNMAP -> {
                MemorySegment list = MemorySegment.ofArray(sent);
                for (int i = 0; count != 0 && i < BigEndian.u16(list, 2) / 16; i++) {
                    int from = (int) BigEndian.u64(list, 8 + 16 * i) * block;
                    int bytes = (int) BigEndian.u32(list, 16 + 16 * i) * block;
                    Arrays.fill(model, from, from + bytes, (byte) 0);
                }
                goodChanges++;
            }
            default -> {}
        }
    }
}
