package dev.airlock.disk;

import static dev.airlock.disk.DiskContract.assertKind;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskException.Kind;
import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Linux tells of a failed writeback once; everybody who relied on it has to learn of it. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SyncGateTest {
    private static final int SECTOR = 512;

    /**
     * As the kernel: the first sync to look takes the error, and may return later than others that
     * find none.
     */
    private static final class OneErrorFile extends ForwardingFile {
        final CountDownLatch errorTaken = new CountDownLatch(1);
        final CountDownLatch mayReturn = new CountDownLatch(1);
        final CountDownLatch secondSucceeded = new CountDownLatch(1);
        private final AtomicInteger syncs = new AtomicInteger();

        OneErrorFile() {
            super(new ArrayFile(ArrayFile.cached(), new byte[SECTOR]));
        }

        @Override
        public void syncData() throws LinuxException {
            if (syncs.getAndIncrement() == 0) {
                errorTaken.countDown();
                try {
                    mayReturn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                throw new LinuxException("fdatasync", "", Errno.EIO);
            }
            secondSucceeded.countDown();
        }
    }

    @Test
    void shouldNotClaimSuccessWhileAnotherSyncHoldsTheOnlyError() throws Exception {
        OneErrorFile file = new OneErrorFile();
        try (Disk disk = new RawDisk(file, SECTOR, SECTOR, false)) {
            Waiter first = new Waiter(() -> assertKind(Kind.POISONED, disk::flush));
            file.errorTaken.await();
            Waiter second = new Waiter(() -> assertKind(Kind.POISONED, disk::flush));
            file.secondSucceeded.await();
            second.untilWaitingOrDone();
            file.mayReturn.countDown();
            first.requireDone();
            second.requireDone();
        }
    }

    @Test
    void shouldWaitForSyncsThatRanBesideItAndForNoLaterOnes() throws Exception {
        SyncGate gate = new SyncGate();
        int beside = gate.enter();
        int mine = gate.enter();
        Waiter waiter = new Waiter(() -> gate.leave(mine, null));
        waiter.untilWaitingOrDone();
        assertThat(waiter.isDone()).isFalse();
        int later = gate.enter();
        Waiter leavesBeside = new Waiter(() -> gate.leave(beside, null));
        waiter.requireDone();
        gate.leave(later, null);
        leavesBeside.requireDone();
        assertThat(gate.poison()).isNull();
    }

    /** A thread of which can be told that it waits. */
    private static final class Waiter {
        private final FutureTask<Void> task;
        private final Thread thread;

        Waiter(Runnable work) {
            task = new FutureTask<>(work, null);
            thread = Thread.ofPlatform().daemon().start(task);
        }

        void untilWaitingOrDone() {
            while (!task.isDone() && thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
        }

        boolean isDone() {
            return task.isDone();
        }

        void requireDone() throws Exception {
            task.get();
        }
    }

    @Test
    void shouldKeepTheFirstReason() {
        SyncGate gate = new SyncGate();
        gate.leave(gate.enter(), "first");
        gate.leave(gate.enter(), "second");
        assertThat(gate.poison()).isEqualTo("first");
    }

    @Test
    void shouldLetMoreSyncsThroughThanItHasPlaces() throws Exception {
        SyncGate gate = new SyncGate();
        AtomicInteger underWay = new AtomicInteger();
        List<Future<?>> results = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 5 * SyncGate.PLACES_MAX; i++) {
                results.add(
                        executor.submit(() -> {
                            int place = gate.enter();
                            assertThat(underWay.incrementAndGet())
                                    .isLessThanOrEqualTo(SyncGate.PLACES_MAX);
                            Thread.yield();
                            underWay.decrementAndGet();
                            gate.leave(place, null);
                        }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
        assertThat(gate.poison()).isNull();
    }
}
