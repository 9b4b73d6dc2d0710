package dev.airlock.nbd;

import dev.airlock.nbd.wire.ReplyHeader;
import dev.airlock.storvsc.block.BlockCompletion;
import dev.airlock.storvsc.block.BlockRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One request of a client, from its header to the last byte of its reply. Reused; belongs to its
 * connection's thread, but between submission and completion its {@link #disk} request is the
 * device's.
 */
final class Slot implements BlockCompletion {
    /** What is done for the request at the moment. */
    enum Stage {
        /** The payload is arriving. */
        RECEIVE,
        /** Waits until neighbours have left its sectors alone. */
        LOCK,
        READ,
        WRITE,
        FLUSH,
        TRIM,
        ZERO,
        /** An unaligned write reads the sector it begins in, then the one it ends in. */
        WRITE_READS_HEAD,
        WRITE_READS_TAIL,
        /** Unaligned zeroes change the sector they begin in, then the one they end in. */
        ZERO_READS_HEAD,
        ZERO_WRITES_HEAD,
        ZERO_READS_TAIL,
        ZERO_WRITES_TAIL,
        /** What was changed is made durable. */
        FLUSH_AFTER,
        CACHE,
        STATUS,
        REPLY
    }

    final Mailbox mailbox;
    final BlockRequest disk = new BlockRequest();

    /** The reply's header, with what precedes the data: private memory. */
    final MemorySegment head = Arena.ofAuto().allocate(ReplyHeader.BYTES_MAX, Long.BYTES);

    int headBytes;

    // What the client wants.
    int command;
    int flags;
    long cookie;
    long offset;
    long length;

    // How far it is.
    Stage stage = Stage.REPLY;
    int error;
    long startedNanos;

    /** When its payload was whole and the disk's turn came. */
    long begunNanos;

    boolean wroteUnflushed;

    // Its buffer in guest memory; none when bufferBytes is 0.
    long gpa;
    long bufferBytes;

    // What follows the header in the reply.
    @Nullable MemorySegment payload;
    long payloadAt;
    long payloadBytes;

    /** Descriptors of a block status reply; made when first needed. */
    @Nullable MemorySegment extents;

    /** Of the bytes sent by the connection, the first that is not of this reply. */
    long sentEnd;

    // Its range in RangeLocks, whose monitor guards these.
    long lockStart;
    long lockEnd;
    boolean lockExclusive;
    int lockIndex = -1;

    /** The next in whatever list it is in: mailbox, lock queue, outbox. */
    @Nullable Slot next;

    Slot(Mailbox mailbox) {
        this.mailbox = mailbox;
        disk.onCompletion(this);
    }

    /** The device has ended the disk request, on whatever thread. */
    @Override
    public void completed(BlockRequest ended) {
        mailbox.post(this);
    }
}
