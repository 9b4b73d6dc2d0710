/**
 * The guest's storage driver: storvsc, and a block device on top of it. Trusts nothing that the
 * host sends.
 */
@org.jspecify.annotations.NullMarked
module dev.airlock.storvsc {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.vmbus;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.dma;

    exports dev.airlock.storvsc;
    exports dev.airlock.storvsc.block;
    exports dev.airlock.storvsc.guest;
}
