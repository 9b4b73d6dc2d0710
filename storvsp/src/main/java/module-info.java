/** The host's storage provider, and the server process around it. */
@org.jspecify.annotations.NullMarked
module dev.airlock.storvsp {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.vmbus;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.disk;
    requires transitive dev.airlock.scsitarget;

    exports dev.airlock.storvsp;
    exports dev.airlock.storvsp.server;
}
