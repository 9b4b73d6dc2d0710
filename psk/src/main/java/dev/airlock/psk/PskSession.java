package dev.airlock.psk;

import dev.airlock.nbd.TlsSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.bouncycastle.tls.TlsServerProtocol;
import org.bouncycastle.tls.crypto.TlsCrypto;

/** Bouncy Castle's protocol machine for one client. For one thread. */
final class PskSession implements TlsSession {
    private final TlsServerProtocol protocol = new TlsServerProtocol();
    private final PskLookup lookup;

    PskSession(TlsCrypto crypto, PskLookup lookup) throws IOException {
        this.lookup = lookup;
        protocol.accept(new PskServer(crypto, lookup));
    }

    @Override
    public void accept(byte[] record, int bytes) throws IOException {
        protocol.offerInput(record, 0, bytes);
    }

    @Override
    public int available() {
        return protocol.getAvailableInputBytes();
    }

    @Override
    public void read(ByteBuffer into) {
        protocol.readInput(into, Math.min(into.remaining(), available()));
    }

    @Override
    public void write(byte[] data, int bytes) throws IOException {
        protocol.writeApplicationData(data, 0, bytes);
    }

    @Override
    public int pending() {
        return protocol.getAvailableOutputBytes();
    }

    @Override
    public void output(ByteBuffer into) {
        protocol.readOutput(into, Math.min(into.remaining(), pending()));
    }

    @Override
    public boolean isHandshaking() {
        return protocol.isHandshaking();
    }

    @Override
    public boolean isClosed() {
        return protocol.isClosed();
    }

    @Override
    public void close() throws IOException {
        protocol.close();
    }

    @Override
    public String client() {
        return lookup.told();
    }
}
