package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.lab.workload.Baseline;
import dev.airlock.lab.workload.VerifiedWorkload;
import dev.airlock.lab.workload.WorkloadOptions;
import dev.airlock.lab.workload.WorkloadResult;
import dev.airlock.storvsc.StorvscStatistics;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The workload of {@code airlock run}, every byte verified, while either side stalls at random: the
 * host process is stopped and continued, and the threads on which the guest takes completions are
 * held up. So each side meets a peer that is asleep, or full, or late, at any moment.
 */
class StallTest {
    private static final long DISK_BYTES = 64 << 20;
    private static final int HOST_RUNS_MS_MAX = 120;
    private static final int HOST_STOPS_MS_MAX = 300;
    private static final int GUEST_STALL_MS_MAX = 40;

    /** Beyond the run's own time: a guard against requests that never end. */
    private static final long PATIENCE_SECONDS = 90;

    @TempDir private Path folder;

    private volatile boolean enough;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldBearStallsOfEitherSide(boolean isolated) throws Exception {
        bearStalls(isolated, 30);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @Tag("soak")
    void shouldBearStallsOfEitherSideForMinutes(boolean isolated) throws Exception {
        bearStalls(isolated, 300);
    }

    private void bearStalls(boolean isolated, int seconds) throws Exception {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("replay with -Dairlock.seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path socket = folder.resolve("host.sock");
        try (AirlockProcess host =
                AirlockProcess.start("host", "--socket", socket, "mem:64M", image())) {
            host.awaitErrorLine("ready ");
            try (StorageGuest guest =
                    StorageGuest.connect(socket, GuestOptions.standard(isolated))) {
                List<VerifiedWorkload> loads = new ArrayList<>();
                for (BlockDevice disk : guest.disks()) {
                    WorkloadOptions options =
                            new WorkloadOptions(
                                    2,
                                    4,
                                    random.nextLong(),
                                    false,
                                    1 << 20,
                                    8 << 20,
                                    Baseline.FIRST_READ);
                    loads.add(new VerifiedWorkload(disk, guest.memory(), options));
                }
                assertThat(loads).hasSize(2);
                SplittableRandom hosts = random.split();
                SplittableRandom guests = random.split();
                var hostStalls = onThread(() -> stallHost(host, hosts));
                var guestStalls = onThread(() -> stallCompletions(guest, guests));
                List<CompletableFuture<WorkloadResult>> running = new ArrayList<>();
                for (VerifiedWorkload load : loads) {
                    running.add(onThread(() -> load.run(TimeUnit.SECONDS.toNanos(seconds))));
                }
                List<WorkloadResult> results = new ArrayList<>();
                try {
                    for (CompletableFuture<WorkloadResult> each : running) {
                        results.add(each.get(seconds + PATIENCE_SECONDS, TimeUnit.SECONDS));
                    }
                } finally {
                    enough = true;
                }
                int hostCount = hostStalls.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                int guestCount = guestStalls.get(PATIENCE_SECONDS, TimeUnit.SECONDS);

                System.out.printf(
                        "stalls: isolated=%b host=%d guest=%d verified=%s%n",
                        isolated,
                        hostCount,
                        guestCount,
                        results.stream().map(WorkloadResult::ios).toList());
                for (WorkloadResult result : results) {
                    assertThat(result.isGood()).as(result.toString()).isTrue();
                    assertThat(result.ios()).isPositive();
                }
                assertThat(hostCount).isGreaterThan(seconds / 2);
                assertThat(guestCount).isGreaterThan(seconds / 2);
                StorvscStatistics statistics = guest.adapter().statistics();
                assertThat(statistics.inFlight()).isZero();
                assertThat(statistics.slotsQuarantined()).isZero();
                assertThat(guest.mapper().statistics().slotsUsed()).isZero();
                assertThat(guest.adapter().failure()).isNull();
            } finally {
                enough = true;
            }
        }
    }

    /** On the machine's disk, so that workers and their completions are part of it. */
    private String image() throws IOException {
        Path image = folder.resolve("disk.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        return "raw:" + image;
    }

    /** Stops the host's process and continues it, until it is enough; returns how often. */
    private int stallHost(AirlockProcess host, SplittableRandom random) throws Exception {
        int stalls = 0;
        while (!enough) {
            pause(random.nextInt(1, HOST_RUNS_MS_MAX));
            signal("-STOP", host);
            try {
                pause(random.nextInt(1, HOST_STOPS_MS_MAX));
            } finally {
                signal("-CONT", host);
            }
            stalls++;
        }
        return stalls;
    }

    /** Holds up the thread that takes completions, again and again; returns how often. */
    private int stallCompletions(StorageGuest guest, SplittableRandom random) throws Exception {
        int stalls = 0;
        long buffer = guest.memory().privatePages().allocate(4096, 4096);
        Semaphore ended = new Semaphore(0);
        while (!enough) {
            int ms = random.nextInt(1, GUEST_STALL_MS_MAX);
            BlockDevice disk = guest.disks().get(random.nextInt(guest.disks().size()));
            BlockRequest request = new BlockRequest();
            request.onCompletion(done -> {
                pause(ms);
                ended.release();
            });
            request.read(0, buffer, disk.sectorBytes());
            disk.submit(request);
            ended.acquire();
            stalls++;
            pause(random.nextInt(1, GUEST_STALL_MS_MAX));
        }
        guest.memory().privatePages().free(buffer, 4096);
        return stalls;
    }

    private static void signal(String which, AirlockProcess to) throws Exception {
        Process kill = new ProcessBuilder("kill", which, Long.toString(to.pid())).start();
        assertThat(kill.waitFor()).as("kill " + which).isZero();
    }

    /** The stall itself: its length matters to nobody. */
    private static void pause(int ms) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private interface Task<T> {
        T run() throws Exception;
    }

    /** The common pool has too few threads for what blocks. */
    private static <T> CompletableFuture<T> onThread(Task<T> task) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return task.run();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                },
                AirlockProcess::startThread);
    }
}
