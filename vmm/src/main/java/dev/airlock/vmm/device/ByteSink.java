package dev.airlock.vmm.device;

/** Where a serial port's output goes. Called by vCPU threads without any lock held. */
@FunctionalInterface
public interface ByteSink {

    /** Takes one byte; a sink that waits makes the guest's CPU wait. */
    void accept(byte value);
}
