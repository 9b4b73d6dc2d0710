package dev.airlock.vmm;

import org.jspecify.annotations.Nullable;

/** This machine's KVM cannot run a stock kernel; the message says why in one line. */
public final class KvmUnusableException extends Exception {
    private static final long serialVersionUID = 1;

    KvmUnusableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
