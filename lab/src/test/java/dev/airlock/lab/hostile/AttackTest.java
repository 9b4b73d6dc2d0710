package dev.airlock.lab.hostile;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.UnixSocket;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockException;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each attack by which {@code airlock boot --attack} tries a Linux, on our own driver. None of
 * these hosts lies about data, so what is read without an error is what was written.
 */
class AttackTest {
    private static final int ROUNDS = 400;
    private static final int BLOCK_BYTES = 8 << 10;
    private static final int BLOCKS = 64;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    @TempDir Path folder;

    static Stream<Attack> attacks() {
        return Stream.of(Attack.values()).filter(Attack::isByHost);
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void shouldNeitherHangNorTakeAWrongByte(Attack attack) throws Exception {
        long seed = Seeds.next();
        AtomicLong done = new AtomicLong();
        Watch.start(attack.word(), () -> survive(attack, seed, done)).join(done::get);
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void shouldServeRightlyWithoutAnAttack(boolean isolated) throws Exception {
        AtomicLong done = new AtomicLong();
        try (Rig rig = Rig.of(folder.resolve("honest.sock"), null, 1, isolated)) {
            Tally tally = work(rig.guest, 1, done);
            assertThat(tally.verified).isEqualTo(ROUNDS / 2);
            assertThat(tally.failed).isZero();
            assertThat(rig.host.wrongAnswers()).isZero();
        }
    }

    private void survive(Attack attack, long seed, AtomicLong done) throws Exception {
        for (boolean isolated : new boolean[] {true, false}) {
            Path socket = folder.resolve("attack-" + isolated + ".sock");
            try (Rig rig = Rig.of(socket, attack, seed, isolated)) {
                Tally tally = work(rig.guest, seed, done);
                System.out.printf(
                        "%s isolated=%b: wrong=%d verified=%d failed=%d%n",
                        attack.word(),
                        isolated,
                        rig.host.wrongAnswers(),
                        tally.verified,
                        tally.failed);
                assertThat(rig.host.wrongAnswers()).isPositive();
                assertThat(rig.host.failure()).isNull();
            }
        }
    }

    private record Tally(int verified, int failed) {}

    /** Writes a block, reads a block, by turns; stops when the disk has gone. */
    private static Tally work(StorageGuest guest, long seed, AtomicLong done) {
        SplittableRandom random = new SplittableRandom(seed);
        BlockDevice disk = guest.disks().getFirst();
        MemorySegment memory = guest.memory().bytes();
        long buffer = guest.memory().privatePages().allocate(BLOCK_BYTES, BLOCK_BYTES);
        BlockRequest request = new BlockRequest();
        boolean[] known = new boolean[BLOCKS];
        long[] stamps = new long[BLOCKS];
        int verified = 0;
        int failed = 0;
        int last = 0;
        for (int round = 0; round < ROUNDS && request.status() != BlockStatus.GONE; round++) {
            boolean write = round % 2 == 0;
            int block = write ? random.nextInt(BLOCKS) : last;
            last = block;
            long stamp = random.nextLong();
            for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                memory.set(WORD, buffer + at, write ? stamp ^ at : 0);
            }
            long offset = (long) block * BLOCK_BYTES;
            try {
                if (write) {
                    known[block] = false;
                    disk.execute(request.write(offset, buffer, BLOCK_BYTES, false));
                    known[block] = true;
                    stamps[block] = stamp;
                } else {
                    disk.execute(request.read(offset, buffer, BLOCK_BYTES));
                    if (known[block]) {
                        verify(memory.asSlice(buffer, BLOCK_BYTES), stamps[block]);
                        verified++;
                    }
                }
            } catch (BlockException e) {
                failed++;
            }
            done.incrementAndGet();
        }
        return new Tally(verified, failed);
    }

    private static void verify(MemorySegment memory, long stamp) {
        for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
            assertThat(memory.get(WORD, at)).as("word at %d", at).isEqualTo(stamp ^ at);
        }
    }

    /** A host, and its guest. */
    private record Rig(StorageGuest guest, AttackHost host) implements AutoCloseable {
        private static Rig of(Path path, @Nullable Attack attack, long seed, boolean isolated)
                throws Exception {
            GuestOptions options =
                    GuestOptions.standard(isolated)
                            .withStorvsc(
                                    new StorvscOptions()
                                            .scan(1, 1)
                                            .timeoutMs(1_000)
                                            .resetTimeoutMs(500)
                                            .drainTimeoutMs(100)
                                            .tickMs(20));
            List<AttackHost> hosts = new CopyOnWriteArrayList<>();
            try (UnixSocket listening = UnixSocket.listen(path, 0600, 1)) {
                Watch.Running accepting =
                        Watch.start(
                                "accept",
                                () -> {
                                    UnixSocket socket = requireNonNull(listening.accept(-1));
                                    hosts.add(new AttackHost(socket, attack, seed));
                                });
                StorageGuest guest = StorageGuest.connect(path, options);
                accepting.join(() -> 0);
                return new Rig(guest, hosts.getFirst());
            }
        }

        @Override
        public void close() {
            guest.close();
            host.close();
        }
    }
}
