package dev.airlock.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The server's side of one TLS connection, by an implementation other than JSSE. It does no I/O: it
 * is given what came, record by record, and asked for what is to be sent. For one thread.
 */
public interface TlsSession {
    /**
     * Takes one record.
     *
     * @param record a buffer whose first bytes are the record, header included; the caller's again
     *     afterwards. Of a record that is longer than TLS allows only the header.
     * @param bytes its length
     * @throws IOException when it is malformed, or the client may not come in; there may be output
     *     that says so to the client
     */
    void accept(byte[] record, int bytes) throws IOException;

    /** Decrypted bytes that {@link #read} has. */
    int available();

    /** Moves decrypted bytes into the buffer, as many as there are and fit. */
    void read(ByteBuffer into);

    /**
     * Encrypts data.
     *
     * @throws IOException when the connection is closed or broken
     */
    void write(byte[] data, int bytes) throws IOException;

    /** Encrypted bytes to be sent that {@link #output} has. */
    int pending();

    /** Moves encrypted bytes into the buffer, as many as there are and fit. */
    void output(ByteBuffer into);

    /** Whether client and server have not agreed yet. */
    boolean isHandshaking();

    /** Whether either side has ended the connection. */
    boolean isClosed();

    /** Ends the connection; {@link #output} has what says so to the client. */
    void close() throws IOException;

    /** Who the client says it is, for messages, such as {@code as user "alice"}. */
    String client();
}
