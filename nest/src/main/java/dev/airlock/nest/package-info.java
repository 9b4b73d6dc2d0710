/** Throw-away Linux machines under QEMU: kernels from Debian packages, initramfs archives, runs. */
package dev.airlock.nest;
