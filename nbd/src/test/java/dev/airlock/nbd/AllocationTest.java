package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nbd.wire.Transmission;
import dev.airlock.testkit.Allocation;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A client's reads and writes allocate no object each on its connection's thread, once that is
 * warm. What a system call for many of them may leave, where the compiler has not removed it, is
 * less than the smallest object for each.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class AllocationTest {
    private static final int WINDOWS_MAX = 200;
    private static final int ROUNDS = 100;
    private static final int DEPTH = 16;
    private static final int OBJECT_BYTES = 16;
    private static final long ALLOWED = (long) ROUNDS * DEPTH * OBJECT_BYTES;

    @ParameterizedTest
    @CsvSource({"STRUCTURED, true", "SIMPLE, false"})
    void shouldNotAllocateForEachReadAndWrite(NbdClient.Mode mode, boolean isolated)
            throws Exception {
        try (Rig rig = Rig.open(isolated, "mem:16M,name=m");
                NbdClient client = rig.connect(mode)) {
            long thread = connectionThread();
            ByteBuffer requests = ByteBuffer.allocate(DEPTH * (32 + 4096));
            for (int i = 0; i < DEPTH; i++) {
                boolean write = i % 2 == 0;
                requests.put(
                        client.request(
                                write ? Transmission.CMD_WRITE : Transmission.CMD_READ,
                                0,
                                i,
                                i * 8192L,
                                4096,
                                new byte[write ? 4096 : 0]));
            }
            requests.flip();
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS_MAX && least >= ALLOWED; window++) {
                long before = Allocation.bytesOf(thread);
                for (int round = 0; round < ROUNDS; round++) {
                    client.write(requests.duplicate());
                    for (int i = 0; i < DEPTH; i++) {
                        readReply(client);
                    }
                }
                least = Math.min(least, Allocation.bytesOf(thread) - before);
            }
            assertThat(least).as("bytes for %d requests", ROUNDS * DEPTH).isLessThan(ALLOWED);
        }
    }

    /** Even cookies are writes. */
    private static void readReply(NbdClient client) throws Exception {
        if (client.mode != NbdClient.Mode.SIMPLE) {
            assertThat(client.reply(0).error()).isZero();
            return;
        }
        ByteBuffer head = client.read(16);
        head.position(8);
        client.read(head.getLong() % 2 == 0 ? 0 : 4096);
    }

    private static long connectionThread() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().matches("nbd-[0-9]+")) {
                return thread.threadId();
            }
        }
        throw new AssertionError("no connection's thread");
    }
}
