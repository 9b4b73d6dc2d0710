/** A KVM machine that boots an unmodified Linux as a Hyper-V guest. */
@org.jspecify.annotations.NullMarked
module dev.airlock.vmm {
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
    requires dev.airlock.vmbus;
    requires static org.jspecify;

    exports dev.airlock.vmm;
    exports dev.airlock.vmm.boot;
    exports dev.airlock.vmm.bus;
    exports dev.airlock.vmm.console;
    exports dev.airlock.vmm.device;
    exports dev.airlock.vmm.hyperv;
    exports dev.airlock.vmm.memory;
}
