@org.jspecify.annotations.NullMarked
module dev.airlock.linux {
    requires static org.jspecify;
}
