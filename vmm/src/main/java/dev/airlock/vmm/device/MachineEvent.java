package dev.airlock.vmm.device;

/** What a guest asks of its machine through a port. */
public enum MachineEvent {
    /** Soft off: ACPI's S5. */
    POWER_OFF,
    /** Start again. */
    RESET;

    /** Who is told. Called by vCPU threads, without any lock held, maybe more than once. */
    @FunctionalInterface
    public interface Listener {

        void on(MachineEvent event);
    }
}
