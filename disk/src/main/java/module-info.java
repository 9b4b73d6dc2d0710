/**
 * Disks of the host side: what a guest's sectors are read from and written to, and how a user names
 * one.
 */
@org.jspecify.annotations.NullMarked
module dev.airlock.disk {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;

    exports dev.airlock.disk;
}
