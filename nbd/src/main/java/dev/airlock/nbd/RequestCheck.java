package dev.airlock.nbd;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.Transmission;

/** What a request is refused for before anything is done. Stateless. */
final class RequestCheck {
    /** Largest READ or WRITE. */
    static final int PAYLOAD_BYTES_MAX = 32 << 20;

    /** Largest payload that is read and thrown away; one that announces more is disconnected. */
    static final long DISCARD_BYTES_MAX = 64L << 20;

    private static final int[] FLAGS_ALLOWED = {
        Transmission.FLAG_FUA | Transmission.FLAG_DF,
        Transmission.FLAG_FUA | Transmission.FLAG_PAYLOAD_LEN,
        Transmission.FLAG_FUA,
        Transmission.FLAG_FUA,
        Transmission.FLAG_FUA,
        Transmission.FLAG_FUA,
        Transmission.FLAG_FUA | Transmission.FLAG_NO_HOLE | Transmission.FLAG_FAST_ZERO,
        Transmission.FLAG_FUA | Transmission.FLAG_REQ_ONE,
    };

    private RequestCheck() {}

    /**
     * @param sizeBytes of the disk now
     * @return 0, or the error to answer
     */
    static int check(
            Slot slot, boolean extended, boolean withStatus, boolean readOnly, long sizeBytes) {
        int command = slot.command;
        if (command >= FLAGS_ALLOWED.length
                || (slot.flags & ~FLAGS_ALLOWED[command]) != 0
                || ((slot.flags & Transmission.FLAG_PAYLOAD_LEN) != 0 && !extended)) {
            return NbdError.EINVAL;
        }
        if (readOnly && isChange(command)) {
            return NbdError.EPERM;
        }
        if (command == Transmission.CMD_FLUSH) {
            return slot.offset == 0 && slot.length == 0 ? NbdError.OK : NbdError.EINVAL;
        }
        if (command == Transmission.CMD_BLOCK_STATUS && (!withStatus || slot.length == 0)) {
            return NbdError.EINVAL;
        }
        boolean isInside =
                slot.offset >= 0
                        && slot.length >= 0
                        && slot.offset <= sizeBytes
                        && slot.length <= sizeBytes - slot.offset;
        if (!isInside) {
            boolean fills =
                    command == Transmission.CMD_WRITE || command == Transmission.CMD_WRITE_ZEROES;
            return fills ? NbdError.ENOSPC : NbdError.EINVAL;
        }
        if (slot.length > PAYLOAD_BYTES_MAX) {
            if (command == Transmission.CMD_READ) {
                boolean whole = (slot.flags & Transmission.FLAG_DF) != 0;
                return whole ? NbdError.EOVERFLOW : NbdError.EINVAL;
            }
            if (command == Transmission.CMD_WRITE) {
                return NbdError.EINVAL;
            }
        }
        return NbdError.OK;
    }

    /** Whether a command changes the disk. */
    static boolean isChange(int command) {
        return command == Transmission.CMD_WRITE
                || command == Transmission.CMD_TRIM
                || command == Transmission.CMD_WRITE_ZEROES;
    }
}
