package dev.airlock.dma;

/**
 * Keeps the fields of one {@link SlotArea} 120 bytes away from whatever lies before it on the heap:
 * a superclass's fields are laid out first. Two areas then never share a cache line, nor the pair
 * of lines that the processor fetches together.
 */
@SuppressWarnings("unused")
abstract class PaddedArea {
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14;
}
