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
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A guest that does verified I/O on its own disk while others misbehave: not one wrong byte, not
 * one failed I/O.
 */
final class HonestGuest implements AutoCloseable {
    private static final long ROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    /** Between rounds, so that the cores are there for those who misbehave. */
    private static final long PAUSE_MS = 600;

    private final StorageGuest guest;
    private final BlockDevice disk;
    private final long seed;
    private volatile long ios;
    private final CountDownLatch enough = new CountDownLatch(1);
    private volatile @Nullable VerifiedWorkload workload;
    private Watch.@Nullable Running working;

    /** Takes LUN 0. */
    HonestGuest(Path socket, long seed) throws IOException {
        this.seed = seed;
        guest = StorageGuest.connect(socket, GuestOptions.standard(true));
        disk = guest.disks().getFirst();
        assertThat(disk.facts().address().lun()).isZero();
    }

    /** Works on a thread of its own, round after round, each with a sweep over all it wrote. */
    void start() {
        working = Watch.start("honest", this::work);
    }

    /** Fails when something has gone wrong already. */
    void requireNoFailure() {
        Objects.requireNonNull(working).requireNoFailure();
    }

    /** Ends with the round it is in; fails if anything went wrong. */
    void finish() throws InterruptedException {
        enough.countDown();
        Objects.requireNonNull(working).join(this::ios);
        assertThat(guest.mapper().statistics().slotsUsed()).isZero();
    }

    /** Verified I/Os of the rounds that have ended. */
    long ios() {
        return ios;
    }

    @Override
    public void close() {
        enough.countDown();
        VerifiedWorkload now = workload;
        if (now != null) {
            now.stop();
        }
        if (working != null) {
            working.awaitEnd();
        }
        guest.close();
    }

    private void work() throws InterruptedException {
        int round = 0;
        do {
            WorkloadOptions options =
                    new WorkloadOptions(
                            2, 2, seed + round, false, 256 << 10, 2 << 20, Baseline.FIRST_READ);
            VerifiedWorkload next = new VerifiedWorkload(disk, guest.memory(), options);
            workload = next;
            WorkloadResult result = next.run(ROUND_NANOS);
            ios += result.ios();
            assertThat(result.firstFailure())
                    .as("round %d, adapter: %s", round, guest.adapter().failure())
                    .isNull();
            assertThat(result.wrongBytes()).isZero();
            assertThat(result.failedIos()).isZero();
            assertThat(result.ios()).isPositive();
            round++;
        } while (!enough.await(PAUSE_MS, TimeUnit.MILLISECONDS));
    }
}
