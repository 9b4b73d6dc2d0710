package dev.airlock.cli;

import dev.airlock.vmm.memory.MachineMemory;
import dev.airlock.vmm.memory.VisibilityCounts;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What a guest has shown, as it stands at one moment. Immutable.
 *
 * @param visibility in pages
 * @param longestRun of pages that are visible side by side: of an isolated Linux, its bounce pool
 * @param stray pages that the host was seen to have touched while they were private
 * @param plainAlias whether the kernel reaches visible pages without the boundary's bit
 * @param series visible pages over time
 * @param swiotlb what the console tells of bounce buffers, see {@link SwiotlbWatch#told}
 */
record Boundary(
        VisibilityCounts visibility,
        long longestRun,
        long stray,
        boolean plainAlias,
        List<VisibilitySeries.Sample> series,
        Map<String, Long> swiotlb) {
    static Boundary of(MachineMemory memory, VisibilitySeries series, SwiotlbWatch swiotlb)
            throws IOException {
        return new Boundary(
                memory.visibility(),
                memory.longestVisibleRun(),
                memory.strayPages(),
                memory.isPlainAliasAdmitted(),
                series.samples(),
                swiotlb.told());
    }
}
