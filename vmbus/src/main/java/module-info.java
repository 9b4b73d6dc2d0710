/** VMBus: formats, rings, and both ends of the bus. */
@org.jspecify.annotations.NullMarked
module dev.airlock.vmbus {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;

    exports dev.airlock.vmbus;
    exports dev.airlock.vmbus.guest;
    exports dev.airlock.vmbus.host;
    exports dev.airlock.vmbus.loopback;
    exports dev.airlock.vmbus.message;
    exports dev.airlock.vmbus.service;
    exports dev.airlock.vmbus.transport;
}
