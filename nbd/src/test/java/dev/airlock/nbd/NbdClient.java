package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.nbd.wire.Negotiation;
import dev.airlock.nbd.wire.ReplyHeader;
import dev.airlock.nbd.wire.RequestHeader;
import dev.airlock.nbd.wire.Transmission;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An NBD client that sends what a test wants, right or wrong, and reads strictly. */
final class NbdClient implements AutoCloseable {
    /** The form of replies to ask for. */
    enum Mode {
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    /** The server's answer to an option. */
    record OptionReply(int option, int type, ByteBuffer data) {}

    /** An answered request: simple, or the only chunk. */
    record Reply(int error, int type, long cookie, ByteBuffer payload) {}

    /** One extent of a block status. */
    record Extent(long length, long flags) {}

    final SocketChannel channel;
    final Mode mode;
    long size;
    int flags;

    private NbdClient(SocketChannel channel, Mode mode) {
        this.channel = channel;
        this.mode = mode;
    }

    /** Connects and has exchanged handshake flags. */
    static NbdClient greet(Path socket, Mode mode) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        NbdClient client = new NbdClient(channel, mode);
        ByteBuffer greeting = client.read(Negotiation.GREETING_BYTES);
        if (greeting.getLong() != Negotiation.NBD_MAGIC
                || greeting.getLong() != Negotiation.OPTION_MAGIC
                || greeting.getShort() != 3) {
            throw new IOException("bad greeting");
        }
        client.write(ByteBuffer.allocate(4).putInt(3).flip());
        return client;
    }

    /** Connects and negotiates everything that the mode allows. */
    static NbdClient open(Path socket, Mode mode, String export) throws IOException {
        NbdClient client = greet(socket, mode);
        client.agree(export);
        return client;
    }

    void agree(String export) throws IOException {
        if (mode == Mode.STRUCTURED) {
            expectAck(option(Negotiation.OPT_STRUCTURED_REPLY, new byte[0]));
        }
        if (mode == Mode.EXTENDED) {
            expectAck(option(Negotiation.OPT_EXTENDED_HEADERS, new byte[0]));
        }
        if (mode != Mode.SIMPLE) {
            option(Negotiation.OPT_SET_META_CONTEXT, context(export, "base:allocation"));
        }
        for (OptionReply reply : option(Negotiation.OPT_GO, info(export))) {
            if (reply.type() < 0) {
                throw new IOException("refused: " + UTF_8.decode(reply.data()));
            }
            if (reply.type() == Negotiation.REP_INFO
                    && reply.data().getShort() == Negotiation.INFO_EXPORT) {
                size = reply.data().getLong();
                flags = Short.toUnsignedInt(reply.data().getShort());
            }
        }
    }

    static byte[] info(String export, int... requests) {
        byte[] name = export.getBytes(UTF_8);
        ByteBuffer data = ByteBuffer.allocate(6 + name.length + 2 * requests.length);
        data.putInt(name.length).put(name).putShort((short) requests.length);
        for (int request : requests) {
            data.putShort((short) request);
        }
        return data.array();
    }

    static byte[] context(String export, String... queries) {
        ByteBuffer data = ByteBuffer.allocate(4096);
        byte[] name = export.getBytes(UTF_8);
        data.putInt(name.length).put(name).putInt(queries.length);
        for (String query : queries) {
            data.putInt(query.length()).put(query.getBytes(UTF_8));
        }
        byte[] bytes = new byte[data.flip().remaining()];
        data.get(bytes);
        return bytes;
    }

    /** Sends an option and reads replies up to the last one. */
    List<OptionReply> option(int option, byte[] data) throws IOException {
        sendOption(option, data.length, data);
        List<OptionReply> replies = new ArrayList<>();
        while (true) {
            ByteBuffer header = read(Negotiation.REPLY_HEADER_BYTES);
            if (header.getLong() != Negotiation.REPLY_MAGIC) {
                throw new IOException("bad option reply");
            }
            int answered = header.getInt();
            int type = header.getInt();
            replies.add(new OptionReply(answered, type, read(header.getInt())));
            if (type < 0 || type == Negotiation.REP_ACK) {
                return replies;
            }
        }
    }

    void sendOption(int option, int length, byte[] data) throws IOException {
        ByteBuffer message =
                ByteBuffer.allocate(Negotiation.OPTION_HEADER_BYTES + data.length)
                        .putLong(Negotiation.OPTION_MAGIC)
                        .putInt(option)
                        .putInt(length)
                        .put(data)
                        .flip();
        write(message);
    }

