/**
 * DMA mapping for a guest that may not trust its host with its memory: scatterlists, the mapping
 * calls a driver makes, identity mapping, and bouncing through a pool of host-visible slots
 * (swiotlb).
 *
 * <p>The calls, the limits and the rules follow Linux: {@code Documentation/core-api/dma-api.rst},
 * {@code kernel/dma/direct.c} and {@code kernel/dma/swiotlb.c} (6.12). A DMA address is a
 * guest-physical address: there is no IOMMU between this guest and its host.
 *
 * <p>Start at {@link dev.airlock.dma.DmaMapper}; {@link dev.airlock.dma.Swiotlb} is the pool behind
 * bouncing.
 */
package dev.airlock.dma;
