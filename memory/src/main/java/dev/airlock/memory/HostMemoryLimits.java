package dev.airlock.memory;

/**
 * How much of a host one guest's memory may take.
 *
 * @param regionsMax pieces of memory a guest may share
 * @param pagesMax pages in all of them
 * @param mappingPagesMax pages in one contiguous view ({@link HostMemory#mapPages}), such as a ring
 * @param mappingRunsMax runs of neighbouring pages in one contiguous view; each takes one of the
 *     kernel's map areas, of which a process has 65,530 ({@code vm.max_map_count})
 */
public record HostMemoryLimits(
        int regionsMax, long pagesMax, int mappingPagesMax, int mappingRunsMax) {
    /** 16 regions, 1 TiB, views of 32 MiB in 1,024 runs. */
    public static final HostMemoryLimits DEFAULT = new HostMemoryLimits(16, 1L << 28, 8192, 1024);

    public HostMemoryLimits {
        if (regionsMax < 1 || pagesMax < 1 || mappingPagesMax < 1 || mappingRunsMax < 1) {
            throw new IllegalArgumentException(
                    "limits must be positive: regionsMax=%d pagesMax=%d mappingPagesMax=%d mappingRunsMax=%d"
                            .formatted(regionsMax, pagesMax, mappingPagesMax, mappingRunsMax));
        }
    }
}
