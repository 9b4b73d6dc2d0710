package dev.airlock.disk;

/** A file with the page cache bypassed. */
class RawDirectDiskTest extends RawFileDiskTest {
    @Override
    String options() {
        return ",direct";
    }

    @Override
    boolean readsWithoutWaiting() {
        return false;
    }
}
