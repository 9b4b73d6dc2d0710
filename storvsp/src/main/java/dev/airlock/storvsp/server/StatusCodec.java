package dev.airlock.storvsp.server;

import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.LunStatistics;
import dev.airlock.storvsp.server.ControlMessage.MalformedException;
import java.util.List;

/** How statuses travel on the control socket. Stateless. */
final class StatusCodec {
    private StatusCodec() {}

    static ControlMessage encode(DiskStatus disk) {
        ControlMessage message =
                ControlMessage.of(ControlMessage.DISK)
                        .with("lun", disk.lun())
                        .with("name", disk.name())
                        .with("spec", disk.spec())
                        .with("sizeBytes", disk.sizeBytes())
                        .with("sectorBytes", disk.sectorBytes())
                        .with("readOnly", disk.readOnly())
                        .with("shared", disk.shared())
                        .with("guests", String.join(",", disk.guests()));
        return encode(message, disk.io());
    }

    static DiskStatus disk(ControlMessage message) throws MalformedException {
        String guests = message.require("guests");
        return new DiskStatus(
                (int) message.requireLong("lun"),
                message.require("name"),
                message.require("spec"),
                message.requireLong("sizeBytes"),
                (int) message.requireLong("sectorBytes"),
                Boolean.parseBoolean(message.require("readOnly")),
                Boolean.parseBoolean(message.require("shared")),
                guests.isEmpty() ? List.of() : List.of(guests.split(",", -1)),
                io(message));
    }

    static ControlMessage encode(GuestStatus guest) {
        GuestStatistics statistics = guest.statistics();
        ControlMessage message =
                ControlMessage.of(ControlMessage.GUEST)
                        .with("name", guest.name())
                        .with("pid", guest.pid())
                        .with("uid", guest.uid())
                        .with("protocolVersion", guest.protocolVersion())
                        .with("visiblePages", guest.visiblePages())
                        .with("controlFaults", guest.controlFaults())
                        .with("channels", statistics.channels())
                        .with("invalidPackets", statistics.invalidPackets())
                        .with("invisiblePages", statistics.invisiblePages())
                        .with("tooLarge", statistics.tooLarge())
                        .with("brokenRings", statistics.brokenRings())
                        .with("queueFull", statistics.queueFull())
                        .with("resets", statistics.resets());
        return encode(message, statistics.io());
    }

    static GuestStatus guest(ControlMessage message) throws MalformedException {
        return new GuestStatus(
                message.require("name"),
                (int) message.requireLong("pid"),
                (int) message.requireLong("uid"),
                (int) message.requireLong("protocolVersion"),
                message.requireLong("visiblePages"),
                message.requireLong("controlFaults"),
                new GuestStatistics(
                        io(message),
                        (int) message.requireLong("channels"),
                        message.requireLong("invalidPackets"),
                        message.requireLong("invisiblePages"),
                        message.requireLong("tooLarge"),
                        message.requireLong("brokenRings"),
                        message.requireLong("queueFull"),
                        message.requireLong("resets")));
    }

    private static ControlMessage encode(ControlMessage message, LunStatistics io) {
        return message.with("commands", io.commands())
                .with("failed", io.failed())
                .with("bytesRead", io.bytesRead())
                .with("bytesWritten", io.bytesWritten());
    }

    private static LunStatistics io(ControlMessage message) throws MalformedException {
        return new LunStatistics(
                message.requireLong("commands"),
                message.requireLong("failed"),
                message.requireLong("bytesRead"),
                message.requireLong("bytesWritten"));
    }
}
