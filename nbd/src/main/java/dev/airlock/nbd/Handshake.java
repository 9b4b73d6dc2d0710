package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.linux.LinuxException;
import dev.airlock.nbd.wire.Negotiation;
import dev.airlock.nbd.wire.Transmission;
import dev.airlock.storvsc.LunFacts;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fixed newstyle handshake with one client. Everything the client sends is limited in size and
 * number, and the stream in time. For one thread.
 */
final class Handshake {
    /** The id of base:allocation. */
    static final int ALLOCATION_CONTEXT = 1;

    /** Largest option that is read; a larger one is skipped and refused. */
    private static final int OPTION_BYTES_MAX = 16 << 10;

    /** An option longer than this is no mistake any more. */
    private static final int OPTION_SKIP_MAX = 1 << 20;

    private static final int OPTIONS_MAX = 1000;
    private static final int PREFERRED_BYTES = 4096;

    private final NbdServer server;
    private final HandshakeStream stream;
    private final OptionReplies replies;
    private boolean noZeroes;
    private boolean structured;
    private boolean extended;
    private boolean encrypted;

    /** For which export base:allocation was chosen; null for none. */
    private @Nullable String statusOf;

    Handshake(NbdServer server, HandshakeStream stream) {
        this.server = server;
        this.stream = stream;
        this.replies = new OptionReplies(stream);
    }

    /**
     * Negotiates.
     *
     * @return what was agreed on, with a retained session; null when the client wanted nothing more
     * @throws ClientFault when it broke the protocol, or a limit
     */
    @Nullable Agreement run() throws ClientFault, LinuxException {
        ByteBuffer greeting = ByteBuffer.allocate(Negotiation.GREETING_BYTES);
        greeting.putLong(Negotiation.NBD_MAGIC).putLong(Negotiation.OPTION_MAGIC);
        greeting.putShort((short) (Negotiation.FLAG_FIXED_NEWSTYLE | Negotiation.FLAG_NO_ZEROES));
        stream.write(greeting.flip());
        int flags = stream.read(Integer.BYTES).getInt();
        if ((flags & Negotiation.FLAG_FIXED_NEWSTYLE) == 0
                || (flags & ~(Negotiation.FLAG_FIXED_NEWSTYLE | Negotiation.FLAG_NO_ZEROES)) != 0) {
            throw new ClientFault("sent handshake flags 0x" + Integer.toHexString(flags));
        }
        noZeroes = (flags & Negotiation.FLAG_NO_ZEROES) != 0;
        for (int options = 0; options < OPTIONS_MAX; options++) {
            ByteBuffer header = stream.read(Negotiation.OPTION_HEADER_BYTES);
            if (header.getLong() != Negotiation.OPTION_MAGIC) {
                throw new ClientFault("sent an option with a wrong magic");
            }
            int option = header.getInt();
            long length = Integer.toUnsignedLong(header.getInt());
            if (length > OPTION_SKIP_MAX) {
                throw new ClientFault("sent an option of " + length + " bytes");
            }
            if (length > OPTION_BYTES_MAX) {
                stream.skip(length);
                if (option == Negotiation.OPT_EXPORT_NAME) {
                    throw new ClientFault("sent an export name of " + length + " bytes");
                }
                replies.error(option, Negotiation.REP_ERR_TOO_BIG, "option is too long");
                continue;
            }
            ByteBuffer data = stream.read((int) length);
            if (option == Negotiation.OPT_ABORT) {
                replies.acknowledge(option);
                return null;
            }
            Agreement agreed = answer(option, data);
            if (agreed != null) {
                return agreed;
            }
        }
        throw new ClientFault("sent more than " + OPTIONS_MAX + " options");
    }

    /** Answers one option; not null when that ended the handshake. */
    private @Nullable Agreement answer(int option, ByteBuffer data)
            throws ClientFault, LinuxException {
        if (server.tls().isRequired() && !encrypted && option != Negotiation.OPT_STARTTLS) {
            if (option == Negotiation.OPT_EXPORT_NAME) {
                throw new ClientFault("asked for an export without the TLS that is required");
            }
            replies.error(option, Negotiation.REP_ERR_TLS_REQD, "TLS is required");
            return null;
        }
        switch (option) {
            case Negotiation.OPT_EXPORT_NAME -> {
                return exportName(data);
            }
            case Negotiation.OPT_LIST -> list(option, data);
            case Negotiation.OPT_STARTTLS -> startTls(option, data);
            case Negotiation.OPT_INFO, Negotiation.OPT_GO -> {
                return info(option, data);
            }
            case Negotiation.OPT_STRUCTURED_REPLY -> structuredReply(option, data);
            case Negotiation.OPT_EXTENDED_HEADERS -> {
                if (isEmpty(option, data)) {
                    extended = true;
                    structured = true;
                    replies.acknowledge(option);
                }
            }
            case Negotiation.OPT_LIST_META_CONTEXT, Negotiation.OPT_SET_META_CONTEXT ->
                    metaContext(option, data);
            default -> replies.error(option, Negotiation.REP_ERR_UNSUP, "unknown option");
        }
        return null;
    }

