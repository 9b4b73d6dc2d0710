package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** A bzImage of the tests' own making: the header of a recent kernel and a payload of a pattern. */
final class KernelFile {

    static final long PREF_ADDRESS = 0x100_0000;
    static final long INIT_BYTES = 0x200_0000;
    static final int PAYLOAD_BYTES = 12_345;
    static final int SETUP_SECTORS = 3;
    static final int HEADER_END = 0x26C;
    static final int INITRD_ADDRESS_MAX = 0x7FFF_FFFF;

    final byte[] bytes = new byte[(SETUP_SECTORS + 1) * 512 + PAYLOAD_BYTES];
    final MemorySegment segment = MemorySegment.ofArray(bytes);

    KernelFile() {
        for (int i = 0; i < PAYLOAD_BYTES; i++) {
            bytes[bytes.length - PAYLOAD_BYTES + i] = (byte) (i * 31 + 7);
        }
        LittleEndian.u8(segment, 0x1F1, SETUP_SECTORS);
        u16(0x1FE, 0xAA55);
        LittleEndian.u8(segment, 0x200, 0xEB);
        LittleEndian.u8(segment, 0x201, HEADER_END - 0x202);
        MemorySegment.copy(
                MemorySegment.ofArray("HdrS".getBytes(StandardCharsets.US_ASCII)),
                0,
                segment,
                0x202,
                4);
        u16(0x206, 0x020F);
        LittleEndian.u32(segment, 0x22C, INITRD_ADDRESS_MAX);
        u16(0x236, 0x7F);
        LittleEndian.u32(segment, 0x238, 2047);
        LittleEndian.u32(segment, 0x248, 100);
        LittleEndian.u32(segment, 0x24C, PAYLOAD_BYTES - 100);
        LittleEndian.i64(segment, 0x258, PREF_ADDRESS);
        LittleEndian.u32(segment, 0x260, INIT_BYTES);
    }

    void u16(int at, int value) {
        LittleEndian.u8(segment, at, value & 0xFF);
        LittleEndian.u8(segment, at + 1, value >> 8);
    }

    byte[] payload() {
        byte[] payload = new byte[PAYLOAD_BYTES];
        System.arraycopy(bytes, bytes.length - PAYLOAD_BYTES, payload, 0, PAYLOAD_BYTES);
        return payload;
    }
}
