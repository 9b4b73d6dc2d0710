package dev.airlock.dma;

/**
 * Which way data moves during a mapping, seen from the device ({@code enum dma_data_direction} of
 * Linux).
 */
public enum DmaDirection {
    /** The device only reads the buffer: a WRITE command. */
    TO_DEVICE(true, false),
    /** The device only writes the buffer: a READ command. */
    FROM_DEVICE(false, true),
    /** The device may do both. */
    BIDIRECTIONAL(true, true);

    private final boolean toDevice;
    private final boolean fromDevice;

    DmaDirection(boolean toDevice, boolean fromDevice) {
        this.toDevice = toDevice;
        this.fromDevice = fromDevice;
    }

    /** Whether the device may read what the CPU wrote. */
    public boolean toDevice() {
        return toDevice;
    }

    /** Whether the CPU may read what the device wrote. */
    public boolean fromDevice() {
        return fromDevice;
    }
}
