package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.Disk;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.storvsp.ScriptedGuest.Answer;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class StorvspIoTest {
    private static final int QUEUE_DEPTH = 16;
    private static final StorvspOptions OPTIONS =
            StorvspOptions.defaults().withQueueDepth(QUEUE_DEPTH);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldMoveDataBothWaysAtAnyOffsetInThePage(boolean workers) throws IOException {
        try (Disk disk = disk(workers, 8 << 20);
                LoopbackGuest guest = guest(disk)) {
            ScriptedGuest channel = guest.open();
            channel.negotiate();
            long source = guest.allocate(3 << 20);
            long target = guest.allocate(3 << 20);
            long id = 0;
            int lba = 0;
            for (int bytes : new int[] {512, 4096, 8192, 65536 + 512, 1 << 20, 2 << 20}) {
                for (int inPage : new int[] {0, 512, 1536, 3584}) {
                    ScriptedGuest.fillPattern(guest.memory(), source + inPage, bytes, id << 32);
                    channel.sendTransfer(id, 0, true, lba, source + inPage, bytes);
                    assertMoved(channel.receive(), id, bytes);
                    channel.sendTransfer(id, 0, false, lba, target + 4096 - inPage, bytes);
                    assertMoved(channel.receive(), id, bytes);
                    assertThat(
                                    ScriptedGuest.mismatch(
                                            guest.memory(),
                                            target + 4096 - inPage,
                                            bytes,
                                            id << 32))
                            .as("bytes=%d inPage=%d", bytes, inPage)
                            .isEqualTo(-1);
                    id++;
                    lba += 8;
                }
            }
            LunStatistics io = guest.device().statistics(0);
            assertThat(io.commands()).isEqualTo(2 * id);
            assertThat(io.failed()).isZero();
            assertThat(io.bytesRead()).isEqualTo(io.bytesWritten()).isPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldHoldCompletionsWhileTheGuestDoesNotReadAndLoseNone(boolean workers)
            throws IOException {
        int requests = 500;
        try (Disk disk = disk(workers, 1 << 20);
                Disk other = new MemoryDisk(1 << 20, 512, false);
                LoopbackGuest guest = guest(disk);
                LoopbackGuest neighbour = guest(other)) {
            // Room for some 46 completions.
            ScriptedGuest channel = guest.open(256 << 10, 8 << 10);
            channel.negotiate();
            ScriptedGuest its = neighbour.open();
            its.negotiate();
            long gpa = guest.allocate(4096);
            long itsGpa = neighbour.allocate(4096);
            for (int i = 0; i < requests; i++) {
                channel.sendTransfer(i, 0, false, 0, gpa, 512);
            }
            for (int i = 0; i < 100; i++) {
                its.sendTransfer(i, 0, false, 0, itsGpa, 4096);
                assertMoved(its.receive(), i, 4096);
            }
            Set<Long> ids = new HashSet<>();
            for (int i = 0; i < requests; i++) {
                Answer answer = channel.receive();
                assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
                assertThat(ids.add(answer.id())).isTrue();
            }

            assertThat(ids).hasSize(requests).allMatch(id -> id >= 0 && id < requests);
            assertThat(channel.poll()).isNull();
            channel.sendTransfer(7777, 0, false, 0, gpa, 512);
            assertMoved(channel.receive(), 7777, 512);
        }
    }

    @Test
    void shouldServeSeveralChannelsAtOnce() throws Exception {
        try (Disk disk = new MemoryDisk(8 << 20, 512, false);
                LoopbackGuest guest = guest(disk)) {
            ScriptedGuest primary = guest.open();
            primary.negotiate();
            Thread[] threads = new Thread[3];
            Throwable[] failures = new Throwable[threads.length];
            for (int t = 0; t < threads.length; t++) {
                int index = t;
                ScriptedGuest channel = t == 0 ? primary : guest.open();
                long gpa = guest.allocate(64 << 10);
                threads[t] =
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        writeAndReadBack(guest, channel, gpa, index);
                                    } catch (Throwable failure) {
                                        failures[index] = failure;
                                    }
                                });
            }
            for (Thread thread : threads) {
                thread.join();
            }

            assertThat(failures).containsOnlyNulls();
            assertThat(guest.device().statistics().channels()).isEqualTo(3);
        }
    }

    @Test
    void shouldTellTheGuestOfUnitsThatComeAndGo() throws Exception {
        GatedDisk disk = new GatedDisk(1 << 20, true);
        try (LoopbackGuest guest = guest(disk);
                Disk added = new MemoryDisk(1 << 20, 512, false)) {
            ScriptedGuest channel = guest.open();
            channel.negotiate();
            long gpa = guest.allocate(4096);
            guest.device().attach(5, TestUnits.unit(added));
            Answer come = channel.receive();
            assertThat(come.type()).isEqualTo(6);
            assertThat(come.id()).isZero();
            assertThat(come.operation()).isEqualTo(11);
            // The first command learns that the unit is new.
            channel.sendTransfer(1, 5, false, 0, gpa, 4096);
            assertThat(channel.receive().scsiStatus()).isEqualTo(2);
            channel.sendTransfer(2, 5, false, 0, gpa, 4096);
            assertMoved(channel.receive(), 2, 4096);

            assertThat(guest.device().detach(5)).isTrue();
            Answer gone = channel.receive();
            assertThat(gone.id()).isZero();
            assertThat(gone.operation()).isEqualTo(2);
            channel.sendTransfer(3, 5, false, 0, gpa, 4096);
            assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
            assertThat(guest.device().detach(5)).isFalse();
        }
    }

    @Test
    void shouldFinishWhatRunsAndRefuseWhatWaitsWhenAUnitIsTakenAway() throws Exception {
        int workers = 2;
        GatedDisk disk = new GatedDisk(1 << 20, false);
        TestUnits units = new TestUnits(disk);
        try (LoopbackGuest guest =
                new LoopbackGuest(units.device("guest1", OPTIONS.withWorkersPerLun(workers)))) {
            ScriptedGuest channel = guest.open();
            channel.negotiate();
            long gpa = guest.allocate(4096);
            for (int i = 0; i < 6; i++) {
                channel.sendTransfer(i, 0, false, 0, gpa, 512);
            }
            disk.awaitWaiting(workers);
            Thread detaching =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    guest.device().detach(0);
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            });
            // Waits for what runs: nobody tells the guest that the unit is gone before that.
            while (detaching.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            channel.sendTransfer(100, 0, false, 0, gpa, 512);
            Answer refused = channel.receive();
            assertThat(refused.srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
            disk.open();
            detaching.join();

            int succeeded = 0;
            boolean told = false;
            for (int i = 0; i < 7; i++) {
                Answer answer = channel.receive();
                told |= answer.operation() == 2;
                succeeded += answer.srbStatus() == SrbStatus.SUCCESS ? 1 : 0;
            }
            assertThat(told).isTrue();
            assertThat(succeeded).isEqualTo(workers);
            assertThat(disk.passed()).isEqualTo(workers);
        }
    }

    @Test
    void shouldCloseAChannelOnlyWhenNothingTouchesItsMemoryAnyMore() throws Exception {
        GatedDisk disk = new GatedDisk(1 << 20, false);
        LoopbackGuest guest = guest(disk);
        ScriptedGuest channel = guest.open();
        channel.negotiate();
        long gpa = guest.allocate(4096);
        for (int i = 0; i < 12; i++) {
            channel.sendTransfer(i, 0, false, 0, gpa, 512);
        }
        disk.awaitWaiting(OPTIONS.workersPerLun());
        Thread closing = Thread.ofPlatform().start(() -> guest.closeChannel(0));
        while (closing.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        disk.open();
        closing.join();

        // The closing thread may first have waited for the ring's thread, with requests still
        // queued.
        assertThat(disk.passed()).isBetween(OPTIONS.workersPerLun(), 12);
        guest.close();
        disk.close();
        assertThat(threadsOf("guest1")).isZero();
    }

    private static long threadsOf(String guest) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(guest + "-"))
                .count();
    }

    private static void writeAndReadBack(
            LoopbackGuest guest, ScriptedGuest channel, long gpa, int index) {
        for (int i = 0; i < 200; i++) {
            long base = (long) index << 40 | (long) i << 20;
            int lba = index * 4096 + i * 8;
            ScriptedGuest.fillPattern(guest.memory(), gpa, 4096, base);
            channel.sendTransfer(i, 0, true, lba, gpa, 4096);
            assertMoved(channel.receive(), i, 4096);
            channel.sendTransfer(i, 0, false, lba, gpa + 8192, 4096);
            assertMoved(channel.receive(), i, 4096);
            assertThat(ScriptedGuest.mismatch(guest.memory(), gpa + 8192, 4096, base))
                    .isEqualTo(-1);
        }
    }

    private static Disk disk(boolean workers, long bytes) {
        return workers ? new GatedDisk(bytes, true) : new MemoryDisk(bytes, 512, false);
    }

    private static LoopbackGuest guest(Disk disk) throws IOException {
        return new LoopbackGuest(new TestUnits(disk).device("guest1", OPTIONS));
    }

    private static void assertMoved(Answer answer, long id, int bytes) {
        assertThat(answer.id()).isEqualTo(id);
        assertThat(answer.srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        assertThat(answer.transferred()).isEqualTo(bytes);
    }
}
