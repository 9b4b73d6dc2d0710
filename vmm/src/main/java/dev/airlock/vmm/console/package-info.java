/** The guest's serial console: on the user's terminal, and in memory for reports. */
package dev.airlock.vmm.console;
