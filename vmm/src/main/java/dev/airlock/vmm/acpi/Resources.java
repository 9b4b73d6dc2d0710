package dev.airlock.vmm.acpi;

/**
 * Resource descriptors, which {@code _CRS} holds (ACPI 6.5, 6.4). Each function returns one
 * descriptor; {@link #template} makes a buffer of them.
 */
final class Resources {

    private static final int IO_PORT = 0x47;
    private static final int END_TAG = 0x79;
    private static final int DWORD_ADDRESS_SPACE = 0x87;
    private static final int EXTENDED_INTERRUPT = 0x89;

    private static final int DECODES_16_BITS = 1;

    // 6.4.3.6: this device consumes it, edge triggered, active high, not shared.
    private static final int EDGE_HIGH_EXCLUSIVE = 0x03;

    // 6.4.3.5: memory, consumed by this device, both ends fixed; read-write and not cached.
    private static final int MEMORY_RANGE = 0;
    private static final int CONSUMED_FIXED = 0x0D;
    private static final int READ_WRITE_UNCACHED = 0x01;

    private Resources() {}

    /** The value of {@code _CRS}. */
    static byte[] template(byte[]... descriptors) {
        // A checksum byte of 0 counts as right (6.4.2.9).
        byte[] end = new Bytes().u8(END_TAG).u8(0).toArray();
        return Aml.buffer(Bytes.join(Bytes.join(descriptors), end));
    }

    /** I/O ports at a fixed place. */
    static byte[] ports(int first, int count) {
        return new Bytes()
                .u8(IO_PORT)
                .u8(DECODES_16_BITS)
                .u16(first)
                .u16(first)
                .u8(1)
                .u8(count)
                .toArray();
    }

    /**
     * An interrupt by its global number, edge triggered. The extended descriptor, not the legacy
     * one: a kernel of a hardware-reduced machine has no 8259 and so no legacy interrupts.
     */
    static byte[] edgeInterrupt(int gsi) {
        Bytes body = new Bytes().u8(EDGE_HIGH_EXCLUSIVE).u8(1).u32(gsi);
        return large(EXTENDED_INTERRUPT, body);
    }

    /** A range of memory addresses below 4 GiB. */
    static byte[] memory(long first, long bytes) {
        Bytes body =
                new Bytes()
                        .u8(MEMORY_RANGE)
                        .u8(CONSUMED_FIXED)
                        .u8(READ_WRITE_UNCACHED)
                        .u32(0)
                        .u32(first)
                        .u32(first + bytes - 1)
                        .u32(0)
                        .u32(bytes);
        return large(DWORD_ADDRESS_SPACE, body);
    }

    private static byte[] large(int type, Bytes body) {
        byte[] content = body.toArray();
        return new Bytes().u8(type).u16(content.length).put(content).toArray();
    }
}
