package dev.airlock.lab.trace;

import java.util.Arrays;

/**
 * vstor packets and the ring packets around them, written from Linux {@code storvsc_drv.c}, not
 * with the project's own descriptors.
 */
final class Srbs {
    private Srbs() {}

    /** A line with a packet of the guest that wants a completion and has its data inband. */
    static String inband(long id, byte[] payload) {
        return "guest>host visible=0/0 "
                + new Bytes().u16(6, 2, 2 + payload.length / 8, 1).u64(id).put(payload).toHex();
    }

    /** A line with the host's answer. */
    static String completion(long id, byte[] payload) {
        return "host>guest "
                + new Bytes().u16(0xB, 2, 2 + payload.length / 8, 0).u64(id).put(payload).toHex();
    }

    /** A packet that wants a completion, with a body. */
    static byte[] operation(int operation, Bytes body) {
        return Arrays.copyOf(new Bytes().u32(operation, 1, 0).put(body.toArray()).toArray(), 64);
    }

    static byte[] read10(int lba, int blocks, int bytes) {
        Bytes cdb =
                new Bytes()
                        .u8(
                                0x28,
                                0,
                                lba >>> 24,
                                lba >>> 16,
                                lba >>> 8,
                                lba,
                                0,
                                blocks >>> 8,
                                blocks,
                                0);
        return request(0, 0, 0, 1, bytes, cdb);
    }

    /** EXECUTE_SRB of protocol 5.1 and later. */
    static byte[] request(int path, int target, int lun, int direction, int bytes, Bytes cdb) {
        byte[] command = cdb.toArray();
        return new Bytes()
                .u32(3, 1, 0)
                .u16(52)
                .u8(0, 0, 0, path, target, lun, command.length, 20, direction, 0)
                .u32(bytes)
                .put(Arrays.copyOf(command, 20))
                .u16(0)
                .u8(0xFF, 0x20)
                .u32(direction == 1 ? 0x42 : 0x82, 60, 0)
                .toArray();
    }

    /** COMPLETE_IO of an SRB; sense data lies over the CDB. */
    static byte[] answer(int ntStatus, int srb, int scsi, int bytes, Bytes sense) {
        byte[] data = sense.toArray();
        return Arrays.copyOf(
                new Bytes()
                        .u32(1, 1, ntStatus)
                        .u16(52)
                        .u8(srb, scsi, 0, 0, 0, 2, 10, data.length, 1, 0)
                        .u32(bytes)
                        .put(data)
                        .toArray(),
                64);
    }

    /** The same packet as protocol 4.2 and older have it: without the last 16 bytes. */
    static byte[] shortened(byte[] packet) {
        byte[] shorter = Arrays.copyOf(packet, 48);
        if (shorter[12] == 52) {
            shorter[12] = 36;
        }
        return shorter;
    }
}
