package dev.airlock.storvsc.block;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.storvsc.CommandResult;
import dev.airlock.storvsc.Outcome;
import dev.airlock.storvsc.ScsiRequest;
import dev.airlock.storvsc.StorvscAdapter;

/**
 * Decides what the end of a command means for its request: done, well or not, or to be tried again.
 * Thread-safe.
 */
final class RetryPolicy {
    /** What to do with a command. */
    enum Verdict {
        /** It is over; if it failed the request knows. */
        DONE,
        /** It was not run for a reason that has passed. */
        RETRY_NOW,
        /** The host could not take it; not before the next tick. */
        RETRY_LATER
    }

    /** Unit attentions and aborts that one command is repeated for (Linux SD_MAX_RETRIES is 5). */
    private static final int RETRIES_MAX = 8;

    /** How long a host may say that it is busy. */
    private static final long BUSY_NANOS_MAX = 60_000_000_000L;

    private final StorvscAdapter adapter;

    RetryPolicy(StorvscAdapter adapter) {
        this.adapter = adapter;
    }

    /** Judges an ended command, and tells its request of a failure. */
    Verdict judge(Transfer transfer, BlockRequest request) {
        ScsiRequest command = transfer.command();
        boolean isAnswer = request.operation() == BlockOperation.LBA_STATUS;
        if (CommandResult.isGood(command) && (isAnswer || command.residualBytes() == 0)) {
            request.transferred(isAnswer ? command.transferredBytes() : 0);
            return Verdict.DONE;
        }
        if (command.outcome() != Outcome.ANSWERED) {
            boolean timedOut = command.outcome() == Outcome.TIMED_OUT;
            request.fail(timedOut ? BlockStatus.TIMED_OUT : BlockStatus.GONE, command);
            return Verdict.DONE;
        }
        if (CommandResult.isUnitAttention(command)) {
            attention(CommandResult.additionalSense(command));
            return repeat(transfer, request);
        }
        if (CommandResult.isAborted(command)) {
            return repeat(transfer, request);
        }
        if (isBusy(command) && transfer.busyForNanos(adapter.nowNanos()) < BUSY_NANOS_MAX) {
            return Verdict.RETRY_LATER;
        }
        if (CommandResult.senseKey(command) == SenseKey.RECOVERED_ERROR) {
            return Verdict.DONE;
        }
        if (CommandResult.isLunAbsent(command)) {
            adapter.requestRescan();
            request.fail(BlockStatus.GONE, command);
            return Verdict.DONE;
        }
        request.fail(statusOf(command, request), command);
        return Verdict.DONE;
    }

    private static Verdict repeat(Transfer transfer, BlockRequest request) {
        if (transfer.countRetry() < RETRIES_MAX) {
            return Verdict.RETRY_NOW;
        }
        request.fail(BlockStatus.IO_ERROR, transfer.command());
        return Verdict.DONE;
    }

    private static boolean isBusy(ScsiRequest command) {
        return CommandResult.isHostBusy(command)
                || (CommandResult.senseKey(command) == SenseKey.NOT_READY
                        && CommandResult.additionalSense(command)
                                == AdditionalSense.BECOMING_READY);
    }

    /** What a LUN tells before it does anything else may concern all of them. */
    private void attention(int additionalSense) {
        switch (additionalSense) {
            case AdditionalSense.CAPACITY_DATA_CHANGED,
                    AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED,
                    AdditionalSense.INQUIRY_DATA_HAS_CHANGED,
                    AdditionalSense.MODE_PARAMETERS_CHANGED,
                    AdditionalSense.MEDIUM_MAY_HAVE_CHANGED ->
                    adapter.requestRescan();
            default -> {
                // A reset, or power on: nothing has changed.
            }
        }
    }

    private static BlockStatus statusOf(ScsiRequest command, BlockRequest request) {
        int additional = CommandResult.additionalSense(command);
        return switch (CommandResult.senseKey(command)) {
            case SenseKey.DATA_PROTECT ->
                    additional == AdditionalSense.SPACE_ALLOCATION_FAILED
                            ? BlockStatus.NO_SPACE
                            : BlockStatus.READ_ONLY;
            case SenseKey.ILLEGAL_REQUEST -> illegal(additional, request.operation());
            default -> BlockStatus.IO_ERROR;
        };
    }

    private static BlockStatus illegal(int additional, BlockOperation operation) {
        boolean isOptional =
                operation == BlockOperation.TRIM
                        || operation == BlockOperation.WRITE_ZEROES
                        || operation == BlockOperation.LBA_STATUS;
        return switch (additional) {
            case AdditionalSense.LBA_OUT_OF_RANGE -> BlockStatus.OUT_OF_RANGE;
            case AdditionalSense.INVALID_COMMAND_OPERATION_CODE,
                    AdditionalSense.INVALID_FIELD_IN_CDB ->
                    isOptional ? BlockStatus.UNSUPPORTED : BlockStatus.IO_ERROR;
            default -> BlockStatus.IO_ERROR;
        };
    }
}
