package dev.airlock.nbd.wire;

/** Error numbers of replies: NBD {@code doc/proto.md}, "Error values". 0 is success. */
public final class NbdError {
    public static final int OK = 0;
    public static final int EPERM = 1;
    public static final int EIO = 5;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int EOVERFLOW = 75;
    public static final int ENOTSUP = 95;
    public static final int ESHUTDOWN = 108;

    private NbdError() {}
}
