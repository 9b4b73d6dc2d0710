package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.testkit.Allocation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class EventFdTest {
    private static final Executor THREADS = task -> Thread.ofPlatform().daemon().start(task);
    private static final int EFD_SEMAPHORE = 1;

    @Test
    void shouldWakeOnceForManySignals() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            assertThat(event.signal()).isTrue();
            assertThat(event.signal()).isTrue();
            assertThat(event.await(-1)).isTrue();
            assertThat(event.await(0)).isFalse();
        }
    }

    @Test
    void shouldTimeOutWithoutASignal() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            assertThat(event.await(1)).isFalse();
            assertThat(event.isOpen()).isTrue();
        }
    }

    @Test
    void shouldWakeAWaiterOnAnotherThread() throws Exception {
        try (EventFd request = EventFd.create();
                EventFd reply = EventFd.create()) {
            var echo = CompletableFuture.supplyAsync(() -> echo(request, reply), THREADS);
            int rounds = 500;
            for (int i = 0; i < rounds; i++) {
                request.signal();
                assertThat(reply.await(10_000)).isTrue();
            }
            request.close();
            assertThat(echo.get(10, TimeUnit.SECONDS)).isEqualTo(rounds);
        }
    }

    @Test
    void shouldDrainWithoutWaiting() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            assertThat(event.drain()).isFalse();
            event.signal();
            assertThat(event.drain()).isTrue();
            assertThat(event.drain()).isFalse();
        }
    }

    @Test
    void shouldNotWaitWhenDrainingACounterThePeerMadeBlocking() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            makeBlocking(event.fd());
            assertThat(event.drain()).isFalse();
            assertThat(event.await(1)).isFalse();
        }
    }

    @Test
    void shouldReturnAtOnceFromSignallingACounterAtItsLimit() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            saturate(event.fd());
            assertThat(event.signal()).isTrue();
            assertThat(event.await(0)).isTrue();
        }
    }

    @Test
    void shouldTellACounterAtItsLimit() throws LinuxException {
        EventFd event = EventFd.create();
        assertThat(event.isAtLimit()).isFalse();
        saturate(event.fd());
        assertThat(event.isAtLimit()).isTrue();
        event.drain();
        assertThat(event.isAtLimit()).isFalse();
        event.close();
        assertThat(event.isAtLimit()).isFalse();
    }

    @Test
    void shouldReleaseASignallerThatAHostilePeerBlockedWhenClosed() throws Exception {
        EventFd event = EventFd.create();
        makeBlocking(event.fd());
        saturate(event.fd());
        var signaller = CompletableFuture.supplyAsync(event::signal, THREADS);
        Descriptors.spinUntilUsed(event.fd(), 0);
        event.close();
        assertThat(signaller.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(event.fd().users()).isZero();
    }

    @Test
    void shouldWakeAWaiterWhenClosed() throws Exception {
        for (int round = 0; round < 50; round++) {
            EventFd event = EventFd.create();
            var waiter = CompletableFuture.supplyAsync(() -> await(event), THREADS);
            Descriptors.spinUntilUsed(event.fd(), round);
            event.close();
            assertThat(waiter.get(10, TimeUnit.SECONDS)).isFalse();
        }
    }

    @Test
    void shouldReportThatItIsClosed() throws LinuxException {
        EventFd event = EventFd.create();
        event.close();
        event.close();
        assertThat(event.isOpen()).isFalse();
        assertThat(event.signal()).isFalse();
        assertThat(event.drain()).isFalse();
        assertThat(event.await(-1)).isFalse();
    }

    @Test
    void shouldAdoptAnEventFdOfAPeer() throws LinuxException {
        try (EventFd ours = EventFd.create()) {
            Fd received = ours.fd().duplicate();
            makeBlocking(received);
            try (EventFd adopted = EventFd.adopt(received)) {
                ours.signal();
                assertThat(adopted.await(0)).isTrue();
            }
            assertThat(received.isOpen()).isFalse();
        }
    }

    @Test
    void shouldCloseAndRefuseWhatIsNoPlainEventFd() throws IOException {
        var before = Descriptors.open();
        assertRefused(Memfd.create("anon_inode:[eventfd]", 4096), "descriptor is not an eventfd");
        assertRefused(FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR), "is=/dev/null");
        assertRefused(
                Fd.adopt(FileCalls.eventfd(0, EFD_SEMAPHORE), "semaphore"),
                "counts as a semaphore");
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    @Test
    void shouldLeaveNoDescriptorOpen() throws IOException {
        var before = Descriptors.open();
        for (int i = 0; i < 20; i++) {
            try (EventFd event = EventFd.create()) {
                event.await(0);
                event.signal();
                event.await(0);
            }
        }
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    @Test
    void shouldNotAllocateWhenSignalledAndAwaited() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            Allocation.assertNone(() -> {
                event.signal();
                event.drain();
                event.signal();
                event.await(0);
            });
        }
    }

    private static void assertRefused(Fd fd, String why) {
        assertThatThrownBy(() -> EventFd.adopt(fd))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
                .hasMessageContaining(why);
        assertThat(fd.isOpen()).isFalse();
    }

    private static int echo(EventFd request, EventFd reply) {
        int count = 0;
        while (await(request)) {
            count++;
            reply.signal();
        }
        return count;
    }

    private static boolean await(EventFd event) {
        try {
            return event.await(-1);
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    private static void makeBlocking(Fd fd) {
        assertThat(FileCalls.fcntl(fd.raw(), FileCalls.F_SETFL, 0x2)).isZero();
    }

    private static void saturate(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            var most = arena.allocateFrom(JAVA_LONG, -2L);
            assertThat(FileCalls.write(fd.raw(), most, 8)).isEqualTo(8);
        }
    }
}
