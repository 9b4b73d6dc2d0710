package dev.airlock.storvsp;

import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorPacket;

/**
 * What an SRB status becomes in {@link VstorPacket#status}. Values: MS-ERREF 2.3.1. Guests take it
 * as a summary only; Linux logs it.
 */
final class NtStatus {
    /** {@code STATUS_BUFFER_OVERFLOW}. */
    static final int BUFFER_OVERFLOW = 0x8000_0005;

    /** {@code STATUS_DEVICE_BUSY}. */
    static final int DEVICE_BUSY = 0x8000_0011;

    /** {@code STATUS_DEVICE_DOES_NOT_EXIST}. */
    static final int DEVICE_DOES_NOT_EXIST = 0xC000_00C0;

    /** {@code STATUS_CANCELLED}. */
    static final int CANCELLED = 0xC000_0120;

    /** {@code STATUS_IO_DEVICE_ERROR}. */
    static final int IO_DEVICE_ERROR = 0xC000_0185;

    private NtStatus() {}

    /**
     * @param srbStatus the code, without flags
     */
    static int ofSrbStatus(int srbStatus) {
        return switch (srbStatus) {
            case SrbStatus.SUCCESS -> VstorPacket.STATUS_SUCCESS;
            case SrbStatus.BUSY -> DEVICE_BUSY;
            case SrbStatus.INVALID_LUN, SrbStatus.INVALID_TARGET_ID, SrbStatus.NO_DEVICE ->
                    DEVICE_DOES_NOT_EXIST;
            case SrbStatus.INVALID_REQUEST -> VstorPacket.STATUS_INVALID_PARAMETER;
            case SrbStatus.DATA_OVERRUN -> BUFFER_OVERFLOW;
            case SrbStatus.ABORTED, SrbStatus.BUS_RESET -> CANCELLED;
            default -> IO_DEVICE_ERROR;
        };
    }
}
