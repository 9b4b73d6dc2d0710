package dev.airlock.cli;

import dev.airlock.lab.workload.Baseline;
import dev.airlock.lab.workload.TimedMapping;
import dev.airlock.lab.workload.VerifiedWorkload;
import dev.airlock.lab.workload.WorkloadOptions;
import dev.airlock.lab.workload.WorkloadResult;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * One guest of {@code airlock run}: attached to a host, running the verified workload on one disk.
 */
final class GuestRun implements AutoCloseable {
    /** In place of a LUN: the first disk there is. */
    static final int FIRST_LUN = -1;

    private final StorageGuest guest;
    private final boolean isolated;
    private final VerifiedWorkload workload;
    private final TimedMapping mapping;

    /**
     * What to run on.
     *
     * @param socket the host's
     * @param lun which of its disks, or {@link #FIRST_LUN}
     * @param readOnly whether the disk's contents must stay
     * @param baseline what the disk holds
     */
    record Target(Path socket, int lun, boolean readOnly, Baseline baseline) {}

    /** What one guest's run gave, taken before the guest was closed. */
    record Outcome(
            boolean isolated,
            WorkloadResult result,
            long bytesBounced,
            double mappingNsPerIo,
            long privatePages,
            long hostVisiblePages,
            long slotsInUse,
            long slotsQuarantined,
            long firstVerifiedMicros) {}

    private GuestRun(
            StorageGuest guest, boolean isolated, VerifiedWorkload workload, TimedMapping mapping) {
        this.guest = guest;
        this.isolated = isolated;
        this.workload = workload;
        this.mapping = mapping;
    }

    /**
     * A guest that has its memory and no host yet.
     *
     * @param guest owned
     * @param mapping times what its driver maps
     */
    record Prepared(StorageGuest.Prepared guest, boolean isolated, TimedMapping mapping)
            implements AutoCloseable {
        @Override
        public void close() {
            guest.close();
        }
    }

    /** Makes what a guest has before it has a host; may run while the host starts. */
    static Prepared prepare(boolean isolated) {
        TimedMapping mapping = new TimedMapping();
        try {
            return new Prepared(
                    StorageGuest.prepare(
                            GuestOptions.standard(isolated)
                                    .withStorvsc(new StorvscOptions().mapping(mapping.factory()))),
                    isolated,
                    mapping);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot make a guest: " + e.getMessage());
        }
    }

    /** Attaches a guest to the host. */
    static GuestRun attach(Prepared prepared, Target target, long seed) {
        StorageGuest guest;
        try {
            guest = prepared.guest().connect(target.socket());
        } catch (IOException e) {
            throw CommandFailure.usage("cannot attach to the host: " + e.getMessage());
        }
        boolean attached = false;
        try {
            BlockDevice device = choose(guest.disks(), target);
            boolean readOnly = target.readOnly() || device.isReadOnly();
            VerifiedWorkload workload =
                    new VerifiedWorkload(
                            device,
                            guest.memory(),
                            WorkloadOptions.standard(seed, readOnly, target.baseline()));
            attached = true;
            return new GuestRun(guest, prepared.isolated(), workload, prepared.mapping());
        } finally {
            if (!attached) {
                guest.close();
            }
        }
    }

    private static BlockDevice choose(List<BlockDevice> disks, Target target) {
        if (disks.isEmpty()) {
            throw CommandFailure.usage(
                    "the host offers no disk now; a writable one that is not ,shared serves one guest at a time");
        }
        if (target.lun() == FIRST_LUN) {
            return disks.getFirst();
        }
        for (BlockDevice disk : disks) {
            if (disk.facts().address().lun() == target.lun()) {
                if (!target.readOnly() && disk.isReadOnly()) {
                    throw CommandFailure.usage("LUN " + target.lun() + " is read-only");
                }
                return disk;
            }
        }
        throw CommandFailure.usage("the host offers no LUN " + target.lun());
    }

    boolean isIsolated() {
        return isolated;
    }

    VerifiedWorkload workload() {
        return workload;
    }

    /** Ends the run early. */
    void stop() {
        workload.stop();
    }

    /** Runs for a time. */
    Outcome run(double seconds) throws InterruptedException {
        WorkloadResult result;
        try {
            result = workload.run((long) (seconds * 1e9));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage(String.valueOf(e.getMessage()));
        }
        var dma = guest.mapper().statistics();
        long sinceVerified = (System.nanoTime() - result.firstVerifiedNanoTime()) / 1_000;
        return new Outcome(
                isolated,
                result,
                dma.bytesBouncedIn() + dma.bytesBouncedOut(),
                mapping.nanosPerIo(),
                guest.memory().privatePageCount(),
                guest.memory().visiblePageCount(),
                dma.slotsUsed(),
                guest.adapter().statistics().slotsQuarantined(),
                Launch.nowMicros() - sinceVerified);
    }

    @Override
    public void close() {
        guest.close();
    }
}
