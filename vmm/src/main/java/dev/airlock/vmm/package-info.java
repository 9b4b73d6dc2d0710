/**
 * The hypervisor: a KVM machine with the Hyper-V interfaces that Linux needs, whose VMBus is
 * forwarded to an ordinary host process.
 */
package dev.airlock.vmm;
