/** A KVM machine that boots an unmodified Linux as a Hyper-V guest. */
@org.jspecify.annotations.NullMarked
module dev.airlock.vmm {
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires dev.airlock.vmbus;
    requires static org.jspecify;
}
