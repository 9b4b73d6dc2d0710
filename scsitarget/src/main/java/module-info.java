/** SCSI disk emulation over a {@code disk.Disk}: the host's side of the CDBs. */
@org.jspecify.annotations.NullMarked
module dev.airlock.scsitarget {
    requires static org.jspecify;
    requires transitive dev.airlock.memory;
    requires transitive dev.airlock.scsi;
    requires transitive dev.airlock.disk;

    exports dev.airlock.scsitarget;
}
