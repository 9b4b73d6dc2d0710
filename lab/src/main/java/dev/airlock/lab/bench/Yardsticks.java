package dev.airlock.lab.bench;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * What this machine can do at best, measured with the same means as the rows beside which the
 * figures are printed: a copy (bounced bytes), a {@code preadv2} of a cached file (a disk), a
 * cache-line hop between cores (a ring), a wake-up by eventfd (a sleeping peer). Every method
 * measures once, for about the time asked; repeat and take medians.
 */
public final class Yardsticks {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int CACHE_LINE = 64;
    private static final int HOP_BATCH = 256;

    /** USER_HZ is 100 on every Linux that runs Java. */
    private static final long TICK_NANOS = 10_000_000;

    private static final int IDLE_FIELD = 4;
    private static final int STEAL_FIELD = 8;

    private Yardsticks() {}

    /**
     * Bytes per second of copying blocks between two working sets, one block after the other.
     *
     * @param blockBytes size of one copy
     * @param workingSetBytes size of either working set; a multiple of {@code blockBytes}
     * @param nanos for how long
     */
    public static double memcpyBytesPerSecond(int blockBytes, long workingSetBytes, long nanos)
            throws LinuxException {
        try (Mapping from = Mapping.anonymous(workingSetBytes);
                Mapping to = Mapping.anonymous(workingSetBytes)) {
            MemorySegment source = from.segment();
            MemorySegment target = to.segment();
            source.fill((byte) 1);
            target.fill((byte) 2);
            long copied = 0;
            long at = 0;
            long start = System.nanoTime();
            long elapsed;
            do {
                for (int i = 0; i < 16; i++) {
                    MemorySegment.copy(source, at, target, at, blockBytes);
                    at += blockBytes;
                    if (at == workingSetBytes) {
                        at = 0;
                    }
                }
                copied += 16L * blockBytes;
                elapsed = System.nanoTime() - start;
            } while (elapsed < nanos);
            return copied * 1e9 / elapsed;
        }
    }

    /**
     * Nanoseconds of one {@code preadv2} of {@code blockBytes} at random places of a cached file.
     *
     * @param folder where the file lives; a tmpfs gives the best case
     */
    public static double preadNanos(Path folder, int blockBytes, long fileBytes, long nanos)
            throws IOException {
        Path file = Files.createTempFile(folder, "airlock-yardstick", ".raw");
        try (Fd fd = FileIo.open(file, FileIo.O_RDWR);
                Arena arena = Arena.ofConfined()) {
            Files.delete(file);
            MemorySegment block = arena.allocate(blockBytes, 4096);
            MemorySegment iovec = arena.allocate(16, 8);
            iovec.set(ValueLayout.ADDRESS, 0, block);
            iovec.set(ValueLayout.JAVA_LONG, 8, blockBytes);
            for (long at = 0; at < fileBytes; at += blockBytes) {
                require(FileIo.pwritev2(fd, iovec, 1, at, 0), blockBytes);
            }
            ThreadLocalRandom random = ThreadLocalRandom.current();
            long blocks = fileBytes / blockBytes;
            long count = 0;
            long start = System.nanoTime();
            long elapsed;
            do {
                for (int i = 0; i < 16; i++) {
                    long at = random.nextLong(blocks) * blockBytes;
                    require(FileIo.preadv2(fd, iovec, 1, at, 0), blockBytes);
                }
                count += 16;
                elapsed = System.nanoTime() - start;
            } while (elapsed < nanos);
            return (double) elapsed / count;
        }
    }

