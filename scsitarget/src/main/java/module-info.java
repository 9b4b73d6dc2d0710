@org.jspecify.annotations.NullMarked
module dev.airlock.scsitarget {
    requires static org.jspecify;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.disk;
}
