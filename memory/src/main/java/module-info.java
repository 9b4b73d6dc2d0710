@org.jspecify.annotations.NullMarked
module dev.airlock.memory {
    requires static org.jspecify;
    requires transitive dev.airlock.linux;
}
