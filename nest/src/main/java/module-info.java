/** Throw-away Linux machines under QEMU: kernels from Debian packages, initramfs archives, runs. */
@org.jspecify.annotations.NullMarked
module dev.airlock.nest {
    requires transitive dev.airlock.linux;
    requires static org.jspecify;

    exports dev.airlock.nest;
}
