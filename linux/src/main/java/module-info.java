/** Linux for Airlock: the one module that calls native code. */
@org.jspecify.annotations.NullMarked
module dev.airlock.linux {
    requires static org.jspecify;

    exports dev.airlock.linux;
}
