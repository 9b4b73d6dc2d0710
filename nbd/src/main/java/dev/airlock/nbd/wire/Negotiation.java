package dev.airlock.nbd.wire;

/**
 * Numbers of the handshake, NBD {@code doc/proto.md}, "Newstyle negotiation", "Option types",
 * "Option reply types" and "NBD_INFO". All fields are big-endian.
 *
 * <pre>
 * greeting      u64 NBDMAGIC, u64 IHAVEOPT, u16 flags; the client answers u32 flags
 * option        u64 IHAVEOPT, u32 option, u32 length, data
 * option reply  u64 magic, u32 option, u32 type, u32 length, data
 * </pre>
 */
public final class Negotiation {
    /** ASCII NBDMAGIC. */
    public static final long NBD_MAGIC = 0x4e42444d41474943L;

    /** ASCII IHAVEOPT. */
    public static final long OPTION_MAGIC = 0x49484156454F5054L;

    public static final long REPLY_MAGIC = 0x3e889045565a9L;

    public static final int GREETING_BYTES = 18;
    public static final int OPTION_HEADER_BYTES = 16;
    public static final int REPLY_HEADER_BYTES = 20;

    /** Zeroes after the answer to EXPORT_NAME, unless NO_ZEROES was agreed on. */
    public static final int EXPORT_NAME_PADDING_BYTES = 124;

    /** Handshake flags of the server and, with the same numbers, of the client. */
    public static final int FLAG_FIXED_NEWSTYLE = 1;

    public static final int FLAG_NO_ZEROES = 1 << 1;

    public static final int OPT_EXPORT_NAME = 1;
    public static final int OPT_ABORT = 2;
    public static final int OPT_LIST = 3;
    public static final int OPT_STARTTLS = 5;
    public static final int OPT_INFO = 6;
    public static final int OPT_GO = 7;
    public static final int OPT_STRUCTURED_REPLY = 8;
    public static final int OPT_LIST_META_CONTEXT = 9;
    public static final int OPT_SET_META_CONTEXT = 10;
    public static final int OPT_EXTENDED_HEADERS = 11;

    public static final int REP_ACK = 1;
    public static final int REP_SERVER = 2;
    public static final int REP_INFO = 3;
    public static final int REP_META_CONTEXT = 4;
    private static final int ERROR = 1 << 31;
    public static final int REP_ERR_UNSUP = ERROR + 1;
    public static final int REP_ERR_POLICY = ERROR + 2;
    public static final int REP_ERR_INVALID = ERROR + 3;
    public static final int REP_ERR_TLS_REQD = ERROR + 5;
    public static final int REP_ERR_UNKNOWN = ERROR + 6;
    public static final int REP_ERR_SHUTDOWN = ERROR + 7;
    public static final int REP_ERR_TOO_BIG = ERROR + 9;
    public static final int REP_ERR_EXT_HEADER_REQD = ERROR + 10;

    public static final int INFO_EXPORT = 0;
    public static final int INFO_NAME = 1;
    public static final int INFO_DESCRIPTION = 2;
    public static final int INFO_BLOCK_SIZE = 3;

    /** The metadata context that every server has, and its status bits. */
    public static final String BASE_ALLOCATION = "base:allocation";

    public static final int STATE_HOLE = 1;
    public static final int STATE_ZERO = 1 << 1;

    /** Longest string there is. */
    public static final int STRING_BYTES_MAX = 4096;

    private Negotiation() {}
}
