package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.testkit.Allocation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class PollTest {
    @Test
    void shouldTellWhichDescriptorsAreReady() throws LinuxException {
        try (EventFd quiet = EventFd.create();
                EventFd loud = EventFd.create()) {
            Poll poll = new Poll(2);
            int first = poll.add(quiet);
            int second = poll.add(loud);
            loud.signal();

            assertThat(poll.await(-1)).isEqualTo(1);
            assertThat(poll.isReadable(first)).isFalse();
            assertThat(poll.isReadable(second)).isTrue();

            loud.drain();
            assertThat(poll.await(1)).isZero();
            assertThat(poll.isReadable(second)).isFalse();
        }
    }

    @Test
    void shouldTellWritableAndHungUpEnds() throws LinuxException {
        try (var pair = UnixSocket.pair()) {
            Poll poll = new Poll(1);
            poll.add(pair.left().fd(), Poll.READABLE | Poll.WRITABLE);
            poll.await(-1);
            assertThat(poll.isWritable(0)).isTrue();
            assertThat(poll.isHungUp(0)).isFalse();

            pair.right().close();
            poll.await(-1);
            assertThat(poll.isHungUp(0)).isTrue();
            assertThat(poll.isReadable(0)).isTrue();
        }
    }

    @Test
    void shouldRefuseMoreThanItsCapacityUntilCleared() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            Poll poll = new Poll(1);
            poll.add(event);
            assertThatThrownBy(() -> poll.add(event)).isInstanceOf(IllegalStateException.class);
            poll.clear();
            assertThat(poll.add(event)).isZero();
        }
    }

    @Test
    void shouldThrowAndHoldNothingWhenADescriptorIsClosed() throws LinuxException {
        try (EventFd open = EventFd.create()) {
            EventFd closed = EventFd.create();
            Poll poll = new Poll(2);
            poll.add(open);
            poll.add(closed);
            closed.close();
            assertThatThrownBy(() -> poll.await(0)).isInstanceOf(IllegalStateException.class);
            assertThat(open.fd().users()).isZero();
        }
    }

    @Test
    void shouldRefuseAnIndexThatWasNotAdded() {
        assertThatThrownBy(() -> new Poll(3).isReadable(0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shouldNotAllocateWhenWaiting() throws LinuxException {
        try (EventFd event = EventFd.create()) {
            Poll poll = new Poll(1);
            poll.add(event);
            Allocation.assertNone(() -> {
                event.signal();
                poll.await(-1);
                event.drain();
            });
        }
    }
}
