package dev.airlock.vmbus.guest;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A channel could not be opened. */
public final class ChannelOpenException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean memoryReleased;

    ChannelOpenException(String message, boolean memoryReleased, @Nullable Throwable cause) {
        super(message, cause);
        this.memoryReleased = memoryReleased;
    }

    /**
     * Whether the host certainly does not use the ring memory. When false it must not be used for
     * anything else.
     */
    public boolean isMemoryReleased() {
        return memoryReleased;
    }
}
