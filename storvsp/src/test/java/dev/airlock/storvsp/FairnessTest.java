package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.storvsp.ScriptedGuest.Answer;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A disk that does not answer, and everybody who should not notice. */
@Timeout(60)
class FairnessTest {
    private static final int SLOW = 0;
    private static final int OTHER_SLOW = 1;
    private static final int FAST = 2;
    private static final int WORKERS = 4;
    private static final int QUEUE_DEPTH = 16;

    private final GatedDisk slow = new GatedDisk(1 << 20, false);
    private final GatedDisk otherSlow = new GatedDisk(1 << 20, true);
    private final MemoryDisk fast = new MemoryDisk(1 << 20, 512, false);
    private final TestUnits units = new TestUnits(slow, otherSlow, fast);
    private final StorvspOptions options =
            StorvspOptions.defaults().withQueueDepth(QUEUE_DEPTH).withWorkersPerLun(WORKERS);
    private LoopbackGuest guest;
    private ScriptedGuest channel;
    private long gpa;

    @BeforeEach
    void open() throws IOException {
        guest = new LoopbackGuest(units.device("guest1", options));
        channel = guest.open();
        channel.negotiate();
        gpa = guest.allocate(64 << 10);
    }

    @AfterEach
    void close() {
        slow.open();
        guest.close();
        slow.close();
        otherSlow.close();
        fast.close();
    }

    @Test
    void shouldServeOtherUnitsOfTheGuestWhileOneDiskBlocks() throws InterruptedException {
        blockSlowDisk(WORKERS + 3);
        for (int i = 0; i < 100; i++) {
            channel.sendTransfer(1000 + i, FAST, i % 2 == 0, 8, gpa, 4096);
            assertOk(channel.receive(), 1000 + i);
            channel.sendTransfer(2000 + i, OTHER_SLOW, i % 2 == 0, 8, gpa, 4096);
            assertOk(channel.receive(), 2000 + i);
        }
        slow.open();

        assertAllOk(WORKERS + 3);
    }

    @Test
    void shouldServeOtherGuestsWhileADiskTheyShareBlocksForOne() throws Exception {
        blockSlowDisk(QUEUE_DEPTH);
        try (LoopbackGuest neighbour = new LoopbackGuest(units.device("guest2", options))) {
            ScriptedGuest its = neighbour.open();
            its.negotiate();
            long buffer = neighbour.allocate(4096);
            for (int i = 0; i < 100; i++) {
                its.sendTransfer(i, FAST, false, 8, buffer, 4096);
                assertOk(its.receive(), i);
                its.sendTransfer(i, OTHER_SLOW, true, 8, buffer, 4096);
                assertOk(its.receive(), i);
            }
        }
        slow.open();

        assertAllOk(QUEUE_DEPTH);
    }

    @Test
    void shouldRunNoMoreThanItsWorkersAtOnceOnOneUnit() throws InterruptedException {
        blockSlowDisk(QUEUE_DEPTH);
        // Everything else is queued: a command on another unit of the same ring tells it was read.
        slow.open();
        assertAllOk(QUEUE_DEPTH);

        assertThat(slow.passed()).isEqualTo(QUEUE_DEPTH);
        assertThat(slow.mostWaiting()).isEqualTo(WORKERS);
    }

    @Test
    void shouldLeaveInTheRingWhatIsBeyondTheQueueDepthAndSayWhichLimit() throws Exception {
        int more = 20;
        blockSlowDisk(QUEUE_DEPTH + more);
        channel.sendCommand(5000, FAST, 0, 0, 0, 0, 0, 0);
        while (units.log.isEmpty()) {
            Thread.onSpinWait();
        }
        assertThat(units.log.getFirst()).contains("limit queueDepth=16", "guest1");
        assertThat(channel.poll()).isNull();
        slow.open();

        Set<Long> ids = new HashSet<>();
        for (int i = 0; i < QUEUE_DEPTH + more + 1; i++) {
            Answer answer = channel.receive();
            assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            assertThat(ids.add(answer.id())).isTrue();
        }
        assertThat(ids).contains(5000L);
        assertThat(guest.device().statistics().queueFull()).isPositive();
    }

