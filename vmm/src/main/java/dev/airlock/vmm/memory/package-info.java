/** The guest's memory: which pages are private, which the host sees, and what backs each. */
package dev.airlock.vmm.memory;
