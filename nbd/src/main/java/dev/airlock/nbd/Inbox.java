package dev.airlock.nbd;

import dev.airlock.linux.SocketVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What comes from a client. Headers are only ever received into private memory, many of them with
 * one system call, and so is what else arrives with them; of a payload that is expected, the part
 * that is still to come goes straight to where it will be written from, exactly as long as it is.
 * For one thread; allocates nothing after construction.
 */
final class Inbox {
    private static final int BYTES = 128 << 10;

    /** With payloads from this size on, little more than the next header is read beyond each. */
    private static final int LARGE_BYTES = 32 << 10;

    private static final int AFTER_LARGE_BYTES = 1 << 10;

    private final MemorySegment buffer = Arena.ofAuto().allocate(BYTES, 64);
    private final SocketVector vector = new SocketVector(2);
    private int at;
    private int end;
    private boolean isLarge;

    private @Nullable MemorySegment target;
    private long targetAt;
    private long payloadLeft;

    /** The private memory, of which {@link #available} bytes from {@link #at} on count. */
    MemorySegment bytes() {
        return buffer;
    }

    int at() {
        return at;
    }

    int available() {
        return end - at;
    }

    /** The bytes have been dealt with. */
    void skip(int bytes) {
        at += bytes;
    }

    /** The next bytes are a payload. */
    void expect(MemorySegment memory, long offset, long bytes) {
        target = memory;
        targetAt = offset;
        payloadLeft = bytes;
        isLarge = bytes >= LARGE_BYTES;
        takeBuffered();
    }

    /** The next bytes are nothing that anybody wants. */
    void discard(long bytes) {
        target = null;
        payloadLeft = bytes;
        takeBuffered();
    }

    /** Forgets where the payload was to go; returns how much of it has not come. */
    long abandonPayload() {
        target = null;
        return payloadLeft;
    }

    /** Whether a payload is whole, or was not expected. */
    boolean isPayloadComplete() {
        return payloadLeft == 0;
    }

    /** Receives once; the result is the transport's. */
    long receive(Transport from) {
        vector.clear();
        if (at == end) {
            at = 0;
            end = 0;
        } else if (at > 0) {
            // The beginning of a header, or what could not be taken yet.
            MemorySegment.copy(buffer, at, buffer, 0, end - at);
            end -= at;
            at = 0;
        }
        MemorySegment memory = target;
        boolean direct = payloadLeft > 0 && memory != null;
        if (direct && memory != null) {
            vector.add(memory, targetAt, payloadLeft);
        }
        int room = isLarge ? Math.min(BYTES - end, AFTER_LARGE_BYTES) : BYTES - end;
        vector.add(buffer, end, room);
        if (vector.bytes() == 0) {
            return -dev.airlock.linux.Errno.EAGAIN;
        }
        long result = from.receive(vector);
        if (result > 0) {
            long toPayload = direct ? Math.min(result, payloadLeft) : 0;
            targetAt += toPayload;
            payloadLeft -= toPayload;
            end += (int) (result - toPayload);
            takeBuffered();
        }
        return result;
    }

    private void takeBuffered() {
        long bytes = Math.min(payloadLeft, end - at);
        if (bytes > 0) {
            MemorySegment memory = target;
            if (memory != null) {
                MemorySegment.copy(buffer, at, memory, targetAt, bytes);
                targetAt += bytes;
            }
            at += (int) bytes;
            payloadLeft -= bytes;
        }
        if (payloadLeft == 0) {
            target = null;
        }
    }
}
