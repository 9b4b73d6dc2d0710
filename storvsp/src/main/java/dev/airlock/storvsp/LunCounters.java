package dev.airlock.storvsp;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one guest did with one logical unit. Written by any of the guest's threads, read by others
 * for reports; each counter is exact, a snapshot of several is not one instant.
 */
final class LunCounters {
    private static final VarHandle COMMANDS = handle("commands");
    private static final VarHandle FAILED = handle("failed");
    private static final VarHandle BYTES_READ = handle("bytesRead");
    private static final VarHandle BYTES_WRITTEN = handle("bytesWritten");

    private volatile long commands;
    private volatile long failed;
    private volatile long bytesRead;
    private volatile long bytesWritten;

    /** Counts a command that has ended. */
    void count(boolean success, long bytesIn, long bytesOut) {
        COMMANDS.getAndAddRelease(this, 1L);
        if (!success) {
            FAILED.getAndAddRelease(this, 1L);
        }
        if (bytesIn != 0) {
            BYTES_READ.getAndAddRelease(this, bytesIn);
        }
        if (bytesOut != 0) {
            BYTES_WRITTEN.getAndAddRelease(this, bytesOut);
        }
    }

    LunStatistics snapshot() {
        return new LunStatistics(commands, failed, bytesRead, bytesWritten);
    }

    private static VarHandle handle(String field) {
        try {
            return MethodHandles.lookup().findVarHandle(LunCounters.class, field, long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
