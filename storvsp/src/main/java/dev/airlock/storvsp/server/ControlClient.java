package dev.airlock.storvsp.server;

import dev.airlock.disk.DiskSpec;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.storvsp.server.ControlMessage.MalformedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Talks to a running host through its control socket. One request at a time; for one thread. Owns
 * its connection.
 */
public final class ControlClient implements AutoCloseable {
    private static final long CONNECT_TIMEOUT_MS = 5_000;

    private final UnixSocket socket;
    private final Path path;

    private ControlClient(UnixSocket socket, Path path) {
        this.socket = socket;
        this.path = path;
    }

    /**
     * Connects.
     *
     * @throws HostException with one line for the user, if no host listens there
     */
    public static ControlClient connect(Path path) throws HostException {
        try {
            return new ControlClient(UnixSocket.connect(path, CONNECT_TIMEOUT_MS), path);
        } catch (LinuxException e) {
            throw new HostException("no host listens at " + path + " (" + e.getMessage() + ")", e);
        }
    }

    /** The disks the host serves, by LUN. */
    public List<DiskStatus> disks() throws IOException {
        List<DiskStatus> all = new ArrayList<>();
        for (ControlMessage message : request(ControlMessage.of(ControlMessage.LIST))) {
            all.add(disk(message));
        }
        return all;
    }

    /** The guests connected now. */
    public List<GuestStatus> guests() throws IOException {
        List<GuestStatus> all = new ArrayList<>();
        for (ControlMessage message : request(ControlMessage.of(ControlMessage.GUESTS))) {
            try {
                all.add(StatusCodec.guest(message));
            } catch (MalformedException e) {
                throw notUnderstood(e);
            }
        }
        return all;
    }

    /**
     * Has the host ask its guests to switch themselves off; does not wait for them.
     *
     * @return how many guests have the service for it
     */
    public int shutDownGuests() throws IOException {
        try {
            List<ControlMessage> answer = request(ControlMessage.of(ControlMessage.SHUT_DOWN));
            return answer.isEmpty() ? 0 : (int) answer.getFirst().requireLong("guests");
        } catch (MalformedException e) {
            throw notUnderstood(e);
        }
    }

    /**
     * Opens and locks a disk here, and hands it to the host, which may not be able to.
     *
     * @return what the host made of it
     * @throws IOException with one line for the user, if it cannot be opened or the host refuses it
     */
    public DiskStatus addDisk(DiskSpec spec) throws IOException {
        List<Fd> descriptors = spec.openDescriptors();
        try {
            ControlMessage add = ControlMessage.of(ControlMessage.ADD).with("spec", spec);
            List<ControlMessage> answer = request(add, descriptors.toArray(Fd[]::new));
            if (answer.size() != 1) {
                throw new HostException("host at " + path + " did not say what it added");
            }
            return disk(answer.getFirst());
        } finally {
            descriptors.forEach(Fd::close);
        }
    }

    /**
     * Removes a disk from the host and from its guests, waiting for what is under way.
     *
     * @throws IOException with one line for the user, if there is none of that name, or its last
     *     flush failed
     */
    public void removeDisk(String name) throws IOException {
        request(ControlMessage.of(ControlMessage.REMOVE).with("name", name));
    }

    /**
     * Gives a disk another size.
     *
     * @return the disk then
     * @throws IOException with one line for the user, if there is none of that name, or it cannot
     *     have that size
     */
    public DiskStatus resizeDisk(String name, long newBytes) throws IOException {
        return resized(
                ControlMessage.of(ControlMessage.RESIZE)
                        .with("name", name)
                        .with("bytes", newBytes));
    }

    /**
     * Has the host take over the size that a disk's file or block device has now.
     *
     * @return the disk then
     * @throws IOException as {@link #resizeDisk}
     */
    public DiskStatus rescanDisk(String name) throws IOException {
        return resized(ControlMessage.of(ControlMessage.RESIZE).with("name", name));
    }

    private DiskStatus resized(ControlMessage resize) throws IOException {
        List<ControlMessage> answer = request(resize);
        if (answer.size() != 1) {
            throw new HostException("host at " + path + " did not say what it resized");
        }
        return disk(answer.getFirst());
    }

    @Override
    public void close() {
        socket.close();
    }

    private List<ControlMessage> request(ControlMessage request, Fd... descriptors)
            throws IOException {
        byte[] line = request.encode();
        if (line.length > ControlMessage.BYTES_MAX) {
            throw new HostException("request is too long: bytes=" + line.length);
        }
        socket.send(line, line.length, descriptors);
        List<ControlMessage> rows = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(ControlMessage.BYTES_MAX);
            while (true) {
                ControlMessage message = receive(buffer);
                switch (message.verb()) {
                    case ControlMessage.OK -> {
                        return rows;
                    }
                    case ControlMessage.ERROR ->
                            throw new HostException(
                                    message.values().getOrDefault("text", "refused"));
                    default -> rows.add(message);
                }
            }
        }
    }

    private ControlMessage receive(MemorySegment buffer) throws IOException {
        // No time-out: removing a disk waits for its I/O. A host that ends closes the connection.
        try (ReceivedMessage received = socket.receive(buffer, -1)) {
            if (!received.isMessage()) {
                throw new HostException("host at " + path + " has gone");
            }
            return ControlMessage.decode(
                    buffer.asSlice(0, received.length()).toArray(ValueLayout.JAVA_BYTE));
        } catch (MalformedException e) {
            throw notUnderstood(e);
        }
    }

    private DiskStatus disk(ControlMessage message) throws HostException {
        try {
            return StatusCodec.disk(message);
        } catch (MalformedException e) {
            throw notUnderstood(e);
        }
    }

    private HostException notUnderstood(MalformedException e) {
        return new HostException("answer of " + path + " not understood: " + e.getMessage(), e);
    }
}
