package dev.airlock.storvsp.server;

import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.LunStatistics;
import dev.airlock.storvsp.SrbCount;
import dev.airlock.storvsp.server.ControlMessage.MalformedException;
import dev.airlock.vmbus.service.Heartbeat;
import java.util.ArrayList;
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
                        .with("heartbeat", guest.heartbeat())
                        .with("channels", statistics.channels())
                        .with("invalidPackets", statistics.invalidPackets())
                        .with("invisiblePages", statistics.invisiblePages())
                        .with("tooLarge", statistics.tooLarge())
                        .with("brokenRings", statistics.brokenRings())
                        .with("queueFull", statistics.queueFull())
                        .with("resets", statistics.resets())
                        .with("srbs", encode(statistics.srbs()));
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
                heartbeat(message.require("heartbeat")),
                new GuestStatistics(
                        io(message),
                        (int) message.requireLong("channels"),
                        message.requireLong("invalidPackets"),
                        message.requireLong("invisiblePages"),
                        message.requireLong("tooLarge"),
                        message.requireLong("brokenRings"),
                        message.requireLong("queueFull"),
                        message.requireLong("resets"),
                        srbs(message.require("srbs"))));
    }

    /**
     * {@code 28:4=a1,8=3;2a:4=7}: operation code, size class and count, all hexadecimal. However a
     * guest mixes them, a message holds all, since counts stay below 2^44 in centuries.
     */
    private static String encode(List<SrbCount> srbs) {
        StringBuilder text = new StringBuilder();
        int opcode = -1;
        for (SrbCount each : srbs) {
            if (each.opcode() != opcode) {
                opcode = each.opcode();
                text.append(text.isEmpty() ? "" : ";").append(Integer.toHexString(opcode));
                text.append(':');
            } else {
                text.append(',');
            }
            text.append(Integer.toHexString(each.sizeClass())).append('=');
            text.append(Long.toHexString(each.count()));
        }
        return text.toString();
    }

    private static List<SrbCount> srbs(String text) throws MalformedException {
        List<SrbCount> srbs = new ArrayList<>();
        try {
            for (String row : text.isEmpty() ? new String[0] : text.split(";", -1)) {
                String[] parts = row.split(":", 2);
                int opcode = Integer.parseInt(parts[0], 16);
                for (String cell : parts[1].split(",", -1)) {
                    String[] pair = cell.split("=", 2);
                    int sizeClass = Integer.parseInt(pair[0], 16);
                    srbs.add(new SrbCount(opcode, sizeClass, Long.parseLong(pair[1], 16)));
                }
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new MalformedException("srbs: " + text);
        }
        return srbs;
    }

    private static Heartbeat heartbeat(String word) throws MalformedException {
        for (Heartbeat each : Heartbeat.values()) {
            if (each.name().equals(word)) {
                return each;
            }
        }
        throw new MalformedException("heartbeat=" + word);
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
