package dev.airlock.vmm.hyperv;

/** The ports by which the code of the hypercall page leaves the guest. Stateless. */
public final class HypercallPorts {
    /**
     * A 4-byte write here of a connection id is HvCallSignalEvent of it; what is written can be
     * matched by the kernel, so that an eventfd takes it without an exit. An exit is answered in
     * RDX.
     */
    public static final int SIGNAL = 0xE8;

    /** A 4-byte write here is a hypercall: registers are its arguments, RAX takes its result. */
    static final int CALL = 0xE4;

    private HypercallPorts() {}

    /** Whether a write to this port is a hypercall. */
    public static boolean isCall(int port) {
        return port == CALL;
    }

    /** Whether a write to this port signals an event. */
    public static boolean isSignal(int port) {
        return port == SIGNAL;
    }
}
