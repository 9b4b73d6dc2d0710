package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * One CPUID leaf of a guest. Source: {@code asm/kvm.h}, {@code struct kvm_cpuid_entry2}.
 *
 * @param function EAX of the instruction
 * @param index ECX of it, where the leaf has sub-leaves
 * @param flags {@link #SIGNIFICANT_INDEX} where it has
 */
public record CpuidEntry(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {
    /** KVM_CPUID_FLAG_SIGNIFCANT_INDEX. */
    public static final int SIGNIFICANT_INDEX = 1;

    static final long BYTES = 40;

    /** A leaf without sub-leaves. */
    public static CpuidEntry leaf(int function, int eax, int ebx, int ecx, int edx) {
        return new CpuidEntry(function, 0, 0, eax, ebx, ecx, edx);
    }

    /** A sub-leaf. */
    public static CpuidEntry subleaf(int function, int index, int eax, int ebx, int ecx, int edx) {
        return new CpuidEntry(function, index, SIGNIFICANT_INDEX, eax, ebx, ecx, edx);
    }

    /** The same leaf with other values. */
    public CpuidEntry with(int newEax, int newEbx, int newEcx, int newEdx) {
        return new CpuidEntry(function, index, flags, newEax, newEbx, newEcx, newEdx);
    }

    static CpuidEntry read(MemorySegment from, long at) {
        return new CpuidEntry(
                from.get(JAVA_INT, at),
                from.get(JAVA_INT, at + 4),
                from.get(JAVA_INT, at + 8),
                from.get(JAVA_INT, at + 12),
                from.get(JAVA_INT, at + 16),
                from.get(JAVA_INT, at + 20),
                from.get(JAVA_INT, at + 24));
    }

    void write(MemorySegment to, long at) {
        to.set(JAVA_INT, at, function);
        to.set(JAVA_INT, at + 4, index);
        to.set(JAVA_INT, at + 8, flags);
        to.set(JAVA_INT, at + 12, eax);
        to.set(JAVA_INT, at + 16, ebx);
        to.set(JAVA_INT, at + 20, ecx);
        to.set(JAVA_INT, at + 24, edx);
    }
}
