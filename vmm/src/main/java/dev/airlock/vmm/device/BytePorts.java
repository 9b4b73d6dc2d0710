package dev.airlock.vmm.device;

/**
 * A device whose registers are a byte wide. An access of more bytes is one to each port in turn, as
 * the bus of a PC makes it; ports beyond the device's last one read as ones.
 */
abstract class BytePorts implements PortDevice {

    private final int endPort;

    /**
     * @param endPort first port behind the device
     */
    BytePorts(int endPort) {
        this.endPort = endPort;
    }

    @Override
    public final int read(int port, int bytes) {
        int value = 0;
        for (int i = 0; i < bytes; i++) {
            int one = port + i < endPort ? readByte(port + i) & 0xFF : 0xFF;
            value |= one << i * Byte.SIZE;
        }
        return value;
    }

    @Override
    public final void write(int port, int bytes, int value) {
        for (int i = 0; i < bytes && port + i < endPort; i++) {
            writeByte(port + i, value >> i * Byte.SIZE & 0xFF);
        }
    }

    abstract int readByte(int port);

    /**
     * @param value 0 to 255
     */
    abstract void writeByte(int port, int value);
}
