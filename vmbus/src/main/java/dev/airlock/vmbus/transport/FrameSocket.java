package dev.airlock.vmbus.transport;

import dev.airlock.linux.Fd;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.message.ControlMessage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A socket of frames, one per packet; little endian, Airlock's own format.
 *
 * <pre>
 * 0 +----------+---------------+
 *   | kind     | argument      |   u32 each
 * 8 +----------+---------------+
 *   | payload                  |
 *   +--------------------------+
 *
 * kind 0  control message: argument = connection id it is posted to (0 towards the guest),
 *         payload = the message
 * kind 1  memory region: argument = 0, or 1 if its pages are hidden at first; one descriptor
 *         (a sealed memfd), payload = gpa, bytes, offset in the descriptor (u64 each)
 * kind 2  doorbells of a channel: argument = relid, two eventfds: guest rings host, host rings guest
 * kind 3  visibility of pages of a region hidden at first: argument = 1 shown, 0 taken back,
 *         payload = gpa, bytes (u64 each)
 * kind 4  journal of a channel: argument = relid, one descriptor (a sealed memfd), no payload
 * </pre>
 *
 * <p>Sending is thread-safe. Receiving is for one thread: {@link #receive} overwrites what {@link
 * #kind}, {@link #argument} and {@link #payload} show. Closes the socket it was given.
 */
public final class FrameSocket implements AutoCloseable {
    public static final int KIND_OFFSET = 0;
    public static final int ARGUMENT_OFFSET = KIND_OFFSET + Integer.BYTES;
    public static final int PAYLOAD_OFFSET = ARGUMENT_OFFSET + Integer.BYTES;

    public static final int KIND_MESSAGE = 0;
    public static final int KIND_REGION = 1;
    public static final int KIND_DOORBELLS = 2;

    public static final int KIND_VISIBILITY = 3;

    public static final int KIND_JOURNAL = 4;

    /** {@link #argument} of a region whose pages are hidden until they are shown. */
    public static final int REGION_HIDDEN = 1;

    /** {@link #kind} of a packet too short to be a frame. */
    public static final int KIND_MALFORMED = -1;

    public static final int REGION_GPA_OFFSET = PAYLOAD_OFFSET;
    public static final int REGION_BYTES_OFFSET = REGION_GPA_OFFSET + Long.BYTES;
    public static final int REGION_FILE_OFFSET_OFFSET = REGION_BYTES_OFFSET + Long.BYTES;
    public static final int REGION_FRAME_BYTES = REGION_FILE_OFFSET_OFFSET + Long.BYTES;

    /** {@link #REGION_GPA_OFFSET} and {@link #REGION_BYTES_OFFSET} are the payload. */
    public static final int VISIBILITY_FRAME_BYTES = REGION_FILE_OFFSET_OFFSET;

    /** Largest frame: a control message of the largest size. */
    public static final int MAX_FRAME_BYTES = PAYLOAD_OFFSET + ControlMessage.MAX_BYTES;

    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final UnixSocket socket;
    private final MemorySegment received = Arena.ofAuto().allocate(MAX_FRAME_BYTES, Long.BYTES);
    private int receivedBytes;

    /**
     * @param socket owned from now on
     */
    public FrameSocket(UnixSocket socket) {
        this.socket = socket;
    }

    /** Posts a control message. */
    public void send(int connectionId, ControlMessage message) throws IOException {
        MemorySegment frame = frame(KIND_MESSAGE, connectionId, message.encodedBytes());
        message.encode(frame, PAYLOAD_OFFSET);
        socket.send(frame);
    }

    /**
     * Hands a memory region to the peer.
     *
     * @param memfd stays owned by the caller
     */
    public void sendRegion(long gpa, long bytes, Fd memfd, long fileOffset) throws IOException {
        sendRegion(gpa, bytes, memfd, fileOffset, true);
    }

    /**
     * As {@link #sendRegion(long, long, Fd, long)}.
     *
     * @param visible false for a region whose pages are shown by {@link #sendVisibility}
     */
    public void sendRegion(long gpa, long bytes, Fd memfd, long fileOffset, boolean visible)
            throws IOException {
        MemorySegment frame =
                frame(
                        KIND_REGION,
                        visible ? 0 : REGION_HIDDEN,
                        REGION_FRAME_BYTES - PAYLOAD_OFFSET);
        frame.set(U64, REGION_GPA_OFFSET, gpa);
        frame.set(U64, REGION_BYTES_OFFSET, bytes);
        frame.set(U64, REGION_FILE_OFFSET_OFFSET, fileOffset);
        socket.send(frame, memfd);
    }

    /** Shows pages of a region that was hidden, or takes them back. */
    public void sendVisibility(long gpa, long bytes, boolean visible) throws IOException {
        MemorySegment frame =
                frame(KIND_VISIBILITY, visible ? 1 : 0, VISIBILITY_FRAME_BYTES - PAYLOAD_OFFSET);
        frame.set(U64, REGION_GPA_OFFSET, gpa);
        frame.set(U64, REGION_BYTES_OFFSET, bytes);
        socket.send(frame);
    }

    /** Posts a control message as the bytes it came in, unread. */
    public void sendRaw(int connectionId, MemorySegment message) throws IOException {
        MemorySegment frame =
                frame(KIND_MESSAGE, connectionId, Math.toIntExact(message.byteSize()));
        MemorySegment.copy(message, 0, frame, PAYLOAD_OFFSET, message.byteSize());
        socket.send(frame);
    }

    /**
     * Hands the doorbells of a channel to the peer, to be used by its next open.
     *
     * @param guestToHost rung by the guest; both stay owned by the caller
     */
    public void sendDoorbells(int relid, Fd guestToHost, Fd hostToGuest) throws IOException {
        socket.send(frame(KIND_DOORBELLS, relid, 0), guestToHost, hostToGuest);
    }

    /**
     * Hands the peer memory in which it keeps what it has under way on a channel, to be used by the
     * channel's next open: see {@code HostChannel.journal}.
     *
     * @param memfd stays owned by the caller
     */
    public void sendJournal(int relid, Fd memfd) throws IOException {
        socket.send(frame(KIND_JOURNAL, relid, 0), memfd);
    }

    /**
     * Waits for a frame.
     *
     * @param timeoutMs negative waits without end
     * @return descriptors that came with it, and whether a frame came at all; to be closed by the
     *     caller
     * @throws IOException EMSGSIZE when the peer sent more than a frame can be: it is gone, the
     *     socket lives
     */
    public ReceivedMessage receive(long timeoutMs) throws IOException {
        receivedBytes = 0;
        ReceivedMessage message = socket.receive(received, timeoutMs);
        receivedBytes = message.length();
        return message;
    }

    /** Kind of the frame received last, as the peer says, or {@link #KIND_MALFORMED}. */
    public int kind() {
        return receivedBytes < PAYLOAD_OFFSET ? KIND_MALFORMED : received.get(U32, KIND_OFFSET);
    }

    /** Argument of the frame received last; only of a frame that is not malformed. */
    public int argument() {
        return received.get(U32, ARGUMENT_OFFSET);
    }

    /** The frame received last, header included; private memory, overwritten by the next. */
    public MemorySegment frame() {
        return received.asSlice(0, receivedBytes);
    }

    /** Bytes behind the header of the frame received last. */
    public int payloadBytes() {
        return Math.max(0, receivedBytes - PAYLOAD_OFFSET);
    }

    /** A field of a region frame received last; {@link #payloadBytes} must cover it. */
    public long regionField(int offset) {
        return received.get(U64, offset);
    }

    /** The socket, for a poll set or its peer's credentials. Still owned by this object. */
    public UnixSocket socket() {
        return socket;
    }

    /** Ends every wait on the socket, from any thread. */
    public void shutdown() {
        socket.shutdown();
    }

    @Override
    public void close() {
        socket.close();
    }

    private static MemorySegment frame(int kind, int argument, int payloadBytes) {
        MemorySegment frame = MemorySegment.ofArray(new byte[PAYLOAD_OFFSET + payloadBytes]);
        frame.set(U32, KIND_OFFSET, kind);
        frame.set(U32, ARGUMENT_OFFSET, argument);
        return frame;
    }
}
