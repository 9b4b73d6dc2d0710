package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A doorbell: a counter in the kernel that one side raises and the other waits for (eventfd(2)).
 * Thread-safe; owned by who created or adopted it.
 *
 * <p>It may be shared with a hostile process, which can raise it to its limit and make it blocking,
 * so that {@link #signal} blocks until somebody reads. Therefore only threads that serve that peer
 * may signal, and {@link #close} drains the counter so that they return. Waiting is always ended by
 * close, whatever the peer does.
 */
public final class EventFd implements AutoCloseable {
    /** {@code sys/eventfd.h}. */
    private static final int EFD_CLOEXEC = 0x80000;

    private static final int EFD_NONBLOCK = 0x800;
    private static final int O_RDWR_NONBLOCK = 0x2 | 0x800;

    /** How often close drains, 1 ms apart, while a hostile peer keeps the counter at its limit. */
    private static final int CLOSE_DRAINS_MAX = 1000;

    private static final MemorySegment ONE = one();

    private final Fd fd;

    /**
     * Wakes waiters at close; a descriptor of our own since the peer could take the wake-up from
     * the shared one.
     */
    private volatile @Nullable Fd closing;

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    /** A new one, not signalled. */
    public static EventFd create() throws LinuxException {
        return new EventFd(open());
    }

    /**
     * Takes over a descriptor received from a peer, after checking that it is an ordinary eventfd.
     *
     * @param fd closed by this method when it fails
     * @throws LinuxException with EINVAL when it is something else, or counts as a semaphore
     */
    public static EventFd adopt(Fd fd) throws LinuxException {
        try {
            requireEventFd(fd);
            int result = FileCalls.fcntl(fd.acquire(), FileCalls.F_SETFL, O_RDWR_NONBLOCK);
            fd.release();
            if (result < 0) {
                throw new LinuxException("fcntl", "operation=F_SETFL " + fd, -result);
            }
            return new EventFd(fd);
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The descriptor, to pass to a peer or to a {@link Poll}. Still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /**
     * Raises the counter by one. Does not allocate. A counter at its limit is signalled as well as
     * can be.
     *
     * @return false once closed
     */
    public boolean signal() {
        if (!fd.tryAcquire()) {
            return false;
        }
        try {
            FileCalls.write(fd.held(), ONE, Long.BYTES);
            return true;
        } finally {
            fd.release();
        }
    }

    /**
     * Whether the counter is at its limit, where a signal blocks if the peer has made the file
     * description blocking. False once closed.
     */
    public boolean isAtLimit() {
        if (!fd.tryAcquire()) {
            return false;
        }
        try {
            CallFrame frame = CallFrame.current();
            Poll.set(frame.pollFds, 0, fd.held(), Poll.WRITABLE);
            return Poll.await(frame, frame.pollFds, 1, 0) == 0;
        } finally {
            fd.release();
        }
    }

    /**
     * Resets the counter without waiting. Does not allocate.
     *
     * @return whether it was signalled; false once closed
     */
    public boolean drain() {
        if (!fd.tryAcquire()) {
            return false;
        }
        try {
            return drainHeld();
        } finally {
            fd.release();
        }
    }

    /**
     * Waits for a signal and resets the counter. Does not allocate after its first call.
     *
     * @param timeoutMs 0 returns at once, negative waits without end
     * @return true when signalled; false after the time-out or once closed
     */
    public boolean await(long timeoutMs) throws LinuxException {
        Fd waker = waker();
        if (waker == null || !waker.tryAcquire()) {
            return false;
        }
        try {
            if (!fd.tryAcquire()) {
                return false;
            }
            try {
                return awaitHeld(waker.held(), timeoutMs);
            } finally {
                fd.release();
            }
        } finally {
            waker.release();
        }
    }

    /** False once {@link #close} was called. */
    public boolean isOpen() {
        return fd.isOpen();
    }

    /** Closes; ends waits and blocked signals of other threads. A second close does nothing. */
    @Override
    public void close() {
        Fd waker;
        synchronized (this) {
            if (!fd.isOpen()) {
                return;
            }
            // A hold of our own, so that the number stays valid for the draining below.
            fd.tryAcquire();
            fd.close();
            waker = closing;
        }
        try {
            if (waker != null) {
                FileCalls.write(waker.raw(), ONE, Long.BYTES);
                waker.close();
            }
            for (int i = 0; fd.users() > 1 && i < CLOSE_DRAINS_MAX; i++) {
                drainHeld();
                LockSupport.parkNanos(i < 10 ? 1_000 : 1_000_000);
            }
        } finally {
            fd.release();
        }
    }

    @Override
    public String toString() {
        return "EventFd " + fd;
    }

    private boolean awaitHeld(int wakerRaw, long timeoutMs) throws LinuxException {
        long start = System.nanoTime();
        long remainingMs = timeoutMs;
        CallFrame frame = CallFrame.current();
        while (true) {
            Poll.set(frame.pollFds, 0, fd.held(), Poll.READABLE);
            Poll.set(frame.pollFds, 1, wakerRaw, Poll.READABLE);
            int ready = Poll.await(frame, frame.pollFds, 2, remainingMs);
            if (ready < 0) {
                throw new LinuxException("poll", fd.toString(), -ready);
            }
            if (ready == 0 || !fd.isOpen()) {
                return false;
            }
            if (drainHeld()) {
                return true;
            }
            // Somebody else took the signal between poll and read: wait for the rest of the time.
            if (timeoutMs >= 0) {
                remainingMs = Math.max(0, timeoutMs - (System.nanoTime() - start) / 1_000_000);
                if (remainingMs == 0) {
                    return false;
                }
            }
        }
    }

    /**
     * preadv2 with RWF_NOWAIT, since the peer may have made the shared file description blocking.
     */
    private boolean drainHeld() {
        CallFrame frame = CallFrame.current();
        return FileCalls.preadv2(frame, fd.held(), frame.wordIovec, 1, -1, FileIo.RWF_NOWAIT)
                == Long.BYTES;
    }

    private @Nullable Fd waker() throws LinuxException {
        Fd waker = closing;
        if (waker != null) {
            return waker;
        }
        synchronized (this) {
            if (closing == null && fd.isOpen()) {
                closing = open();
            }
            return closing;
        }
    }

    private static Fd open() throws LinuxException {
        int raw = FileCalls.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (raw < 0) {
            throw new LinuxException("eventfd", "", -raw);
        }
        return Fd.adopt(raw, "eventfd");
    }

    private static void requireEventFd(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try {
            // A path of a file system begins with a slash, so no file can be named like this.
            String link = Files.readSymbolicLink(Path.of("/proc/self/fd/" + raw)).toString();
            if (!"anon_inode:[eventfd]".equals(link)) {
                throw new LinuxException(
                        "eventfd adopt", "descriptor is not an eventfd: is=" + link, Errno.EINVAL);
            }
            for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + raw))) {
                if (line.startsWith("eventfd-semaphore:") && !line.endsWith(" 0")) {
                    throw new LinuxException(
                            "eventfd adopt", "eventfd counts as a semaphore", Errno.EINVAL);
                }
            }
        } catch (LinuxException e) {
            throw e;
        } catch (IOException e) {
            throw (LinuxException)
                    new LinuxException("eventfd adopt", "unreadable: " + e, Errno.EIO).initCause(e);
        } finally {
            fd.release();
        }
    }

    private static MemorySegment one() {
        MemorySegment segment = Arena.global().allocate(JAVA_LONG);
        segment.set(JAVA_LONG, 0, 1);
        return segment;
    }
}
