@org.jspecify.annotations.NullMarked
module dev.airlock.dma {
    requires static org.jspecify;
    requires transitive dev.airlock.memory;
}
