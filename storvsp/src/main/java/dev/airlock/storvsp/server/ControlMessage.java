package dev.airlock.storvsp.server;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One message on the control socket, either way: a verb and named values, as one line of text.
 *
 * <pre>
 *  verb TAB name=value TAB name=value ...
 * </pre>
 *
 * Values are UTF-8, of which every byte that is not printable ASCII, and {@code %}, is written as
 * {@code %XX}. A request is one message, with descriptors where it adds a disk that needs them. The
 * answer is any number of {@code disk} or {@code guest} messages, then {@code ok} or {@code error
 * text=...}.
 *
 * @param verb lower-case letters
 * @param values in order
 */
record ControlMessage(String verb, Map<String, String> values) {
    /** Longest message, bytes. */
    static final int BYTES_MAX = 64 << 10;

    static final String LIST = "list";
    static final String GUESTS = "guests";
    static final String ADD = "add";
    static final String REMOVE = "remove";
    static final String RESIZE = "resize";
    static final String SHUT_DOWN = "shutdown";
    static final String ASKED = "asked";
    static final String DISK = "disk";
    static final String GUEST = "guest";
    static final String OK = "ok";
    static final String ERROR = "error";

    static ControlMessage of(String verb) {
        return new ControlMessage(verb, new LinkedHashMap<>());
    }

    /** Adds a value; returns this. */
    ControlMessage with(String name, Object value) {
        values.put(name, value.toString());
        return this;
    }

    /**
     * A value that must be there.
     *
     * @throws MalformedException if it is not
     */
    String require(String name) throws MalformedException {
        String value = values.get(name);
        if (value == null) {
            throw new MalformedException("no " + name + " in " + verb);
        }
        return value;
    }

    long requireLong(String name) throws MalformedException {
        String value = require(name);
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new MalformedException("not a number: " + name + "=" + value);
        }
    }

    byte[] encode() {
        StringBuilder line = new StringBuilder(verb);
        values.forEach((name, value) -> escape(line.append('\t').append(name).append('='), value));
        return line.toString().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Parses what a peer sent.
     *
     * @throws MalformedException if it is not a message
     */
    static ControlMessage decode(byte[] bytes) throws MalformedException {
        String line = text(ByteBuffer.wrap(bytes));
        String[] parts = line.split("\t", -1);
        if (!parts[0].matches("[a-z]+")) {
            throw new MalformedException("not a control message");
        }
        ControlMessage message = of(parts[0]);
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 1) {
                throw new MalformedException("value without a name in " + parts[0]);
            }
            String name = parts[i].substring(0, equals);
            if (message.values.put(name, unescape(parts[i].substring(equals + 1))) != null) {
                throw new MalformedException(name + " twice in " + parts[0]);
            }
        }
        return message;
    }

    /** What came is not a control message. */
    static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        MalformedException(String message) {
            super(message);
        }
    }

    private static void escape(StringBuilder into, String value) {
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            if (b >= ' ' && b < 0x7F && b != '%') {
                into.append((char) b);
            } else {
                into.append('%');
                into.append(Character.forDigit(b >> 4 & 0xF, 16));
                into.append(Character.forDigit(b & 0xF, 16));
            }
        }
    }

    private static String unescape(String value) throws MalformedException {
        ByteBuffer bytes = ByteBuffer.allocate(value.length() * 3);
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c != '%') {
                bytes.put(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            int high = digit(value, i + 1);
            int low = digit(value, i + 2);
            if (high < 0 || low < 0) {
                throw new MalformedException("bad escape");
            }
            bytes.put((byte) (high << 4 | low));
            i += 2;
        }
        return text(bytes.flip());
    }

    private static int digit(String value, int at) {
        return at < value.length() ? Character.digit(value.charAt(at), 16) : -1;
    }

    private static String text(ByteBuffer bytes) throws MalformedException {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new MalformedException("not UTF-8");
        }
    }
}
