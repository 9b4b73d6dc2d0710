package dev.airlock.storvsc;

/**
 * What the driver writes into {@code vmpacket_descriptor.trans_id}, and the host gives back.
 *
 * <pre>
 *  63            32 31                  16 15              0
 *  +---------------+----------------------+----------------+
 *  | generation    | channel              | tag            |   the lower half plus 1
 *  +---------------+----------------------+----------------+
 * </pre>
 *
 * <p>The lower half is Linux's {@code blk_mq_unique_tag() + 1} ({@code storvsc_next_request_id}),
 * so an id is never 0, which the host uses for messages of its own. The generation is ours: it
 * counts the uses of the tag, begins at 0, and tells a late answer to an earlier command from the
 * answer to the present one. Callers that choose their tags get generation 0 always, which is
 * Linux's id bit by bit.
 */
final class TransactionId {
    /** Messages that the host sends of its own accord. */
    static final long UNSOLICITED = 0;

    /** {@code VMBUS_RQST_INIT} (U64_MAX - 2): the packets of the initialisation. */
    static final long INIT = -3L;

    /** Generations wrap here: ids with the highest bit set are not those of commands. */
    static final int GENERATION_MASK = 0x7FFF_FFFF;

    private static final long OPERATION_BIT = 1L << 63;

    private TransactionId() {}

    static long of(int generation, int channel, int tag) {
        return (long) generation << 32 | (((long) channel << 16 | tag) + 1);
    }

    /**
     * The id of a reset. Linux has one for all ({@code VMBUS_RQST_RESET}); here each has its own,
     * so that an answer that comes too late is not taken for the next one's.
     */
    static long ofReset(int sequence) {
        return OPERATION_BIT | Integer.toUnsignedLong(sequence);
    }

    /** Whether this is {@link #INIT} or a reset, not a command. */
    static boolean isOperation(long id) {
        return (id & OPERATION_BIT) != 0;
    }

    static int generation(long id) {
        return (int) (id >>> 32);
    }

    /** The tag, if the id's lower half names this channel; else -1. */
    static int tag(long id, int channel) {
        long unique = (id & 0xFFFF_FFFFL) - 1;
        return unique >>> 16 == channel ? (int) unique & 0xFFFF : -1;
    }
}
