package dev.airlock.vmm;

/**
 * How a machine's run ended.
 *
 * @param detail one line for people, empty where the kind says all
 */
public record Outcome(Kind kind, String detail) {
    /** What ended it. */
    public enum Kind {
        /** The guest switched its power off. */
        POWER_OFF,
        /** The guest asked to be started again. */
        RESET,
        /** The guest's kernel reported that it cannot go on. */
        PANIC,
        /** The time given to it is over. */
        TIMEOUT,
        /** {@link Machine#stop} was called. */
        STOPPED,
        /** The machine cannot go on: the guest did what no guest may, or KVM failed. */
        FAILED
    }

    static Outcome of(Kind kind) {
        return new Outcome(kind, "");
    }
}
