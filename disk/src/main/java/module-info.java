@org.jspecify.annotations.NullMarked
module dev.airlock.disk {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
    requires transitive dev.airlock.memory;
}
