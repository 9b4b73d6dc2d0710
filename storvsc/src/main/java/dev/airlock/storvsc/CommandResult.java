package dev.airlock.storvsc;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;

/** Reads the results of an ended {@link ScsiRequest}: what kind of end it was. Stateless. */
public final class CommandResult {
    private CommandResult() {}

    /** The host answered, and the command did all it was to do, but perhaps moved less. */
    public static boolean isGood(ScsiRequest request) {
        int code = SrbStatus.code(request.srbStatus());
        return request.outcome() == Outcome.ANSWERED
                && request.scsiStatus() == ScsiStatus.GOOD
                && (code == SrbStatus.SUCCESS || code == SrbStatus.DATA_OVERRUN);
    }

    /** Whether {@link #senseKey} and {@link #additionalSense} mean something. */
    public static boolean hasSense(ScsiRequest request) {
        return request.outcome() == Outcome.ANSWERED
                && request.scsiStatus() == ScsiStatus.CHECK_CONDITION
                && Sense.isValid(request.sense(), 0, request.senseLength());
    }

    /** The {@link SenseKey}, {@link SenseKey#NO_SENSE} when there is no sense. */
    public static int senseKey(ScsiRequest request) {
        return hasSense(request) ? Sense.key(request.sense(), 0) : SenseKey.NO_SENSE;
    }

    /** The {@link AdditionalSense}, {@link AdditionalSense#NONE} when there is no sense. */
    public static int additionalSense(ScsiRequest request) {
        return hasSense(request) ? Sense.additionalSense(request.sense(), 0) : AdditionalSense.NONE;
    }

    /** There is no such LUN (any more). */
    public static boolean isLunAbsent(ScsiRequest request) {
        if (request.outcome() != Outcome.ANSWERED) {
            return false;
        }
        return switch (SrbStatus.code(request.srbStatus())) {
            case SrbStatus.INVALID_LUN,
                    SrbStatus.INVALID_TARGET_ID,
                    SrbStatus.INVALID_PATH_ID,
                    SrbStatus.NO_DEVICE,
                    SrbStatus.SELECTION_TIMEOUT ->
                    true;
            default -> false;
        };
    }

    /** The LUN had something to tell first (UNIT ATTENTION); the command was not run. */
    public static boolean isUnitAttention(ScsiRequest request) {
        return senseKey(request) == SenseKey.UNIT_ATTENTION;
    }

    /** The host could not take the command now: to be tried again after a while. */
    public static boolean isHostBusy(ScsiRequest request) {
        return request.outcome() == Outcome.ANSWERED
                && (request.scsiStatus() == ScsiStatus.BUSY
                        || request.scsiStatus() == ScsiStatus.TASK_SET_FULL
                        || SrbStatus.code(request.srbStatus()) == SrbStatus.BUSY);
    }

    /** The command was ended by something that did not concern it, such as a reset: try again. */
    public static boolean isAborted(ScsiRequest request) {
        if (request.outcome() != Outcome.ANSWERED) {
            return false;
        }
        int code = SrbStatus.code(request.srbStatus());
        return request.scsiStatus() == ScsiStatus.TASK_ABORTED
                || senseKey(request) == SenseKey.ABORTED_COMMAND
                || (!hasSense(request)
                        && (code == SrbStatus.ABORTED
                                || code == SrbStatus.BUS_RESET
                                || code == SrbStatus.REQUEST_FLUSHED));
    }

    /** One line for people. Allocates. */
    public static String describe(ScsiRequest request) {
        if (request.outcome() != Outcome.ANSWERED) {
            return "outcome=" + request.outcome();
        }
        String sense =
                hasSense(request)
                        ? " sense=" + Sense.describe(request.sense(), 0, request.senseLength())
                        : "";
        return "srb=%s scsi=%s%s"
                .formatted(
                        SrbStatus.name(request.srbStatus()),
                        ScsiStatus.name(request.scsiStatus()),
                        sense);
    }
}
