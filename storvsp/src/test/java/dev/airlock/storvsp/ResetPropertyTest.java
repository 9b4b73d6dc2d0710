package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.storvsp.ScriptedGuest.Answer;
import dev.airlock.vmbus.PacketDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

/**
 * Random I/O and resets on several channels, over disks that stop and go, and units that come and
 * go. Every request is answered exactly once; and when a reset is answered, so is every request
 * that was sent before it, on whatever channel: nothing touches their buffers any more.
 */
@Timeout(60)
class ResetPropertyTest {
    private static final int STEPS = 1_500;
    private static final int CHANNELS = 3;
    private static final int OUTSTANDING_MAX = 200;
    private static final int ANY_LUN = -1;

    /** As many as one channel may have waiting. */
    private static final int RESETS_MAX = 16;

    private final Random random = Seed.random();
    private final GatedDisk first = new GatedDisk(1 << 20, true);
    private final GatedDisk second = new GatedDisk(1 << 20, true);
    private final MemoryDisk fast = new MemoryDisk(1 << 20, 512, false);
    private final List<ScriptedGuest> channels = new ArrayList<>();

    /** Sent and not answered: the LUN of a transfer by its id. */
    private final TreeMap<Long, Integer> transfers = new TreeMap<>();

    /** Sent and not answered: the LUN of a reset by its id, or {@link #ANY_LUN}. */
    private final TreeMap<Long, Integer> resets = new TreeMap<>();

    private long lastId;
    private int answered;

    /** With small rings completions are held, and a reset may be seen before one that is. */
    private boolean smallRings;

    @RepeatedTest(4)
    void shouldAnswerEveryRequestOnceAndResetsAfterWhatCameBefore() throws Exception {
        run();
    }

    @RepeatedTest(4)
    void shouldAnswerEveryRequestOnceAlsoThroughRingsThatAreOftenFull() throws Exception {
        smallRings = true;
        run();
    }

    private void run() throws Exception {
        StorvspOptions options = StorvspOptions.defaults().withQueueDepth(8).withWorkersPerLun(2);
        TestUnits units = new TestUnits(first, second, fast);
        try (LoopbackGuest guest = new LoopbackGuest(units.device("guest1", options))) {
            for (int i = 0; i < CHANNELS; i++) {
                // A page of control words, and room for 46 completions in the small one.
                channels.add(guest.open(64 << 10, smallRings ? 8 << 10 : 64 << 10));
            }
            channels.getFirst().negotiate();
            long gpa = guest.allocate(4096);
            for (int step = 0; step < STEPS; step++) {
                act(guest, gpa);
            }
            first.open();
            second.open();
            while (!transfers.isEmpty() || !resets.isEmpty()) {
                takeAnswers();
                Thread.onSpinWait();
            }
            assertThat(answered).isEqualTo(lastId);
            assertThat(units.log).noneMatch(line -> line.contains("bug"));
            assertThat(guest.device().statistics().resets()).isPositive();
        } finally {
            first.close();
            second.close();
            fast.close();
        }
    }

    private void act(LoopbackGuest guest, long gpa) throws InterruptedException {
        ScriptedGuest channel = channels.get(random.nextInt(CHANNELS));
        switch (random.nextInt(40)) {
            case 0 -> reset(channel, VstorOperation.RESET_BUS, ANY_LUN);
            case 1 -> reset(channel, VstorOperation.RESET_LUN, random.nextInt(3));
            case 2, 3 -> (random.nextBoolean() ? first : second).shut();
            case 4, 5 -> (random.nextBoolean() ? first : second).open();
            case 6 -> {
                // Detaching waits for the disk.
                first.open();
                second.open();
                int lun = random.nextInt(2);
                guest.device().detach(lun);
                guest.device().attach(lun, TestUnits.unit(lun == 0 ? first : second));
            }
            case 7, 8, 9, 10, 11, 12, 13 -> takeAnswers();
            default -> {
                if (transfers.size() < OUTSTANDING_MAX) {
                    int lun = random.nextInt(3);
                    transfers.put(++lastId, lun);
                    channel.sendTransfer(
                            lastId, lun, random.nextBoolean(), random.nextInt(100), gpa, 512);
                } else {
                    first.open();
                    second.open();
                    takeAnswers();
                }
            }
        }
    }

    private void reset(ScriptedGuest channel, int operation, int lun) {
        if (resets.size() == RESETS_MAX) {
            return;
        }
        resets.put(++lastId, lun);
        channel.sendReset(lastId, operation, Math.max(lun, 0));
    }

    private void takeAnswers() {
        TreeMap<Long, Integer> answeredResets = new TreeMap<>();
        // A reset found in a later round may have been answered after the first channel was looked
        // at, so the channels are looked at until none has anything.
        boolean more = true;
        while (more) {
            more = false;
            for (ScriptedGuest channel : channels) {
                Answer answer = channel.poll();
                if (answer != null) {
                    more = true;
                    if (answer.type() == PacketDescriptor.TYPE_COMPLETION) {
                        take(answer, answeredResets);
                    }
                }
            }
        }
        if (smallRings) {
            return;
        }
        answeredResets.forEach((id, lun) ->
                assertThat(transfers.headMap(id).values())
                        .as("sent before reset %d and not answered: %s", id, transfers)
                        .noneMatch(other -> lun == ANY_LUN || lun.equals(other)));
    }

    private void take(Answer answer, TreeMap<Long, Integer> answeredResets) {
        answered++;
        Integer reset = resets.remove(answer.id());
        if (reset != null) {
            answeredResets.put(answer.id(), reset);
            assertThat(answer.status()).isZero();
        } else {
            assertThat(transfers.remove(answer.id()))
                    .as("answered twice or never sent: id=%d", answer.id())
                    .isNotNull();
        }
    }
}
