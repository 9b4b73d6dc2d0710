package dev.airlock.nbd;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.StreamSocket;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One client, on a thread of its own: handshake, requests, end. Whatever the client does ends here
 * with one line in the log at most.
 */
final class Connection implements Runnable {
    private final NbdServer server;
    private final StreamSocket socket;
    private final long number;
    private final Mailbox mailbox;
    private final ConnectionCounters counters = new ConnectionCounters();
    private final Thread thread;

    Connection(NbdServer server, StreamSocket socket, long number) throws LinuxException {
        this.server = server;
        this.socket = socket;
        this.number = number;
        this.mailbox = new Mailbox();
        this.thread = new Thread(this, "nbd-" + number);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    ConnectionCounters counters() {
        return counters;
    }

    /** Has it look whether the server ends, or another guest is there. */
    void nudge() {
        mailbox.nudge();
    }

    /** Ends it now; what is under way at the disk still ends by itself. */
    void abort() {
        socket.shutdown();
        mailbox.nudge();
    }

    void join(long timeoutMs) throws InterruptedException {
        thread.join(Math.max(timeoutMs, 1));
    }

    boolean isAlive() {
        return thread.isAlive();
    }

    @Override
    public void run() {
        mailbox.own();
        Transport transport = new PlainTransport(socket);
        try {
            long timeoutNanos = server.options().handshakeTimeoutMs() * 1_000_000;
            long deadline = System.nanoTime() + timeoutNanos;
            HandshakeStream stream = new HandshakeStream(transport, mailbox, server, deadline);
            try {
                Agreement agreed = new Handshake(server, stream).run();
                if (agreed != null) {
                    serve(agreed);
                }
            } finally {
                transport = stream.transport();
            }
        } catch (ClientFault fault) {
            server.log("client " + number + " " + fault.getMessage());
        } catch (IOException failure) {
            server.log("client " + number + ": " + failure.getMessage());
        } catch (RuntimeException | Error bug) {
            server.log("client " + number + ": internal error: " + bug);
            Thread.UncaughtExceptionHandler handler = thread.getUncaughtExceptionHandler();
            handler.uncaughtException(thread, bug);
        } finally {
            transport.close();
            socket.close();
            mailbox.close();
            server.ended(this);
        }
    }

    private void serve(Agreement agreed) throws ClientFault, IOException {
        @Nullable DiskLink link = server.link(agreed.session(), agreed.disk());
        new RequestLoop(server, agreed, mailbox, counters).run(link);
    }
}
