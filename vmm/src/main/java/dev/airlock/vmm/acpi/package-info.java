/**
 * The ACPI tables of the guest: hardware-reduced, with the VMBus device that Linux looks for, a
 * serial port and a clock. Pure code; nothing here knows KVM. Source of tables, fields and AML
 * opcodes: ACPI specification 6.5, chapters 5, 6 and 20.
 */
package dev.airlock.vmm.acpi;
