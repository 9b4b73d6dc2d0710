package dev.airlock.scsitarget;

import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import org.jspecify.annotations.Nullable;

/** What a guest is told when the disk fails. */
final class DiskFailures {

    private DiskFailures() {}

    static void toSense(ScsiTask task, DiskException failure, @Nullable ScsiCommand command) {
        switch (failure.kind()) {
            case IO ->
                    task.checkCondition(
                            SenseKey.MEDIUM_ERROR,
                            reads(command)
                                    ? AdditionalSense.UNRECOVERED_READ_ERROR
                                    : AdditionalSense.WRITE_ERROR);
            case NO_SPACE ->
                    task.checkCondition(
                            SenseKey.DATA_PROTECT, AdditionalSense.SPACE_ALLOCATION_FAILED);
            case READ_ONLY -> task.writeProtected();
            case OUT_OF_RANGE -> task.outOfRange();
            case POISONED -> task.internalFailure();
        }
    }

    private static boolean reads(@Nullable ScsiCommand command) {
        return switch (command) {
            case READ_6,
                    READ_10,
                    READ_12,
                    READ_16,
                    VERIFY_10,
                    VERIFY_12,
                    VERIFY_16,
                    GET_LBA_STATUS ->
                    true;
            case null, default -> false;
        };
    }
}
