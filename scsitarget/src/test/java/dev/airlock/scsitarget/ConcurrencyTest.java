package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Several guests and channels on the same units, while units are reset, come and go. */
class ConcurrencyTest {

    private static final int THREADS = 4;
    private static final int COMMANDS = 60_000;
    private static final int BLOCKS_PER_THREAD = 16;

    private final TestDisk disk = new TestDisk(512, THREADS * BLOCKS_PER_THREAD);
    private final TestGuest first = new TestGuest(disk);
    private final TestGuest second = first.another();

    @Test
    void shouldKeepGuestsAndChannelsApart() throws Exception {
        long seed = Long.getLong("airlock.seed", 20260105L);
        List<Callable<Integer>> work = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            Nexus nexus = i % 2 == 0 ? first.nexus : second.nexus;
            work.add(() -> writeAndReadBack(nexus, thread, new SplittableRandom(seed + thread)));
        }
        work.add(this::disturbTheSecondGuest);
        try (ExecutorService threads = Executors.newFixedThreadPool(work.size())) {
            List<Future<Integer>> results = threads.invokeAll(work);
            for (int i = 0; i < THREADS; i++) {
                int attentions = results.get(i).get();
                if (i % 2 == 0) {
                    assertThat(attentions)
                            .as("-Dairlock.seed=%d: attentions of the other guest", seed)
                            .isZero();
                }
            }
            assertThat(results.get(THREADS).get()).isPositive();
        }
        assertThat(first.unit.bugs()).isZero();
    }

    /**
     * Returns how many unit attentions it met; fails for anything else that is not as it should be.
     */
    private int writeAndReadBack(Nexus nexus, int thread, SplittableRandom random) {
        ScsiTask task = new ScsiTask();
        MemorySegment cdb = Arena.ofAuto().allocate(Cdb.BYTES);
        MemorySegment memory = Arena.ofAuto().allocate(8 * 512);
        IoVector data = new IoVector(1);
        byte[] model = new byte[BLOCKS_PER_THREAD];
        int attentions = 0;
        for (int i = 0; i < COMMANDS; i++) {
            int blocks = random.nextInt(1, 8);
            int from = random.nextInt(BLOCKS_PER_THREAD - blocks);
            boolean write = random.nextBoolean();
            byte value = (byte) random.nextInt();
            data.clear();
            data.add(memory, 0, blocks * 512L);
            data.fill(0, blocks * 512L, write ? value : 0);
            long lba = (long) thread * BLOCKS_PER_THREAD + from;
            Cdb.encode(cdb, 0, write ? ScsiCommand.WRITE_16 : ScsiCommand.READ_10, lba, blocks);
            int direction = write ? VstorSrb.DIRECTION_OUT : VstorSrb.DIRECTION_IN;
            nexus.execute(0, 0, 0, cdb, 0, write ? 16 : 10, direction, data, task);
            if (task.scsiStatus() == ScsiStatus.CHECK_CONDITION) {
                assertThat(Sense.key(task.sense(), 0)).isEqualTo(SenseKey.UNIT_ATTENTION);
                attentions++;
                continue;
            }
            assertThat(task.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            assertThat(task.transferredBytes()).isEqualTo(blocks * 512L);
            for (int b = 0; b < blocks; b++) {
                if (write) {
                    model[from + b] = value;
                } else if (memory.get(ValueLayout.JAVA_BYTE, b * 512L + 511) != model[from + b]) {
                    throw new AssertionError("wrong data thread=" + thread + " command=" + i);
                }
            }
        }
        return attentions;
    }

    private int disturbTheSecondGuest() throws InterruptedException {
        LunAddress address = new LunAddress(0, 1, 0);
        int rounds = 0;
        for (int i = 0; i < 2_000; i++) {
            second.nexus.resetAll();
            LogicalUnit unit =
                    new LogicalUnit(
                            new TestDisk(512, 8),
                            DiskIdentity.ofSerial("hot"),
                            LogicalUnitOptions.defaults());
            first.bus.add(address, unit);
            Nexus visitor = first.bus.connect();
            assertThat(visitor.find(0, 1, 0)).isNotNull();
            visitor.close();
            assertThat(first.bus.remove(address)).isSameAs(unit);
            assertThat(unit.awaitIdle(10_000)).isTrue();
            rounds++;
        }
        return rounds;
    }
}