    private void structuredReply(int option, ByteBuffer data) throws ClientFault, LinuxException {
        if (!isEmpty(option, data)) {
            return;
        }
        if (extended) {
            replies.error(
                    option, Negotiation.REP_ERR_EXT_HEADER_REQD, "extended headers are agreed on");
            return;
        }
        structured = true;
        replies.acknowledge(option);
    }

    private void startTls(int option, ByteBuffer data) throws ClientFault, LinuxException {
        if (encrypted || data.hasRemaining()) {
            replies.error(option, Negotiation.REP_ERR_INVALID, "unexpected STARTTLS");
            return;
        }
        if (!server.tls().isOffered()) {
            replies.error(option, Negotiation.REP_ERR_POLICY, "TLS is off");
            return;
        }
        replies.acknowledge(option);
        server.tls().upgrade(stream);
        encrypted = true;
        structured = false;
        extended = false;
        statusOf = null;
    }

    /** The old way in: no errors, only a disconnect. */
    private @Nullable Agreement exportName(ByteBuffer data) throws ClientFault, LinuxException {
        String name = UTF_8.decode(data).toString();
        GuestSession session = server.retainSession();
        LunFacts disk = session == null ? null : session.find(name);
        if (disk == null || session == null || extended) {
            if (session != null) {
                session.release();
            }
            throw new ClientFault("asked for an export that is not there: " + printable(name));
        }
        int padding = noZeroes ? 0 : Negotiation.EXPORT_NAME_PADDING_BYTES;
        ByteBuffer answer = ByteBuffer.allocate(Long.BYTES + Short.BYTES + padding);
        answer.putLong(disk.sizeBytes()).putShort((short) flags(disk));
        answer.clear();
        return sent(session, disk, answer);
    }

    private @Nullable Agreement info(int option, ByteBuffer data)
            throws ClientFault, LinuxException {
        String name = string(data);
        int requests = data.remaining() < Short.BYTES ? -1 : Short.toUnsignedInt(data.getShort());
        if (name == null || requests < 0 || data.remaining() != requests * Short.BYTES) {
            replies.error(option, Negotiation.REP_ERR_INVALID, "malformed option");
            return null;
        }
        boolean wantsName = false;
        boolean wantsDescription = false;
        boolean wantsSizes = false;
        for (int i = 0; i < requests; i++) {
            switch (data.getShort()) {
                case Negotiation.INFO_NAME -> wantsName = true;
                case Negotiation.INFO_DESCRIPTION -> wantsDescription = true;
                case Negotiation.INFO_BLOCK_SIZE -> wantsSizes = true;
                default -> {
                    // To be ignored.
                }
            }
        }
        GuestSession session = server.retainSession();
        if (session == null) {
            replies.error(option, Negotiation.REP_ERR_SHUTDOWN, "the disks' host is not there");
            return null;
        }
        LunFacts disk = session.find(name);
        if (disk == null) {
            session.release();
            server.log("client asked for an export that is not there: " + printable(name));
            replies.error(option, Negotiation.REP_ERR_UNKNOWN, "no such export");
            return null;
        }
        boolean kept = false;
        try {
            replies.export(option, disk.sizeBytes(), flags(disk));
            if (wantsName) {
                replies.text(option, Negotiation.INFO_NAME, session.nameOf(disk));
            }
            if (wantsDescription) {
                replies.text(option, Negotiation.INFO_DESCRIPTION, description(disk));
            }
            if (wantsSizes) {
                int preferred = Math.max(PREFERRED_BYTES, disk.physicalSectorBytes());
                replies.sizes(option, 1, preferred, RequestCheck.PAYLOAD_BYTES_MAX);
            }
            if (option == Negotiation.OPT_INFO) {
                replies.acknowledge(option);
                return null;
            }
            kept = true;
        } finally {
            if (!kept) {
                session.release();
            }
        }
        return sent(session, disk, replies.acknowledgement(option));
    }

    /** The answer that ends the handshake; the session is released if it cannot be sent. */
    private Agreement sent(GuestSession session, LunFacts disk, ByteBuffer answer)
            throws ClientFault, LinuxException {
        boolean done = false;
        try {
            stream.write(answer);
            done = true;
        } finally {
            if (!done) {
                session.release();
            }
        }
        String name = session.nameOf(disk);
        boolean withStatus = structured && name.equals(statusOf);
        return new Agreement(
                stream.transport(), session, disk, name, structured, extended, withStatus);
    }

