@org.jspecify.annotations.NullMarked
module dev.airlock.vmbus {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;

    exports dev.airlock.vmbus;
}
