package dev.airlock.nbd;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.linux.SocketVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/**
 * Whole messages over a transport, until a deadline: for the handshake, where nothing is in a
 * hurry. Reads exactly what is asked for and no byte more. For one thread.
 */
final class HandshakeStream {
    private static final int BUFFER_BYTES = 64 << 10;

    private final Mailbox mailbox;
    private final NbdServer server;
    private final long deadlineNanos;
    private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 8);
    private final SocketVector vector = new SocketVector(1);
    private final Poll poll = new Poll(2);
    private Transport transport;

    HandshakeStream(Transport transport, Mailbox mailbox, NbdServer server, long deadlineNanos) {
        this.transport = transport;
        this.mailbox = mailbox;
        this.server = server;
        this.deadlineNanos = deadlineNanos;
    }

    Transport transport() {
        return transport;
    }

    /** Goes on over another transport. */
    void upgrade(Transport encrypted) {
        transport = encrypted;
    }

    /** Reads so many bytes, at most 64 KiB. */
    ByteBuffer read(int bytes) throws ClientFault, LinuxException {
        int have = 0;
        while (have < bytes) {
            vector.clear();
            vector.add(buffer, have, bytes - have);
            long result = transport.receive(vector);
            if (result > 0) {
                have += (int) result;
            } else if (result == -Errno.EAGAIN) {
                await(Poll.READABLE);
            } else {
                throw new ClientFault("left during the handshake");
            }
        }
        byte[] copy = new byte[bytes];
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, copy, 0, bytes);
        return ByteBuffer.wrap(copy);
    }

    /** Reads and forgets. */
    void skip(long bytes) throws ClientFault, LinuxException {
        long left = bytes;
        while (left > 0) {
            int part = (int) Math.min(left, BUFFER_BYTES);
            read(part);
            left -= part;
        }
    }

    /** Writes all of it. */
    void write(ByteBuffer message) throws ClientFault, LinuxException {
        while (message.hasRemaining()) {
            int part = Math.min(message.remaining(), BUFFER_BYTES);
            MemorySegment.copy(MemorySegment.ofBuffer(message), 0, buffer, 0, part);
            message.position(message.position() + part);
            vector.clear();
            vector.add(buffer, 0, part);
            while (vector.bytes() > 0) {
                long result = transport.send(vector);
                if (result > 0) {
                    vector.consume(result);
                } else if (result == -Errno.EAGAIN) {
                    await(Poll.WRITABLE);
                } else {
                    throw new ClientFault("left during the handshake");
                }
            }
        }
        drain();
    }

    /** Waits until everything written is with the kernel. */
    void drain() throws ClientFault, LinuxException {
        while (!transport.drain()) {
            await(Poll.WRITABLE);
        }
    }

    /** Waits for the transport's descriptor, or the deadline, or the server's end. */
    void await(int events) throws ClientFault, LinuxException {
        if (transport.hasInput() && events == Poll.READABLE) {
            return;
        }
        long leftMs = (deadlineNanos - System.nanoTime()) / 1_000_000;
        if (leftMs <= 0) {
            throw new ClientFault("did not end the handshake in time");
        }
        poll.clear();
        poll.add(transport.fd(), events);
        int wake = poll.add(mailbox.event());
        if (mailbox.beginSleep()) {
            boolean any = poll.await(leftMs) > 0;
            mailbox.endSleep(any && poll.isReadable(wake));
        }
        if (mailbox.takeNudge() && server.isStopping()) {
            throw new ClientFault("was still in the handshake when the server ended");
        }
    }
}
