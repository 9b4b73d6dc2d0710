package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.lab.workload.Baseline;
import dev.airlock.lab.workload.VerifiedWorkload;
import dev.airlock.lab.workload.WorkloadOptions;
import dev.airlock.lab.workload.WorkloadResult;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A guest that does verified I/O on its own disk while others misbehave: not one wrong byte, not
 * one failed I/O.
 */
final class HonestGuest implements AutoCloseable {
    private static final long ROUND_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final StorageGuest guest;
    private final BlockDevice disk;
    private final long seed;
    private volatile long ios;
    private volatile boolean enough;

    /** Takes LUN 0. */
    HonestGuest(Path socket, long seed) throws IOException {
        this.seed = seed;
        guest = StorageGuest.connect(socket, GuestOptions.standard(true));
        disk = guest.disks().getFirst();
        assertThat(disk.facts().address().lun()).isZero();
    }

    /** Works, round after round, each with a sweep over all it wrote, until {@link #enough}. */
    void work() throws InterruptedException {
        for (int round = 0; !enough || round == 0; round++) {
            WorkloadOptions options =
                    new WorkloadOptions(
                            2, 2, seed + round, false, 256 << 10, 2 << 20, Baseline.FIRST_READ);
            WorkloadResult result =
                    new VerifiedWorkload(disk, guest.memory(), options).run(ROUND_NANOS);
            ios += result.ios();
            assertThat(result.firstFailure()).as("round %d", round).isNull();
            assertThat(result.wrongBytes()).isZero();
            assertThat(result.failedIos()).isZero();
            assertThat(result.ios()).isPositive();
        }
    }

    /** Lets {@link #work} end after the round it is in. */
    void enough() {
        enough = true;
    }

    /** Verified I/Os of the rounds that have ended. */
    long ios() {
        return ios;
    }

    /** Bounce slots in use. */
    long slotsInUse() {
        return guest.mapper().statistics().slotsUsed();
    }

    @Override
    public void close() {
        guest.close();
    }
}
