package dev.airlock.dma;

/** When a mapping bounces ({@code swiotlb=} of the Linux command line). */
public enum SwiotlbMode {
    /**
     * Never ({@code noforce}): there is no pool, and a buffer that the device may not reach cannot
     * be mapped.
     */
    OFF,
    /** A buffer bounces if it is not host-visible as a whole, or beyond the device's limits. */
    AUTO,
    /** Always ({@code force}), even where the host sees the buffer. */
    FORCE
}