    /**
     * Nanoseconds for a value to reach another core and be seen there: half of a round trip of two
     * spinning threads.
     */
    public static double hopNanos(long nanos) throws InterruptedException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment there = arena.allocate(CACHE_LINE, CACHE_LINE);
            MemorySegment back = arena.allocate(CACHE_LINE, CACHE_LINE);
            AtomicBoolean stop = new AtomicBoolean();
            Thread echo =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> {
                                long last = 0;
                                while (!stop.get()) {
                                    long seen = (long) WORD.getAcquire(there, 0L);
                                    if (seen != last) {
                                        last = seen;
                                        WORD.setRelease(back, 0L, seen);
                                    }
                                }
                            });
            long count = 0;
            long best = Long.MAX_VALUE;
            long start = System.nanoTime();
            long now = start;
            do {
                long batch = now;
                for (int i = 0; i < HOP_BATCH; i++) {
                    count++;
                    WORD.setRelease(there, 0L, count);
                    while ((long) WORD.getAcquire(back, 0L) != count) {
                        Thread.onSpinWait();
                    }
                }
                now = System.nanoTime();
                best = Math.min(best, now - batch);
            } while (now - start < nanos);
            stop.set(true);
            echo.join();
            return best / 2.0 / HOP_BATCH;
        }
    }

    /**
     * Nanoseconds of waking a thread that sleeps on an eventfd and being woken by it in the same
     * way.
     */
    public static double eventFdRoundTripNanos(long nanos)
            throws IOException, InterruptedException {
        return eventFdMedianNanos(0, nanos);
    }

    /**
     * As {@link #eventFdRoundTripNanos} with a pause before each, so that both threads, and perhaps
     * their cores, are asleep.
     */
    public static double eventFdAsleepNanos(long pauseNanos, long nanos)
            throws IOException, InterruptedException {
        return eventFdMedianNanos(pauseNanos, nanos);
    }

    private static double eventFdMedianNanos(long pauseNanos, long nanos)
            throws IOException, InterruptedException {
        try (EventFd there = EventFd.create();
                EventFd back = EventFd.create()) {
            AtomicBoolean stop = new AtomicBoolean();
            Thread echo =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> {
                                try {
                                    while (!stop.get()) {
                                        if (there.await(100)) {
                                            back.signal();
                                        }
                                    }
                                } catch (LinuxException e) {
                                    throw new java.io.UncheckedIOException(e);
                                }
                            });
            List<Double> trips = new ArrayList<>();
            long start = System.nanoTime();
            long end;
            do {
                if (pauseNanos > 0) {
                    TimeUnit.NANOSECONDS.sleep(pauseNanos);
                }
                long begin = System.nanoTime();
                there.signal();
                while (!back.await(1000)) {
                    if (!echo.isAlive()) {
                        throw new IOException("the echoing thread ended");
                    }
                }
                end = System.nanoTime();
                trips.add((double) (end - begin));
            } while (end - start < nanos);
            stop.set(true);
            echo.join();
            return Sample.of(trips.stream().mapToDouble(trip -> trip).toArray()).median();
        }
    }

    /**
     * Processor time that the whole machine uses while the caller does nothing, in percent of one
     * core: what others take away from the figures. Counted in ticks of 10 ms.
     */
    public static double machineLoadPercent(long nanos) throws IOException, InterruptedException {
        long busy = busyNanos();
        long start = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep(nanos);
        double elapsed = System.nanoTime() - start;
        return (busyNanos() - busy) * 100 / elapsed;
    }

    /** Processor time of everybody on this machine since it started, in steps of 10 ms. */
    public static long busyNanos() throws IOException {
        return busyTicks() * TICK_NANOS;
    }

    /** All of {@code /proc/stat}'s first line but idle and iowait (proc_stat(5)). */
    private static long busyTicks() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/stat"))) {
            String[] words = lines.findFirst().orElse("").split(" +");
            long busy = 0;
            for (int word = 1; word < words.length && word <= STEAL_FIELD; word++) {
                boolean isIdle = word == IDLE_FIELD || word == IDLE_FIELD + 1;
                busy += isIdle ? 0 : Long.parseLong(words[word]);
            }
            return busy;
        }
    }

    private static void require(long result, int bytes) throws IOException {
        if (result != bytes) {
            throw new IOException("yardstick file: result=" + result + " expected=" + bytes);
        }
    }
}