    @Test
    void shouldFlushAfterTheWritesThatWereCompletedBefore() throws InterruptedException {
        slow.open();
        channel.sendTransfer(1, SLOW, true, 0, gpa, 4096);
        assertOk(channel.receive(), 1);
        int before = slow.passed();
        channel.sendCommand(2, SLOW, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        assertOk(channel.receive(), 2);

        assertThat(before).isEqualTo(1);
        assertThat(slow.flushes()).isEqualTo(1);
    }

    @Test
    void shouldAnswerAResetOnlyAfterWhatRunsAndAbortWhatWaits() throws InterruptedException {
        int queued = 5;
        blockSlowDisk(WORKERS + queued);
        channel.sendReset(900, VstorOperation.RESET_LUN, SLOW);
        for (int i = 0; i < queued; i++) {
            Answer aborted = channel.receive();
            assertThat(aborted.srbStatus()).isEqualTo(SrbStatus.ABORTED);
            assertThat(aborted.id()).isBetween((long) WORKERS, WORKERS + queued - 1L);
        }
        // What comes after the reset waits for it, other units go on.
        channel.sendTransfer(901, SLOW, false, 0, gpa, 4096);
        channel.sendTransfer(902, FAST, false, 0, gpa, 4096);
        assertOk(channel.receive(), 902);
        assertThat(channel.poll()).isNull();
        slow.open();

        for (int i = 0; i < WORKERS; i++) {
            Answer finished = channel.receive();
            assertThat(finished.id()).isLessThan(WORKERS);
            assertThat(finished.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        }
        Answer reset = channel.receive();
        assertThat(reset.id()).isEqualTo(900);
        assertThat(reset.status()).isZero();
        // The unit tells of the reset once.
        Answer attention = channel.receive();
        assertThat(attention.id()).isEqualTo(901);
        assertThat(attention.scsiStatus()).isEqualTo(2);
        channel.sendTransfer(903, SLOW, false, 0, gpa, 4096);
        assertOk(channel.receive(), 903);
    }

    @Test
    void shouldResetEveryUnitWithTheBus() throws InterruptedException {
        otherSlow.shut();
        blockSlowDisk(1);
        channel.sendTransfer(500, OTHER_SLOW, false, 0, gpa, 4096);
        otherSlow.awaitWaiting(1);
        channel.sendReset(900, VstorOperation.RESET_BUS, 0);
        channel.sendTransfer(901, FAST, false, 0, gpa, 4096);
        assertThat(channel.receive().id()).isEqualTo(901);
        slow.open();
        assertThat(channel.receive().id()).isZero();
        channel.sendTransfer(902, FAST, false, 0, gpa, 4096);
        assertThat(channel.receive().id()).isEqualTo(902);
        assertThat(channel.poll()).isNull();
        otherSlow.open();

        assertThat(channel.receive().id()).isEqualTo(500);
        Answer reset = channel.receive();
        assertThat(reset.id()).isEqualTo(900);
        assertThat(reset.status()).isZero();
        assertThat(guest.device().statistics().resets()).isEqualTo(1);
    }

    @Test
    void shouldAnswerAResetOfAUnitThatIsNotThere() {
        channel.sendReset(900, VstorOperation.RESET_LUN, 9);

        assertThat(channel.receive().id()).isEqualTo(900);
    }

    @Test
    void shouldRefuseMoreResetsThanMayWaitAndGoOn() throws InterruptedException {
        blockSlowDisk(1);
        int most = 16;
        for (int i = 0; i <= most; i++) {
            channel.sendReset(900 + i, VstorOperation.RESET_LUN, SLOW);
        }
        Answer refused = channel.receive();
        assertThat(refused.id()).isEqualTo(900 + most);
        assertThat(refused.status()).isEqualTo(NtStatus.DEVICE_BUSY);
        slow.open();

        assertOk(channel.receive(), 0);
        for (int i = 0; i < most; i++) {
            Answer reset = channel.receive();
            assertThat(reset.id()).isEqualTo(900 + i);
            assertThat(reset.status()).isZero();
        }
    }

    @Test
    void shouldAnswerAResetOnlyAfterWhatOtherChannelsStillHadInTheirRings() throws Exception {
        // A second channel whose every context is in use, so that one request stays in its ring.
        ScriptedGuest second = guest.open();
        for (int i = 0; i < QUEUE_DEPTH + 1; i++) {
            second.sendTransfer(i, SLOW, false, 0, gpa, 512);
        }
        slow.awaitWaiting(WORKERS);
        while (guest.device().statistics().queueFull() == 0) {
            Thread.onSpinWait();
        }
        channel.sendReset(900, VstorOperation.RESET_BUS, 0);
        channel.sendTransfer(901, FAST, false, 0, gpa, 4096);
        assertThat(channel.receive().id()).isEqualTo(901);
        assertThat(channel.poll()).isNull();
        slow.open();
        assertThat(channel.receive().id()).isEqualTo(900);

        // Every answer is there by the time the reset is.
        Set<Long> ids = new HashSet<>();
        Answer answer = second.poll();
        while (answer != null) {
            ids.add(answer.id());
            answer = second.poll();
        }
        assertThat(ids).hasSize(QUEUE_DEPTH + 1);
    }

    /** Sends so many reads with ids from 0, and waits until the workers are all at the gate. */
    private void blockSlowDisk(int requests) throws InterruptedException {
        for (int i = 0; i < requests; i++) {
            channel.sendTransfer(i, SLOW, false, 0, gpa, 512);
        }
        slow.awaitWaiting(Math.min(requests, WORKERS));
    }

    private void assertAllOk(int requests) {
        Set<Long> ids = new HashSet<>();
        for (int i = 0; i < requests; i++) {
            Answer answer = channel.receive();
            assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            assertThat(answer.id()).isLessThan(requests);
            assertThat(ids.add(answer.id())).isTrue();
        }
    }

    private static void assertOk(Answer answer, long id) {
        assertThat(answer.id()).isEqualTo(id);
        assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }
}
