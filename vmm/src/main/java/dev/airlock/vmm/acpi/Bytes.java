package dev.airlock.vmm.acpi;

import java.io.ByteArrayOutputStream;

/** Little-endian bytes in the making. */
final class Bytes {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static byte[] join(byte[]... parts) {
        Bytes all = new Bytes();
        for (byte[] part : parts) {
            all.put(part);
        }
        return all.toArray();
    }

    Bytes put(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    Bytes u8(int value) {
        out.write(value);
        return this;
    }

    Bytes u16(int value) {
        return u8(value & 0xFF).u8(value >> Byte.SIZE & 0xFF);
    }

    Bytes u32(long value) {
        return u16((int) value & 0xFFFF).u16((int) (value >> Short.SIZE) & 0xFFFF);
    }

    Bytes u64(long value) {
        return u32(value & 0xFFFF_FFFFL).u32(value >>> Integer.SIZE);
    }

    byte[] toArray() {
        return out.toByteArray();
    }
}
