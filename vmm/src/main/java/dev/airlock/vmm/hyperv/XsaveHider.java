package dev.airlock.vmm.hyperv;

import dev.airlock.linux.CpuidEntry;

/**
 * CPUID without XSAVE, AVX and what needs them (Intel SDM 2A, CPUID; AMD APM 3, appendix E), so
 * that a kernel saves x87 and SSE state by FXSAVE. Stateless.
 */
final class XsaveHider {
    /** Leaf 1, ECX: FMA, XSAVE, OSXSAVE, AVX, F16C. */
    private static final int LEAF_1_ECX = 1 << 12 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29;

    /** Leaf 7, EBX: AVX2, MPX and all of AVX-512. */
    private static final int LEAF_7_EBX =
            1 << 5 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 21 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 30
                    | 1 << 31;

    /** Leaf 7, ECX: AVX-512 again, PKU, VAES, VPCLMULQDQ. */
    private static final int LEAF_7_ECX =
            1 << 1 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 14;

    /** Leaf 7, EDX: AVX-512 again, AMX. */
    private static final int LEAF_7_EDX =
            1 << 2 | 1 << 3 | 1 << 8 | 1 << 22 | 1 << 23 | 1 << 24 | 1 << 25;

    /** Leaf 0x80000001, ECX: XOP, FMA4. */
    private static final int EXTENDED_1_ECX = 1 << 11 | 1 << 16;

    private XsaveHider() {}

    static CpuidEntry hide(CpuidEntry e) {
        return switch (e.function()) {
            case 1 -> e.with(e.eax(), e.ebx(), e.ecx() & ~LEAF_1_ECX, e.edx());
            case 7 ->
                    e.index() == 0
                            ? e.with(
                                    e.eax(),
                                    e.ebx() & ~LEAF_7_EBX,
                                    e.ecx() & ~LEAF_7_ECX,
                                    e.edx() & ~LEAF_7_EDX)
                            : e.with(0, 0, 0, 0);
            case 0xD -> e.with(0, 0, 0, 0);
            case 0x8000_0001 -> e.with(e.eax(), e.ebx(), e.ecx() & ~EXTENDED_1_ECX, e.edx());
            default -> e;
        };
    }
}
