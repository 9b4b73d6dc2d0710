/**
 * The devices behind the guest's I/O ports: a serial port, a clock, what turns the machine off, and
 * what answers for hardware that is not there. Pure code; nothing here knows KVM. All devices may
 * be used by several vCPU threads at once.
 */
package dev.airlock.vmm.device;
