package dev.airlock.vmm;

import dev.airlock.vmm.boot.BzImage;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What a machine is made of.
 *
 * @param initrd null for none; read when a machine is made
 * @param cpus virtual processors
 * @param memoryBytes a multiple of 2 MiB
 * @param xsave whether the guest may have XSAVE and AVX: only if {@link
 *     KvmProbe.Findings#tracksXsave}
 * @param isolated isolation type VBS with a shared-GPA boundary: pages are private until shown
 */
public record MachineOptions(
        BzImage kernel,
        @Nullable MemorySegment initrd,
        String cmdline,
        int cpus,
        long memoryBytes,
        boolean xsave,
        boolean isolated) {
    /** More would need x2APIC ids beyond 8 bits in interrupts. */
    public static final int CPUS_MAX = 64;

    public MachineOptions {
        if (cpus < 1 || cpus > CPUS_MAX) {
            throw new IllegalArgumentException("cpus not in [1, %d]: %d".formatted(CPUS_MAX, cpus));
        }
    }
}
