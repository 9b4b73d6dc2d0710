package dev.airlock.nbd;

import dev.airlock.linux.Fd;
import dev.airlock.linux.SocketVector;
import dev.airlock.linux.StreamSocket;

/** The socket itself. */
final class PlainTransport implements Transport {
    private final StreamSocket socket;

    PlainTransport(StreamSocket socket) {
        this.socket = socket;
    }

    @Override
    public long receive(SocketVector into) {
        return socket.receive(into);
    }

    @Override
    public long send(SocketVector from) {
        return socket.send(from);
    }

    @Override
    public Fd fd() {
        return socket.fd();
    }

    @Override
    public boolean hasInput() {
        return false;
    }

    @Override
    public boolean drain() {
        return true;
    }

    @Override
    public void close() {
        socket.close();
    }
}
