package dev.airlock.scsitarget;

import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.ScsiCommand;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * REPORT SUPPORTED OPERATION CODES (SPC-4 section 6.34): all commands, or one with the bits of its
 * CDB that are looked at.
 */
final class OperationCodesCommand {

    private static final int OPTIONS_AT = 2;
    private static final int RCTD = 0x80;
    private static final int OPTIONS_MASK = 0x07;
    private static final int OPTIONS_HIGH_BIT = 2;
    private static final int OPCODE_AT = 3;
    private static final int SERVICE_ACTION_AT = 4;

    private static final int ALL = 0;
    private static final int ONE_OPCODE = 1;
    private static final int ONE_SERVICE_ACTION = 2;
    private static final int ONE_OF_EITHER = 3;

    private static final int LIST_HEADER_BYTES = 4;
    private static final int DESCRIPTOR_BYTES = 8;
    private static final int SERVACTV = 0x01;
    private static final int CTDP = 0x02;
    private static final int ONE_HEADER_BYTES = 4;
    private static final int ONE_CTDP = 0x80;
    private static final int NOT_SUPPORTED = 1;
    private static final int SUPPORTED_AS_STANDARD = 3;

    /** Command timeouts descriptor: a u16 length of 10, then zeroes for "not told". */
    private static final int TIMEOUTS_BYTES = 12;

    private final BlockGeometry geometry;

    OperationCodesCommand(BlockGeometry geometry) {
        this.geometry = geometry;
    }

    void execute(ScsiTask task) {
        long allocation = ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES.count(task.cdb(), 0);
        boolean timeouts = (task.cdb(OPTIONS_AT) & RCTD) != 0;
        int options = task.cdb(OPTIONS_AT) & OPTIONS_MASK;
        if (options == ALL) {
            task.respond(all(task.scratch(), timeouts), allocation);
            return;
        }
        int opcode = task.cdb(OPCODE_AT);
        int serviceAction = BigEndian.u16(task.cdb(), SERVICE_ACTION_AT);
        boolean has = ScsiCommand.hasServiceAction(opcode);
        // Options 1 and 2 are each an error for the other kind of operation code (SPC-4 table 283).
        if (options > ONE_OF_EITHER
                || (options == ONE_OPCODE && has)
                || (options == ONE_SERVICE_ACTION && !has)) {
            task.invalidField(OPTIONS_AT, OPTIONS_HIGH_BIT);
            return;
        }
        boolean inRange =
                has
                        ? serviceAction <= ScsiCommand.SERVICE_ACTION_MASK
                        : options == ONE_OPCODE || serviceAction == 0;
        ScsiCommand command = inRange ? ScsiCommand.of(opcode, serviceAction) : null;
        task.respond(one(task.scratch(), command, timeouts), allocation);
    }

    private int all(MemorySegment scratch, boolean timeouts) {
        int at = LIST_HEADER_BYTES;
        for (ScsiCommand command : SupportedCommands.inOrder()) {
            if (isSupported(command)) {
                at = descriptor(scratch, at, command, timeouts);
            }
        }
        BigEndian.u32(scratch, 0, at - LIST_HEADER_BYTES);
        return at;
    }

    private static int descriptor(
            MemorySegment scratch, int at, ScsiCommand command, boolean timeouts) {
        boolean has = command.serviceAction() != ScsiCommand.NO_SERVICE_ACTION;
        BigEndian.u64(scratch, at, 0);
        BigEndian.u8(scratch, at, command.opcode());
        BigEndian.u16(scratch, at + 2, has ? command.serviceAction() : 0);
        BigEndian.u8(scratch, at + 5, (has ? SERVACTV : 0) | (timeouts ? CTDP : 0));
        BigEndian.u16(scratch, at + 6, command.cdbBytes());
        return at + DESCRIPTOR_BYTES + (timeouts ? timeouts(scratch, at + DESCRIPTOR_BYTES) : 0);
    }

    private int one(MemorySegment scratch, @Nullable ScsiCommand command, boolean timeouts) {
        BigEndian.u32(scratch, 0, 0);
        byte[] usage =
                command == null || !isSupported(command) ? null : SupportedCommands.usage(command);
        if (usage == null) {
            BigEndian.u8(scratch, 1, NOT_SUPPORTED);
            return ONE_HEADER_BYTES;
        }
        BigEndian.u8(scratch, 1, SUPPORTED_AS_STANDARD | (timeouts ? ONE_CTDP : 0));
        BigEndian.u16(scratch, 2, usage.length);
        MemorySegment.copy(
                usage, 0, scratch, ValueLayout.JAVA_BYTE, ONE_HEADER_BYTES, usage.length);
        int bytes = ONE_HEADER_BYTES + usage.length;
        return bytes + (timeouts ? timeouts(scratch, bytes) : 0);
    }

    private static int timeouts(MemorySegment scratch, int at) {
        BigEndian.u64(scratch, at, 0);
        BigEndian.u32(scratch, at + 8, 0);
        BigEndian.u16(scratch, at, TIMEOUTS_BYTES - 2);
        return TIMEOUTS_BYTES;
    }

    private boolean isSupported(ScsiCommand command) {
        return SupportedCommands.usage(command) != null
                && (command != ScsiCommand.UNMAP || geometry.canUnmap());
    }
}
