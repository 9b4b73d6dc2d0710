package dev.airlock.dma;

/** Attribute bits of the mapping calls; combine with {@code |}. */
public final class DmaAttributes {
    /** No attribute. */
    public static final int NONE = 0;

    /**
     * At unmap: do not copy a bounce buffer back to the caller's memory ({@code
     * DMA_ATTR_SKIP_CPU_SYNC}). For a caller that has already synced what it wants, or whose buffer
     * must not be touched any more.
     *
     * <p>At map it has no effect on a bounced mapping, as in Linux: the slots are filled with the
     * original data in any case, or a later copy back could hand the caller bytes of somebody
     * else's mapping.
     */
    public static final int SKIP_CPU_SYNC = 1;

    /**
     * At map, {@link DmaDirection#FROM_DEVICE} only: the caller vouches that the device fills the
     * whole buffer, so the original data is not copied in. If the device then writes less, what it
     * did not write holds whatever the slots held before. A caller that learns of a short transfer
     * therefore syncs the part that was written and unmaps with {@link #SKIP_CPU_SYNC}. Ignored for
     * the other directions, where the device needs the data. (Linux had this as {@code
     * DMA_ATTR_OVERWRITE} for a while in 2022.)
     */
    public static final int OVERWRITE = 2;

    private DmaAttributes() {}
}
