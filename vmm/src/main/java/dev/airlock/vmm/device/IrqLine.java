package dev.airlock.vmm.device;

/** A device's interrupt line. Called only when the level changes. */
@FunctionalInterface
public interface IrqLine {

    /**
     * Sets the level. Called with the device's lock held, so that levels arrive in order: must be
     * quick and must not call the device.
     */
    void set(boolean high);
}
