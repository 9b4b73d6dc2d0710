@org.jspecify.annotations.NullMarked
module dev.airlock.storvsc {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.vmbus;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.dma;
}
