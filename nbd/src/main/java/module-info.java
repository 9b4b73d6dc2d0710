/**
 * The NBD server in front of a guest's block devices. Trusts neither its clients nor the host
 * behind the disks.
 */
@org.jspecify.annotations.NullMarked
module dev.airlock.nbd {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.storvsc;

    exports dev.airlock.nbd;
    exports dev.airlock.nbd.wire;
}
