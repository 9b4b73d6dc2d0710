package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Waits for one of several descriptors. Filled once, waited on many times without allocation. For
 * one thread.
 *
 * <p>Closing a descriptor does not end a wait on it: add an {@link EventFd} of your own to be woken
 * by. The descriptors are not owned.
 */
public final class Poll {
    /** {@code asm-generic/poll.h}. */
    public static final int READABLE = 0x001;

    public static final int WRITABLE = 0x004;
    static final int HANGUP_OR_ERROR = 0x008 | 0x010 | 0x020;

    /** struct pollfd: int fd, short events, short revents. */
    static final int POLLFD_BYTES = 8;

    private static final int EVENTS_OFFSET = 4;
    private static final int REVENTS_OFFSET = 6;

    private final @Nullable Fd[] fds;
    private final MemorySegment pollFds;
    private int count;

    /**
     * @param capacity the most descriptors it can hold
     */
    public Poll(int capacity) {
        fds = new Fd[capacity];
        pollFds = Arena.ofAuto().allocate((long) Math.max(capacity, 1) * POLLFD_BYTES, 8);
    }

    /** Adds a descriptor and returns its index. Throws {@link IllegalStateException} when full. */
    public int add(Fd fd, int events) {
        if (count == fds.length) {
            throw new IllegalStateException("poll set is full: capacity=" + count);
        }
        fds[count] = fd;
        pollFds.set(JAVA_SHORT, (long) count * POLLFD_BYTES + EVENTS_OFFSET, (short) events);
        return count++;
    }

    /** Adds an eventfd, readable when signalled, and returns its index. */
    public int add(EventFd event) {
        return add(event.fd(), READABLE);
    }

    /** Forgets all descriptors. */
    public void clear() {
        Arrays.fill(fds, 0, count, null);
        count = 0;
    }

    /**
     * Waits until a descriptor is ready.
     *
     * @param timeoutMs 0 returns at once, negative waits without end
     * @return how many are ready, 0 after the time-out
     * @throws IllegalStateException if one of them is closed
     */
    public int await(long timeoutMs) throws LinuxException {
        int held = 0;
        try {
            for (; held < count; held++) {
                Fd fd = fds[held];
                if (fd == null || !fd.tryAcquire()) {
                    throw new IllegalStateException("descriptor in a poll set is closed: " + fd);
                }
                pollFds.set(JAVA_INT, (long) held * POLLFD_BYTES, fd.held());
            }
            int ready = await(CallFrame.current(), pollFds, count, timeoutMs);
            if (ready < 0) {
                throw new LinuxException("poll", "count=" + count, -ready);
            }
            return ready;
        } finally {
            for (int i = 0; i < held; i++) {
                Fd fd = fds[i];
                if (fd != null) {
                    fd.release();
                }
            }
        }
    }

    /**
     * Whether the last wait found this one readable, or failed or hung up so that a read would not
     * block.
     */
    public boolean isReadable(int index) {
        return (result(index) & (READABLE | HANGUP_OR_ERROR)) != 0;
    }

    /** Whether the last wait found this one writable, or failed so that a write would not block. */
    public boolean isWritable(int index) {
        return (result(index) & (WRITABLE | HANGUP_OR_ERROR)) != 0;
    }

    /** Whether the last wait found that the other end has gone or the descriptor is in error. */
    public boolean isHungUp(int index) {
        return (result(index) & HANGUP_OR_ERROR) != 0;
    }

    private int result(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("index=" + index + " count=" + count);
        }
        return pollFds.get(JAVA_SHORT, (long) index * POLLFD_BYTES + REVENTS_OFFSET);
    }

    static void set(MemorySegment pollFds, int index, int rawFd, int events) {
        long at = (long) index * POLLFD_BYTES;
        pollFds.set(JAVA_INT, at, rawFd);
        pollFds.set(JAVA_SHORT, at + EVENTS_OFFSET, (short) events);
        pollFds.set(JAVA_SHORT, at + REVENTS_OFFSET, (short) 0);
    }

    static int events(MemorySegment pollFds, int index) {
        return pollFds.get(JAVA_SHORT, (long) index * POLLFD_BYTES + REVENTS_OFFSET);
    }

    /**
     * poll(2), continued after a signal and beyond its range of an int: ready descriptors or a
     * negative errno.
     */
    static int await(CallFrame frame, MemorySegment pollFds, int count, long timeoutMs) {
        if (timeoutMs == 0) {
            int ready;
            do {
                ready = FileCalls.poll(frame, pollFds, count, 0);
            } while (ready == -Errno.EINTR);
            return ready;
        }
        long start = System.nanoTime();
        long remainingMs = timeoutMs;
        while (true) {
            int slice = timeoutMs < 0 ? -1 : (int) Math.min(remainingMs, Integer.MAX_VALUE);
            int ready = FileCalls.poll(frame, pollFds, count, slice);
            if (ready != 0 && ready != -Errno.EINTR) {
                return ready;
            }
            if (timeoutMs > 0) {
                remainingMs = timeoutMs - (System.nanoTime() - start) / 1_000_000;
                if (remainingMs <= 0) {
                    return 0;
                }
            }
        }
    }
}
