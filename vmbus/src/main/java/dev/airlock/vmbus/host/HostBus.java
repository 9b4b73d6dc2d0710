package dev.airlock.vmbus.host;

import dev.airlock.linux.Errno;
import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.MemoryRefusedException;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The host's end of VMBus for one guest, over one socket. {@link #serve} runs it on the caller's
 * thread until the guest goes or {@link #close} is called, and then frees everything the guest
 * held: channels, GPADLs, doorbells, mapped memory, the socket.
 *
 * <p>Everything the guest sends is suspect: it is checked, answered or dropped as Hyper-V would,
 * and counted ({@link #statistics}); no message ends the connection, throws or takes memory beyond
 * {@link HostLimits}. A guest that does not read its socket for {@link UnixSocket#SEND_TIMEOUT_MS}
 * is dropped.
 *
 * <p>Thread-safe; only {@code serve} may be called once at most.
 */
public final class HostBus implements AutoCloseable {
    /** Where guests post after contact was made; announced in the version response. */
    public static final int MESSAGE_CONNECTION_ID = 0x10;

    /** What devices and others may have waiting for the bus's thread. */
    private static final int COMMANDS_MAX = 1024;

    /** Frames handled before commands get their turn again. */
    private static final int FRAMES_PER_TURN = 64;

    private final FrameSocket frames;
    private final HostMemory memory;
    private final EventCounts<HostBusEvent> statistics = new EventCounts<>(HostBusEvent.class);
    private final Consumer<String> report;
    private final @Nullable HostTap tap;
    private final Connection connection;
    private final EventFd wake;
    private final ArrayBlockingQueue<Command> commands = new ArrayBlockingQueue<>(COMMANDS_MAX);
    private volatile boolean closing;
    private boolean started;

    /** Something to be done by the bus's thread. */
    private interface Command {
        void run() throws IOException;
    }

    /**
     * @param socket connected to the guest; owned from now on, also when this throws
     * @param devices offered when the guest asks for offers, in this order
     * @param report gets one line for the first of each kind of refusal, and for what ended the
     *     connection; called on the bus's thread
     */
    public HostBus(
            UnixSocket socket,
            HostLimits limits,
            List<? extends HostDevice> devices,
            Consumer<String> report)
            throws LinuxException {
        this(socket, limits, devices, report, null);
    }

    /**
     * As the other, shown to somebody.
     *
     * @param tap shown what crosses the boundary; null for nobody
     */
    public HostBus(
            UnixSocket socket,
            HostLimits limits,
            List<? extends HostDevice> devices,
            Consumer<String> report,
            @Nullable HostTap tap)
            throws LinuxException {
        this.tap = tap;
        this.frames = new FrameSocket(socket);
        this.report = report;
        try {
            this.wake = EventFd.create();
        } catch (LinuxException e) {
            socket.close();
            throw e;
        }
        this.memory = new HostMemory(limits.memory());
        this.connection = new Connection(this, limits, devices);
    }

    /** What the host sees of the guest's memory. Owned by the bus. */
    public HostMemory memory() {
        return memory;
    }

    /** Counts of what the guest did. Stays readable after the end. */
    public EventCounts<HostBusEvent> statistics() {
        return statistics;
    }

    /** What is spoken with the guest, null before contact and after UNLOAD. */
    public @Nullable VmbusVersion version() {
        return connection.version();
    }

    /**
     * Offers one more device; the guest learns of it at once if it has asked for offers.
     *
     * @return false when the bus is closing
     */
    public boolean add(HostDevice device) {
        return enqueue(() -> connection.add(device));
    }

    /**
     * Serves the guest until it goes or the bus is closed. Returns when everything is freed. Blocks
     * its thread in native calls: give it a platform thread.
     */
    public void serve() {
        synchronized (this) {
            if (started) {
                throw new IllegalStateException("serve was called before");
            }
            started = true;
        }
        try {
            serveUntilEnd();
        } catch (IOException e) {
            if (!closing) {
                report.accept("guest dropped: " + e.getMessage());
            }
        } finally {
            closing = true;
            release();
        }
    }

    /**
     * Ends {@link #serve}, which frees everything before it returns; if it never ran, frees
     * everything here. Does not wait. Idempotent.
     */
    @Override
    public void close() {
        closing = true;
        boolean mine;
        synchronized (this) {
            mine = !started;
            started = true;
        }
        if (mine) {
            release();
        } else {
            frames.shutdown();
            wake.signal();
        }
    }

    private void serveUntilEnd() throws IOException {
        Poll poll = new Poll(2);
        int socketIndex = poll.add(frames.socket().fd(), Poll.READABLE);
        poll.add(wake);
        while (!closing) {
            poll.await(-1);
            wake.drain();
            runCommands();
            if (poll.isReadable(socketIndex) && !receiveSome()) {
                return;
            }
        }
    }

    private void runCommands() throws IOException {
        for (Command c = commands.poll(); c != null && !closing; c = commands.poll()) {
            c.run();
        }
    }

    /** Handles what has arrived; false when the guest has gone. */
    private boolean receiveSome() throws IOException {
        for (int i = 0; i < FRAMES_PER_TURN && !closing; i++) {
            try (ReceivedMessage received = frames.receive(0)) {
                if (received.isClosed()) {
                    return false;
                }
                if (received.isTimedOut()) {
                    return true;
                }
                handle(received);
            } catch (LinuxException e) {
                if (e.errno() != Errno.EMSGSIZE) {
                    throw e;
                }
                refuse(HostBusEvent.MALFORMED_FRAME, e.getMessage());
            }
        }
        return true;
    }

    private void handle(ReceivedMessage received) throws IOException {
        int kind = frames.kind();
        int fds = received.fdCount();
        if (kind == FrameSocket.KIND_MESSAGE && fds == 0) {
            HostTap shown = tap;
            if (shown != null) {
                shown.message(
                        true, frames.frame(), FrameSocket.PAYLOAD_OFFSET, frames.payloadBytes());
            }
            ControlMessage message =
                    ControlMessage.decode(
                            frames.frame(), FrameSocket.PAYLOAD_OFFSET, frames.payloadBytes());
            if (message == null) {
                refuse(
                        HostBusEvent.MALFORMED_MESSAGE,
                        "control message unknown or too short: bytes=" + frames.payloadBytes());
            } else {
                connection.handle(frames.argument(), message);
            }
        } else if (kind == FrameSocket.KIND_REGION
                && fds == 1
                && frames.frame().byteSize() == FrameSocket.REGION_FRAME_BYTES) {
            addRegion(received);
        } else if (kind == FrameSocket.KIND_VISIBILITY
                && fds == 0
                && frames.frame().byteSize() == FrameSocket.VISIBILITY_FRAME_BYTES) {
            setVisible();
        } else if (kind == FrameSocket.KIND_DOORBELLS && fds == 2) {
            connection.setDoorbells(frames.argument(), received);
        } else if (kind == FrameSocket.KIND_JOURNAL && fds == 1 && frames.payloadBytes() == 0) {
            connection.setJournal(frames.argument(), received);
        } else {
            refuse(
                    HostBusEvent.MALFORMED_FRAME,
                    "not a frame: kind=%d bytes=%d descriptors=%d"
                            .formatted(kind, frames.frame().byteSize(), fds));
        }
    }

    private void addRegion(ReceivedMessage received) {
        try (Fd memfd = received.takeFd()) {
            memory.addRegion(
                    frames.regionField(FrameSocket.REGION_GPA_OFFSET),
                    frames.regionField(FrameSocket.REGION_BYTES_OFFSET),
                    memfd,
                    frames.regionField(FrameSocket.REGION_FILE_OFFSET_OFFSET),
                    frames.argument() != FrameSocket.REGION_HIDDEN);
        } catch (MemoryRefusedException | LinuxException e) {
            refuse(HostBusEvent.REGION_REFUSED, e.getMessage());
        }
    }

    private void setVisible() {
        try {
            memory.setVisible(
                    frames.regionField(FrameSocket.REGION_GPA_OFFSET),
                    frames.regionField(FrameSocket.REGION_BYTES_OFFSET),
                    frames.argument() != 0);
        } catch (MemoryRefusedException e) {
            refuse(HostBusEvent.REGION_REFUSED, e.getMessage());
        }
    }

    private void release() {
        connection.reset();
        commands.clear();
        memory.close();
        frames.close();
        wake.close();
    }

    // What Connection and HostChannel use.

    void send(ControlMessage message) throws IOException {
        HostTap shown = tap;
        if (shown != null) {
            byte[] bytes = message.toBytes();
            shown.message(false, MemorySegment.ofArray(bytes), 0, bytes.length);
        }
        frames.send(0, message);
    }

    @Nullable HostTap tap() {
        return tap;
    }

    void count(HostBusEvent event) {
        statistics.count(event);
    }

    /** Counts something refused or dropped; tells of the first of its kind. */
    void refuse(HostBusEvent event, @Nullable String why) {
        if (statistics.count(event) == 1) {
            report.accept(event + ": " + why);
        }
    }

    int offerSubchannels(Offer primary, int count) {
        int granted = Math.min(count, connection.subchannelsPossible(primary.relid()));
        return granted > 0 && enqueue(() -> connection.offerSubchannels(primary.relid(), granted))
                ? granted
                : 0;
    }

    void rescind(int relid) {
        enqueue(() -> connection.rescind(relid));
    }

    private boolean enqueue(Command command) {
        if (closing) {
            return false;
        }
        if (!commands.offer(command)) {
            refuse(HostBusEvent.LIMIT_REACHED, "commandsMax=" + COMMANDS_MAX);
            close();
            return false;
        }
        wake.signal();
        return true;
    }
}
