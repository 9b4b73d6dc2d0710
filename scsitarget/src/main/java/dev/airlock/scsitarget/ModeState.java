package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;

/**
 * What MODE SELECT can change of a unit: the write cache, and write protection by software. Shared
 * by all guests, never saved. Thread-safe: two independent flags.
 */
final class ModeState {

    private final boolean volatileCache;
    private final boolean readOnly;
    private volatile boolean writeCache;
    private volatile boolean softwareProtected;

    ModeState(Disk disk) {
        readOnly = disk.isReadOnly();
        volatileCache = disk.limits().volatileCache() && !readOnly;
        writeCache = volatileCache;
    }

    /** Whether writes need a flush or FUA to be durable. */
    boolean isWriteCacheEnabled() {
        return writeCache;
    }

    boolean isWriteCacheDefault() {
        return volatileCache;
    }

    /**
     * Whether the write cache can be turned off and on: a disk that has none has nothing to turn.
     */
    boolean isWriteCacheChangeable() {
        return volatileCache;
    }

    void writeCache(boolean enabled) {
        writeCache = enabled;
    }

    boolean isSoftwareProtected() {
        return softwareProtected;
    }

    /**
     * A unit that is read-only for good has no such switch: one guest of many must not toggle it.
     */
    boolean isSoftwareProtectChangeable() {
        return !readOnly;
    }

    void softwareProtected(boolean value) {
        softwareProtected = value;
    }

    boolean isReadOnly() {
        return readOnly || softwareProtected;
    }

    /** Whether each change must be durable before it is acknowledged: the cache was turned off. */
    boolean mustWriteThrough() {
        return volatileCache && !writeCache;
    }
}