    private void list(int option, ByteBuffer data) throws ClientFault, LinuxException {
        if (!isEmpty(option, data)) {
            return;
        }
        GuestSession session = server.retainSession();
        if (session == null) {
            replies.error(option, Negotiation.REP_ERR_SHUTDOWN, "the disks' host is not there");
            return;
        }
        try {
            for (LunFacts disk : session.disks()) {
                replies.server(option, session.nameOf(disk), description(disk));
            }
        } finally {
            session.release();
        }
        replies.acknowledge(option);
    }

    private void metaContext(int option, ByteBuffer data) throws ClientFault, LinuxException {
        boolean isSet = option == Negotiation.OPT_SET_META_CONTEXT;
        if (isSet) {
            statusOf = null;
        }
        String name = string(data);
        List<String> queries = name == null ? null : strings(data);
        if (name == null || queries == null || !structured) {
            replies.error(
                    option,
                    Negotiation.REP_ERR_INVALID,
                    structured ? "malformed option" : "structured replies come first");
            return;
        }
        GuestSession session = server.retainSession();
        if (session == null) {
            replies.error(option, Negotiation.REP_ERR_SHUTDOWN, "the disks' host is not there");
            return;
        }
        LunFacts disk;
        String canonical;
        try {
            disk = session.find(name);
            canonical = disk == null ? null : session.nameOf(disk);
        } finally {
            session.release();
        }
        if (canonical == null) {
            replies.error(option, Negotiation.REP_ERR_UNKNOWN, "no such export");
            return;
        }
        boolean matches = !isSet && queries.isEmpty();
        for (String query : queries) {
            matches |= query.equals(Negotiation.BASE_ALLOCATION) || !isSet && query.equals("base:");
        }
        if (matches) {
            replies.context(option, isSet ? ALLOCATION_CONTEXT : 0, Negotiation.BASE_ALLOCATION);
            if (isSet) {
                statusOf = canonical;
            }
        }
        replies.acknowledge(option);
    }

    private boolean isEmpty(int option, ByteBuffer data) throws ClientFault, LinuxException {
        if (data.hasRemaining()) {
            replies.error(option, Negotiation.REP_ERR_INVALID, "this option has no data");
            return false;
        }
        return true;
    }

    private int flags(LunFacts disk) {
        int flags =
                Transmission.HAS_FLAGS
                        | Transmission.SEND_FLUSH
                        | Transmission.SEND_FUA
                        | Transmission.CAN_MULTI_CONN
                        | Transmission.SEND_CACHE;
        if (structured) {
            flags |= Transmission.SEND_DF;
        }
        if (!disk.nonRotating()) {
            flags |= Transmission.ROTATIONAL;
        }
        if (server.options().readOnly() || disk.readOnly()) {
            return flags | Transmission.READ_ONLY;
        }
        flags |= Transmission.SEND_WRITE_ZEROES | Transmission.SEND_FAST_ZERO;
        return disk.unmap() == LunFacts.UnmapWay.NONE ? flags : flags | Transmission.SEND_TRIM;
    }

    private static String description(LunFacts disk) {
        return (disk.vendor().strip() + " " + disk.product().strip()).strip();
    }

    /** A counted string; null when it is longer than what is there, or than any may be. */
    private static @Nullable String string(ByteBuffer data) {
        if (data.remaining() < Integer.BYTES) {
            return null;
        }
        int length = data.getInt();
        if (length < 0 || length > Negotiation.STRING_BYTES_MAX || length > data.remaining()) {
            return null;
        }
        byte[] bytes = new byte[length];
        data.get(bytes);
        return new String(bytes, UTF_8);
    }

    /** A counted list of strings that is all that is left; null when it is not. */
    private static @Nullable List<String> strings(ByteBuffer data) {
        if (data.remaining() < Integer.BYTES) {
            return null;
        }
        int count = data.getInt();
        if (count < 0 || count > data.remaining() / Integer.BYTES) {
            return null;
        }
        List<String> strings = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            String next = string(data);
            if (next == null) {
                return null;
            }
            strings.add(next);
        }
        return data.hasRemaining() ? null : strings;
    }

    /** For the log: short, and without what a terminal might obey. */
    private static String printable(String name) {
        String shown = name.length() > 64 ? name.substring(0, 64) + "..." : name;
        return '"' + shown.replaceAll("[^\\x20-\\x7e]", "?") + '"';
    }
}
