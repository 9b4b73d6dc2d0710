/**
 * Puts a Linux bzImage into guest memory as its 64-bit boot protocol asks. Pure code over memory:
 * nothing here knows KVM. Sources: Linux {@code Documentation/arch/x86/boot.rst} and {@code
 * zero-page.rst}.
 */
package dev.airlock.vmm.boot;
