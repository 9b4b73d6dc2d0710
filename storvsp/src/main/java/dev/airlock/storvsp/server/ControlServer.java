package dev.airlock.storvsp.server;

import dev.airlock.disk.Disk;
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
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The host's end of the control socket: lists what the host serves and changes it. The peer is a
 * process of the same user, checked by who accepted it, and still nothing it sends is taken on
 * trust.
 *
 * <p>One thread for each connection, which handles one request after another.
 */
final class ControlServer {
    private final LunTable luns;
    private final GuestTable guests;

    ControlServer(LunTable luns, GuestTable guests) {
        this.luns = luns;
        this.guests = guests;
    }

    /** Serves one connection until its peer leaves or the socket is shut down. */
    void serve(UnixSocket socket) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(ControlMessage.BYTES_MAX);
            while (true) {
                try (ReceivedMessage received = socket.receive(buffer, -1)) {
                    if (received.isClosed()) {
                        return;
                    }
                    if (received.isMessage()) {
                        byte[] bytes =
                                buffer.asSlice(0, received.length()).toArray(ValueLayout.JAVA_BYTE);
                        answer(socket, bytes, received);
                    }
                }
            }
        }
    }

    private void answer(UnixSocket socket, byte[] bytes, ReceivedMessage received)
            throws LinuxException {
        List<ControlMessage> answers = new ArrayList<>();
        try {
            ControlMessage request = ControlMessage.decode(bytes);
            switch (request.verb()) {
                case ControlMessage.LIST ->
                        luns.status().forEach(disk -> answers.add(StatusCodec.encode(disk)));
                case ControlMessage.GUESTS ->
                        guests.status().forEach(guest -> answers.add(StatusCodec.encode(guest)));
                case ControlMessage.ADD -> answers.add(add(request, received));
                case ControlMessage.REMOVE -> luns.remove(request.require("name"));
                case ControlMessage.RESIZE -> answers.add(resize(request));
                case ControlMessage.SHUT_DOWN ->
                        answers.add(
                                ControlMessage.of(ControlMessage.ASKED)
                                        .with("guests", guests.askToShutDown()));
                default -> throw new MalformedException("unknown request: " + request.verb());
            }
            answers.add(ControlMessage.of(ControlMessage.OK));
        } catch (MalformedException | IOException e) {
            answers.clear();
            answers.add(error(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answers.clear();
            answers.add(error(e));
        }
        for (ControlMessage answer : answers) {
            byte[] line = answer.encode();
            socket.send(line, line.length);
        }
    }

    private ControlMessage add(ControlMessage request, ReceivedMessage received)
            throws MalformedException, IOException {
        DiskSpec spec = DiskSpec.parse(request.require("spec"));
        List<Fd> descriptors = new ArrayList<>();
        while (received.fdCount() > 0) {
            descriptors.add(received.takeFd());
        }
        Disk disk = spec.open(descriptors);
        try {
            HostDisk added = HostDisk.of(spec, disk);
            int lun = luns.add(added);
            for (DiskStatus status : luns.status()) {
                if (status.lun() == lun) {
                    return StatusCodec.encode(status);
                }
            }
            throw new HostException("disk was removed again: name=" + spec.name());
        } catch (HostException e) {
            disk.close();
            throw e;
        }
    }

    /** Without {@code bytes} the size is what the disk's store says. */
    private ControlMessage resize(ControlMessage request) throws MalformedException, IOException {
        String name = request.require("name");
        boolean given = request.values().containsKey("bytes");
        luns.resize(
                name, given ? OptionalLong.of(request.requireLong("bytes")) : OptionalLong.empty());
        for (DiskStatus status : luns.status()) {
            if (status.name().equals(name)) {
                return StatusCodec.encode(status);
            }
        }
        throw new HostException("disk was removed: name=" + name);
    }

    private static ControlMessage error(Exception e) {
        String text = e.getMessage();
        return ControlMessage.of(ControlMessage.ERROR).with("text", text == null ? e : text);
    }
}
