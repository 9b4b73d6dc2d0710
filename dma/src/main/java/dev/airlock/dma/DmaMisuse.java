package dev.airlock.dma;

import org.jspecify.annotations.Nullable;

/**
 * A broken rule of the DMA API that {@link DmaChecker} found.
 *
 * @param kind which rule
 * @param message one line with addresses, sizes and the place that mapped
 * @param mappedAt stack of the call that made the mapping; null where none is known
 */
public record DmaMisuse(Kind kind, String message, @Nullable Throwable mappedAt) {
    /** The rules. */
    public enum Kind {
        /** Still mapped, or coherent memory still allocated, when the mapper was closed. */
        LEAKED,
        /** Unmapped, or freed, a second time. */
        DOUBLE_UNMAP,
        /** Unmapped, synced or freed at an address where nothing begins. */
        NOT_MAPPED,
        /** Unmapped or freed with another size than mapped. */
        SIZE_MISMATCH,
        /** Unmapped or synced with another direction than mapped. */
        DIRECTION_MISMATCH,
        /** Synced a part that is not inside the mapping. */
        SYNC_OUTSIDE
    }
}
