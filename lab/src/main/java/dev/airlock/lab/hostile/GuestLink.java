package dev.airlock.lab.hostile;

import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.transport.FrameSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The socket of a hostile guest: sends frames of any content, and takes the host's answers while it
 * waits, so that neither side waits for the other for ever. For one thread. Owns the socket.
 */
final class GuestLink implements AutoCloseable {
    /** How long a host that is not ours to stop may take; longer is a hang. */
    private static final long PATIENCE_MS = 20_000;

    private static final long SEND_STEP_MS = 5;

    /** Sockets are refused by every host of ours, with an answer. */
    private static final long PING = 0x676E_6970;

    private static final int PING_FRAME_BYTES =
            FrameSocket.PAYLOAD_OFFSET + ControlMessage.HEADER_BYTES + 2 * Guid.BYTES;

    private final UnixSocket socket;
    private final Consumer<ControlMessage> seen;
    private final MemorySegment received =
            Arena.ofAuto().allocate(FrameSocket.MAX_FRAME_BYTES, Long.BYTES);
    private boolean gone;
    private long pings;

    /**
     * @param seen told of every message of the host
     */
    GuestLink(UnixSocket socket, Consumer<ControlMessage> seen) {
        this.socket = socket;
        this.seen = seen;
    }

    /** Whether the host has ended the connection. */
    boolean isGone() {
        return gone;
    }

    /** Sends a frame; false when the host has ended the connection. */
    boolean send(MemorySegment frame, Fd... fds) {
        long start = System.nanoTime();
        while (!gone) {
            try {
                socket.send(frame, SEND_STEP_MS, fds);
                return true;
            } catch (LinuxException e) {
                if (e.errno() != Errno.ETIMEDOUT) {
                    gone = true;
                } else {
                    drain();
                    requirePatience(start, "host does not read its socket");
                }
            }
        }
        return false;
    }

    /** Takes what the host has sent, without waiting. */
    void drain() {
        while (!gone && receive(0) != null) {
            // Each was told to whoever wants to know.
        }
    }

    /**
     * Takes messages until the host has handled everything sent so far. Only after contact was
     * made: before that a host is silent.
     *
     * @return false when the host has ended the connection
     * @throws IllegalStateException when the host hangs
     */
    boolean sync() {
        Guid ping = new Guid(PING, ++pings);
        ControlMessage request = new TlConnectRequest(ping, ping);
        MemorySegment frame = MemorySegment.ofArray(new byte[PING_FRAME_BYTES]);
        frame.set(Spoiler.U32, FrameSocket.ARGUMENT_OFFSET, HostBus.MESSAGE_CONNECTION_ID);
        request.encode(frame, FrameSocket.PAYLOAD_OFFSET);
        if (!send(frame)) {
            return false;
        }
        long start = System.nanoTime();
        while (!gone) {
            ControlMessage message = receive(SEND_STEP_MS);
            if (message instanceof TlConnectResult r && r.endpoint().equals(ping)) {
                return true;
            }
            requirePatience(start, "host does not answer");
        }
        return false;
    }

    /** Ends the connection in both directions, the descriptor stays. */
    void shutdown() {
        socket.shutdown();
        gone = true;
    }

    @Override
    public void close() {
        gone = true;
        socket.close();
    }

    private @Nullable ControlMessage receive(long timeoutMs) {
        try (ReceivedMessage message = socket.receive(received, timeoutMs)) {
            if (message.isClosed()) {
                gone = true;
                return null;
            }
            if (message.isTimedOut()) {
                return null;
            }
            ControlMessage decoded =
                    ControlMessage.decode(
                            received,
                            FrameSocket.PAYLOAD_OFFSET,
                            message.length() - FrameSocket.PAYLOAD_OFFSET);
            if (decoded == null || message.fdCount() != 0) {
                throw new IllegalStateException("host sends what is no message");
            }
            seen.accept(decoded);
            return decoded;
        } catch (LinuxException e) {
            gone = true;
            return null;
        }
    }

    private static void requirePatience(long start, String what) {
        if (System.nanoTime() - start > PATIENCE_MS * 1_000_000) {
            throw new IllegalStateException(what + " timeoutMs=" + PATIENCE_MS);
        }
    }
}
