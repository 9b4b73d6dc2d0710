package dev.airlock.lab.trace;

/**
 * Names of the NTSTATUS values that hosts put into control messages and vstor packets. Source:
 * MS-ERREF section 2.3.1.
 */
final class NtStatus {
    static final int SUCCESS = 0;

    private NtStatus() {}

    /** The name without {@code STATUS_}, or the number in hexadecimal. */
    static String name(int status) {
        return switch (status) {
            case SUCCESS -> "SUCCESS";
            case 0x0000_0103 -> "PENDING";
            case 0xC000_0001 -> "UNSUCCESSFUL";
            case 0xC000_0002 -> "NOT_IMPLEMENTED";
            case 0xC000_0004 -> "INFO_LENGTH_MISMATCH";
            case 0xC000_0008 -> "INVALID_HANDLE";
            case 0xC000_000D -> "INVALID_PARAMETER";
            case 0xC000_0010 -> "INVALID_DEVICE_REQUEST";
            case 0xC000_0022 -> "ACCESS_DENIED";
            case 0xC000_0059 -> "REVISION_MISMATCH";
            case 0xC000_009A -> "INSUFFICIENT_RESOURCES";
            case 0xC000_00BB -> "NOT_SUPPORTED";
            case 0xC000_0120 -> "CANCELLED";
            case 0xC000_0184 -> "INVALID_DEVICE_STATE";
            case 0xC000_0185 -> "IO_DEVICE_ERROR";
            case 0xC000_0225 -> "NOT_FOUND";
            case 0xC000_0236 -> "CONNECTION_REFUSED";
            default -> DecodedEvent.Builder.hex(Integer.toUnsignedLong(status));
        };
    }
}
