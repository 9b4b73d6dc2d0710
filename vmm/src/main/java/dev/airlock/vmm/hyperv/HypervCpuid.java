package dev.airlock.vmm.hyperv;

import dev.airlock.linux.CpuidEntry;
import dev.airlock.vmm.memory.MachineMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * What CPUID tells the guest: what KVM supports, made true for each processor, and Hyper-V's leaves
 * (TLFS, Feature and Interface Discovery) in place of KVM's own. Stateless.
 */
public final class HypervCpuid {
    /** First and last hypervisor leaf. */
    private static final int FIRST_LEAF = 0x4000_0000;

    private static final int LAST_LEAF = 0x4000_000C;
    private static final int END_OF_LEAVES = 0x4001_0000;

    /** Leaf 1: ECX bit of a hypervisor's presence; of nested virtualization by Intel. */
    private static final int HYPERVISOR_PRESENT = 1 << 31;

    private static final int VMX = 1 << 5;

    /** Leaf 0x80000001: ECX bit of nested virtualization by AMD. */
    private static final int SVM = 1 << 2;

    /** Leaf 0x40000003, EAX. */
    private static final int REFERENCE_COUNTER = 1 << 1;

    private static final int SYNIC = 1 << 2;
    private static final int HYPERCALL_MSRS = 1 << 5;
    private static final int VP_INDEX = 1 << 6;
    private static final int SYSTEM_RESET = 1 << 7;
    private static final int REFERENCE_TSC = 1 << 9;
    private static final int FREQUENCIES = 1 << 11;

    /** Leaf 0x40000003, EBX. */
    private static final int POST_MESSAGES = 1 << 4;

    private static final int SIGNAL_EVENTS = 1 << 5;
    private static final int ISOLATION = 1 << 22;

    /** Leaf 0x40000003, EDX. */
    private static final int FREQUENCY_MSRS = 1 << 8;

    private static final int CRASH_MSRS = 1 << 10;

    /** Leaf 0x40000004, EAX. */
    private static final int RELAXED_TIMING = 1 << 5;

    private static final int NO_AUTO_EOI = 1 << 9;

    /** Leaf 0x4000000C, EBX: type VBS, boundary active; the boundary's bit from bit 6 on. */
    private static final int ISOLATION_VBS = 1;

    private static final int BOUNDARY_ACTIVE = 1 << 5;
    private static final int BOUNDARY_SHIFT = 6;

    private HypervCpuid() {}

    /**
     * The leaves of one processor.
     *
     * @param supported what KVM can give
     * @param cpu index of the processor, its APIC id too
     * @param boundaryBit as {@link MachineMemory#boundaryBit}
     * @param xsave false hides XSAVE, AVX and all that builds on them
     */
    public static List<CpuidEntry> of(
            List<CpuidEntry> supported, int cpu, int cpus, int boundaryBit, boolean xsave) {
        List<CpuidEntry> leaves = new ArrayList<>();
        for (CpuidEntry entry : supported) {
            if (entry.function() < FIRST_LEAF || entry.function() >= END_OF_LEAVES) {
                // Compared as signed: 0x80000000 and beyond are negative, so below the first leaf.
                adapt(leaves, xsave ? entry : XsaveHider.hide(entry), cpu, cpus);
            }
        }
        topology(leaves, cpu, cpus);
        hypervisor(leaves, boundaryBit, cpus);
        return leaves;
    }

    /** Bits of a guest-physical address, leaf 0x80000008. */
    public static int physicalAddressBits(List<CpuidEntry> supported) {
        for (CpuidEntry entry : supported) {
            if (entry.function() == 0x8000_0008) {
                return entry.eax() & 0xFF;
            }
        }
        return 36;
    }

    private static void adapt(List<CpuidEntry> leaves, CpuidEntry e, int cpu, int cpus) {
        switch (e.function()) {
            case 1 ->
                    leaves.add(
                            e.with(
                                    e.eax(),
                                    e.ebx() & 0xFF00 | cpu << 24 | cpus << 16,
                                    e.ecx() & ~VMX | HYPERVISOR_PRESENT,
                                    e.edx()));
            // The cores that share a package, where Intel says it; the caches are KVM's own.
            case 4 ->
                    leaves.add(
                            e.with(e.eax() & 0x3FF | (cpus - 1) << 26, e.ebx(), e.ecx(), e.edx()));
            // Topology is made anew; performance counters and trusted execution are not offered.
            case 0xA, 0xB, 0x12, 0x1F -> {}
            case 0x8000_0001 -> leaves.add(e.with(e.eax(), e.ebx(), e.ecx() & ~SVM, e.edx()));
            case 0x8000_0008 ->
                    leaves.add(e.with(e.eax(), e.ebx(), e.ecx() & ~0xFFFF | cpus - 1, e.edx()));
            case 0x8000_000A, 0x8000_001F -> {}
            case 0x8000_001E -> leaves.add(e.with(cpu, cpu, 0, 0));
            default -> leaves.add(e);
        }
    }

    /** Leaf 0xB: one thread a core, all cores in one package. */
    private static void topology(List<CpuidEntry> leaves, int cpu, int cpus) {
        int packageShift = cpus == 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(cpus - 1);
        int thread = 1 << 8;
        int core = 2 << 8;
        leaves.add(CpuidEntry.subleaf(0xB, 0, 0, 1, thread, cpu));
        leaves.add(CpuidEntry.subleaf(0xB, 1, packageShift, cpus, core | 1, cpu));
        leaves.add(CpuidEntry.subleaf(0xB, 2, 0, 0, 2, cpu));
    }

    private static void hypervisor(List<CpuidEntry> leaves, int boundaryBit, int cpus) {
        boolean isolated = boundaryBit != MachineMemory.NO_BOUNDARY;
        // "Microsoft Hv", and the interface "Hv#1".
        leaves.add(CpuidEntry.leaf(FIRST_LEAF, LAST_LEAF, 0x7263_694D, 0x666F_736F, 0x7648_2074));
        leaves.add(CpuidEntry.leaf(0x4000_0001, 0x3123_7648, 0, 0, 0));
        // Version 10.0, build 20348 (Windows Server 2022): EAX build, EBX major and minor.
        leaves.add(CpuidEntry.leaf(0x4000_0002, 20348, 10 << 16, 0, 0));
        leaves.add(
                CpuidEntry.leaf(
                        0x4000_0003,
                        REFERENCE_COUNTER
                                | SYNIC
                                | HYPERCALL_MSRS
                                | VP_INDEX
                                | SYSTEM_RESET
                                | REFERENCE_TSC
                                | FREQUENCIES,
                        POST_MESSAGES | SIGNAL_EVENTS | (isolated ? ISOLATION : 0),
                        0,
                        FREQUENCY_MSRS | CRASH_MSRS));
        // EBX: never tell the hypervisor of a spinning processor.
        leaves.add(CpuidEntry.leaf(0x4000_0004, RELAXED_TIMING | NO_AUTO_EOI, -1, 0, 0));
        leaves.add(CpuidEntry.leaf(0x4000_0005, cpus, cpus, 0, 0));
        for (int leaf = 0x4000_0006; leaf < LAST_LEAF; leaf++) {
            leaves.add(CpuidEntry.leaf(leaf, 0, 0, 0, 0));
        }
        leaves.add(
                CpuidEntry.leaf(
                        LAST_LEAF,
                        0,
                        isolated
                                ? ISOLATION_VBS | BOUNDARY_ACTIVE | boundaryBit << BOUNDARY_SHIFT
                                : 0,
                        0,
                        0));
    }
}
