package dev.airlock.vmm.device;

/**
 * What answers at a range of I/O ports. Called by vCPU threads, several at once; must not block and
 * must not throw, whatever the guest does.
 */
public interface PortDevice {

    /**
     * A read.
     *
     * @param port the first port of the access, which lies in the device's range
     * @param bytes 1, 2 or 4; the access may reach beyond the range
     * @return the value; bits beyond {@code bytes} are ignored
     */
    int read(int port, int bytes);

    /** A write; bits of {@code value} beyond {@code bytes} are to be ignored. */
    void write(int port, int bytes, int value);
}
