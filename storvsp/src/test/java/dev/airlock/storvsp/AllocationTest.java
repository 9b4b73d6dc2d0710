package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.Disk;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.scsi.SrbStatus;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In steady state no thread of the host allocates anything for an I/O. */
@Timeout(60)
class AllocationTest {
    private static final int ROUNDS = 2_000;
    private static final int ATTEMPTS = 60;

    @Test
    void shouldAllocateNothingForAnIoOnTheRingThread() throws Exception {
        try (Disk disk = new MemoryDisk(1 << 20, 512, false)) {
            assertThat(leastAllocated(disk, 1)).isLessThan(ROUNDS);
            assertThat(leastAllocated(disk, 16)).isLessThan(ROUNDS);
        }
    }

    @Test
    void shouldAllocateNothingForAnIoThatGoesThroughWorkers() throws Exception {
        try (Disk disk = new GatedDisk(1 << 20, true)) {
            assertThat(leastAllocated(disk, 1)).isLessThan(ROUNDS);
            assertThat(leastAllocated(disk, 16)).isLessThan(ROUNDS);
        }
    }

    /**
     * Bytes that all threads of the guest allocated in some run of {@link #ROUNDS} reads and
     * writes.
     */
    private static long leastAllocated(Disk disk, int depth) throws Exception {
        TestUnits units = new TestUnits(disk);
        try (LoopbackGuest guest =
                new LoopbackGuest(units.device("guest1", StorvspOptions.defaults()))) {
            ScriptedGuest channel = guest.open();
            channel.negotiate();
            long gpa = guest.allocate(64 << 10);
            long least = Long.MAX_VALUE;
            // The first attempts are warm-up: the compiler decides when allocations are gone.
            for (int attempt = 0; attempt < ATTEMPTS && least >= ROUNDS; attempt++) {
                long before = allocatedByHost();
                for (int i = 0; i < ROUNDS; i += depth) {
                    for (int j = 0; j < depth; j++) {
                        channel.sendTransfer(j, 0, j % 2 == 0, 8 * j, gpa + 512, 4096);
                    }
                    for (int j = 0; j < depth; j++) {
                        assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
                    }
                }
                least = Math.min(least, allocatedByHost() - before);
            }
            return least;
        }
    }

    /** By reflection, because the module under test does not read jdk.management. */
    private static long allocatedByHost() throws ReflectiveOperationException {
        Object bean =
                Class.forName("java.lang.management.ManagementFactory")
                        .getMethod("getThreadMXBean")
                        .invoke(null);
        Method allocated =
                Class.forName("com.sun.management.ThreadMXBean")
                        .getMethod("getThreadAllocatedBytes", long.class);
        long sum = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("guest1-")) {
                sum += (long) allocated.invoke(bean, thread.threadId());
            }
        }
        return sum;
    }
}
