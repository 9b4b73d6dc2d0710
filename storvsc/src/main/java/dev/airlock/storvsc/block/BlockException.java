package dev.airlock.storvsc.block;

import java.io.IOException;
import java.io.Serial;

/** A blocking request failed. The message names operation, range and what the device said. */
public final class BlockException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    private final BlockStatus status;
    private final int senseKey;
    private final int additionalSense;

    BlockException(BlockRequest request) {
        super(request.describe());
        this.status = request.status();
        this.senseKey = request.senseKey();
        this.additionalSense = request.additionalSense();
    }

    /** How it failed. */
    public BlockStatus status() {
        return status;
    }

    /** A {@link dev.airlock.scsi.SenseKey}; NO_SENSE when the device gave none. */
    public int senseKey() {
        return senseKey;
    }

    /** A {@link dev.airlock.scsi.AdditionalSense}; NONE when the device gave none. */
    public int additionalSense() {
        return additionalSense;
    }
}
