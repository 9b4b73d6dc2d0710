/**
 * The Hyper-V interfaces that Linux needs of its hypervisor: CPUID leaves, synthetic MSRs,
 * hypercalls, the synthetic interrupt controller. Source of numbers: Hypervisor Top Level
 * Functional Specification (TLFS) and Linux {@code include/hyperv/hvgdk_mini.h}.
 */
package dev.airlock.vmm.hyperv;
