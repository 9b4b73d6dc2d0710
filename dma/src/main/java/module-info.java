/** DMA mapping on the guest's side of the boundary; see the package's documentation. */
@org.jspecify.annotations.NullMarked
module dev.airlock.dma {
    requires static org.jspecify;
    requires transitive dev.airlock.memory;

    exports dev.airlock.dma;
}
