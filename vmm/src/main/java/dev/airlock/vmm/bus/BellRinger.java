package dev.airlock.vmm.bus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * Waits for the doorbells that hosts ring, on a thread of its own, whether there is a host or not.
 * Thread-safe.
 */
final class BellRinger implements AutoCloseable {
    private final Collection<ForwardedChannel> channels;
    private final Consumer<ForwardedChannel> onRing;
    private final Consumer<String> onFailure;
    private final EventFd wake;
    private final Thread thread;
    private volatile boolean closing;

    /**
     * @param channels may change at any time, followed by {@link #changed}
     * @param onRing called on this object's thread
     */
    BellRinger(
            Collection<ForwardedChannel> channels,
            Consumer<ForwardedChannel> onRing,
            Consumer<String> onFailure)
            throws LinuxException {
        this.channels = channels;
        this.onRing = onRing;
        this.onFailure = onFailure;
        wake = EventFd.create();
        thread = Thread.ofPlatform().daemon().name("vmbus-bells").start(this::run);
    }

    /** A channel was opened or closed. */
    void changed() {
        wake.signal();
    }

    private void run() {
        try {
            while (!closing) {
                List<ForwardedChannel> open = new ArrayList<>();
                List<EventFd> bells = new ArrayList<>();
                for (ForwardedChannel channel : channels) {
                    ForwardedChannel.Ends ends = channel.ends();
                    if (ends != null) {
                        open.add(channel);
                        bells.add(ends.toGuest());
                    }
                }
                Poll poll = new Poll(open.size() + 1);
                int own = poll.add(wake);
                bells.forEach(poll::add);
                try {
                    await(poll, own, open, bells);
                } catch (IllegalStateException closed) {
                    // A doorbell went, here or between two calls; the set is made anew.
                }
            }
        } catch (LinuxException e) {
            onFailure.accept(e.getMessage());
        }
    }

    /** Returns when the set of doorbells has changed. */
    private void await(Poll poll, int own, List<ForwardedChannel> open, List<EventFd> bells)
            throws LinuxException {
        while (!closing) {
            poll.await(-1);
            if (poll.isReadable(own)) {
                wake.drain();
                return;
            }
            for (int i = 0; i < bells.size(); i++) {
                if (poll.isReadable(i + 1)) {
                    bells.get(i).drain();
                    onRing.accept(open.get(i));
                }
            }
        }
    }

    @Override
    public void close() throws InterruptedException {
        closing = true;
        wake.signal();
        thread.join();
        wake.close();
    }
}
