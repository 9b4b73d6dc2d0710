/** The guest's VMBus: forwarded to a host process, its doorbells turned into interrupts. */
package dev.airlock.vmm.bus;