    private static void expectAck(List<OptionReply> replies) throws IOException {
        if (replies.size() != 1 || replies.getFirst().type() != Negotiation.REP_ACK) {
            throw new IOException("not acknowledged: " + replies);
        }
    }

    /** A request's bytes; the payload flag of extended writes is set. */
    ByteBuffer request(int command, int flag, long cookie, long offset, long length, byte[] data) {
        boolean extended = mode == Mode.EXTENDED;
        int header = RequestHeader.bytes(extended);
        ByteBuffer bytes = ByteBuffer.allocate(header + data.length);
        boolean withPayload = extended && command == Transmission.CMD_WRITE;
        RequestHeader.write(
                MemorySegment.ofBuffer(bytes),
                0,
                extended,
                flag | (withPayload ? Transmission.FLAG_PAYLOAD_LEN : 0),
                command,
                cookie,
                offset,
                length);
        return bytes.position(header).put(data).flip();
    }

    void send(int command, int flag, long cookie, long offset, long length, byte... data)
            throws IOException {
        write(request(command, flag, cookie, offset, length, data));
    }

    /**
     * Reads a reply.
     *
     * @param dataBytes of a simple reply without an error
     */
    Reply reply(int dataBytes) throws IOException {
        ByteBuffer start = read(ReplyHeader.SIMPLE_BYTES);
        int magic = start.getInt();
        if (magic == ReplyHeader.SIMPLE_MAGIC) {
            if (mode == Mode.EXTENDED) {
                throw new IOException("simple reply in extended mode");
            }
            int error = start.getInt();
            long cookie = start.getLong();
            return new Reply(error, -1, cookie, read(error == 0 ? dataBytes : 0));
        }
        boolean extended = magic == ReplyHeader.EXTENDED_MAGIC;
        if (extended != (mode == Mode.EXTENDED) || mode == Mode.SIMPLE) {
            throw new IOException("reply of another mode: " + Integer.toHexString(magic));
        }
        if (start.getShort() != Transmission.CHUNK_DONE) {
            throw new IOException("not the last chunk");
        }
        int type = Short.toUnsignedInt(start.getShort());
        long cookie = start.getLong();
        long length;
        if (extended) {
            ByteBuffer rest = read(16);
            rest.getLong();
            length = rest.getLong();
        } else {
            length = Integer.toUnsignedLong(read(4).getInt());
        }
        ByteBuffer payload = read((int) length);
        int error = type == Transmission.CHUNK_ERROR ? payload.getInt() : 0;
        if (type == Transmission.CHUNK_OFFSET_DATA) {
            payload.getLong();
        }
        return new Reply(error, type, cookie, payload);
    }

    int write(long offset, byte[] data, int flag) throws IOException {
        send(Transmission.CMD_WRITE, flag, 1, offset, data.length, data);
        return reply(0).error();
    }

    byte[] readBytes(long offset, int length) throws IOException {
        send(Transmission.CMD_READ, 0, 2, offset, length);
        Reply reply = reply(length);
        if (reply.error() != 0 || reply.payload().remaining() != length) {
            throw new IOException("read failed: error=" + reply.error());
        }
        byte[] bytes = new byte[length];
        reply.payload().get(bytes);
        return bytes;
    }

    /** A request without data either way; its error. */
    int command(int command, int flag, long offset, long length) throws IOException {
        send(command, flag, 3, offset, length);
        return reply(0).error();
    }

    List<Extent> status(long offset, long length, int flag) throws IOException {
        send(Transmission.CMD_BLOCK_STATUS, flag, 4, offset, length);
        Reply reply = reply(0);
        if (reply.error() != 0) {
            throw new IOException("block status failed: error=" + reply.error());
        }
        ByteBuffer payload = reply.payload();
        List<Extent> extents = new ArrayList<>();
        payload.getInt();
        if (mode == Mode.EXTENDED) {
            payload.getInt();
        }
        while (payload.hasRemaining()) {
            extents.add(
                    mode == Mode.EXTENDED
                            ? new Extent(payload.getLong(), payload.getLong())
                            : new Extent(
                                    Integer.toUnsignedLong(payload.getInt()), payload.getInt()));
        }
        return extents;
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    ByteBuffer read(int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("disconnected");
            }
        }
        return buffer.flip();
    }

    /** Whether the server has ended the connection and sent nothing more. */
    boolean isEnded() throws IOException {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException reset) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
