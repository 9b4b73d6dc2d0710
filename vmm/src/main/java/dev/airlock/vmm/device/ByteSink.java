package dev.airlock.vmm.device;

/** Where a serial port's output goes. Called by vCPU threads without any lock held. */
@FunctionalInterface
public interface ByteSink {

    /** Takes one byte; a sink that waits makes the guest's CPU wait. */
    void accept(byte value);

    /** A sink that gives each byte to this one and then to another. */
    default ByteSink and(ByteSink other) {
        return value -> {
            accept(value);
            other.accept(value);
        };
    }
}
