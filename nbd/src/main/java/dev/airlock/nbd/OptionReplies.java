package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.linux.LinuxException;
import dev.airlock.nbd.wire.Negotiation;
import java.nio.ByteBuffer;

/** Answers to a client's options. For one thread. */
final class OptionReplies {
    private final HandshakeStream stream;

    OptionReplies(HandshakeStream stream) {
        this.stream = stream;
    }

    void acknowledge(int option) throws ClientFault, LinuxException {
        stream.write(acknowledgement(option));
    }

    /** To be sent by the caller. */
    ByteBuffer acknowledgement(int option) {
        return reply(option, Negotiation.REP_ACK, 0).flip();
    }

    void error(int option, int type, String message) throws ClientFault, LinuxException {
        byte[] text = message.getBytes(UTF_8);
        stream.write(reply(option, type, text.length).put(text).flip());
    }

    /** One of the exports. */
    void server(int option, String name, String description) throws ClientFault, LinuxException {
        byte[] named = name.getBytes(UTF_8);
        byte[] described = description.getBytes(UTF_8);
        int length = Integer.BYTES + named.length + described.length;
        ByteBuffer reply = reply(option, Negotiation.REP_SERVER, length);
        stream.write(reply.putInt(named.length).put(named).put(described).flip());
    }

    void export(int option, long sizeBytes, int flags) throws ClientFault, LinuxException {
        ByteBuffer reply = info(option, Negotiation.INFO_EXPORT, Long.BYTES + Short.BYTES);
        stream.write(reply.putLong(sizeBytes).putShort((short) flags).flip());
    }

    void text(int option, int type, String text) throws ClientFault, LinuxException {
        byte[] bytes = text.getBytes(UTF_8);
        stream.write(info(option, type, bytes.length).put(bytes).flip());
    }

    void sizes(int option, int least, int preferred, int most) throws ClientFault, LinuxException {
        ByteBuffer reply = info(option, Negotiation.INFO_BLOCK_SIZE, 3 * Integer.BYTES);
        stream.write(reply.putInt(least).putInt(preferred).putInt(most).flip());
    }

    void context(int option, int id, String name) throws ClientFault, LinuxException {
        byte[] bytes = name.getBytes(UTF_8);
        ByteBuffer reply =
                reply(option, Negotiation.REP_META_CONTEXT, Integer.BYTES + bytes.length);
        stream.write(reply.putInt(id).put(bytes).flip());
    }

    private static ByteBuffer info(int option, int type, int length) {
        return reply(option, Negotiation.REP_INFO, Short.BYTES + length).putShort((short) type);
    }

    private static ByteBuffer reply(int option, int type, int length) {
        ByteBuffer reply = ByteBuffer.allocate(Negotiation.REPLY_HEADER_BYTES + length);
        return reply.putLong(Negotiation.REPLY_MAGIC).putInt(option).putInt(type).putInt(length);
    }
}
