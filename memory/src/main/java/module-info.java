/** Guest-physical memory: the guest's own, and what a host can see of it. */
@org.jspecify.annotations.NullMarked
module dev.airlock.memory {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;

    exports dev.airlock.memory;
}
