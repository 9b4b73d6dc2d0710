@org.jspecify.annotations.NullMarked
module dev.airlock.lab {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.vmbus;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.dma;
    requires transitive dev.airlock.storvsc;
    requires transitive dev.airlock.disk;
    requires transitive dev.airlock.scsitarget;
    requires transitive dev.airlock.storvsp;
    requires HdrHistogram;
    requires java.management;
    requires jdk.management;

    exports dev.airlock.lab.bench;
    exports dev.airlock.lab.hostile;
    exports dev.airlock.lab.mapping;
    exports dev.airlock.lab.workload;
    exports dev.airlock.lab.trace;
}
