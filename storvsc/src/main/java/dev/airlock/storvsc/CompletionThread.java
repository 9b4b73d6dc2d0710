package dev.airlock.storvsc;

import dev.airlock.linux.LinuxException;

/**
 * Takes the answers of one channel: polls while there are any, spins for a short time that adapts,
 * then asks for interrupts and sleeps. Ends when the channel is closed.
 */
final class CompletionThread implements Runnable {
    /** Packets between two updates of the ring's read index. */
    private static final int BATCH = 64;

    /**
     * A sleep ends after this time at the latest, so that a lost wake-up is a delay and no hang.
     */
    private static final long SLEEP_MS = 1_000;

    /** Looks at the ring between two looks at the clock. */
    private static final int LOOKS = 8;

    private final StorvscChannel channel;
    private final ChannelEvents events;
    private final AdaptiveSpin spin;

    CompletionThread(StorvscChannel channel, ChannelEvents events, long spinMaxNanos) {
        this.channel = channel;
        this.events = events;
        this.spin = new AdaptiveSpin(spinMaxNanos);
    }

    @Override
    public void run() {
        try {
            channel.maskInterrupts();
            while (!channel.isClosed()) {
                if (channel.isAttended()) {
                    standBack();
                } else if (channel.poll(BATCH) == 0 && !spun()) {
                    sleep();
                }
            }
        } catch (LinuxException | RuntimeException failure) {
            events.channelFailed(channel, "completion thread: " + failure);
        }
    }

    /** Others poll; what they do not see is the channel's end, and what a lost wake-up left. */
    private void standBack() throws LinuxException {
        // This thread may have masked after the attendant asked for interrupts.
        channel.unmaskInterrupts();
        channel.poll(BATCH);
        channel.awaitWake(SLEEP_MS);
    }

    /** Spins if that pays and something is to come; true when packets were taken. */
    private boolean spun() {
        long budget = spin.budgetNanos();
        if (budget == 0 || channel.inFlight() == 0) {
            return false;
        }
        long start = System.nanoTime();
        do {
            for (int look = 0; look < LOOKS; look++) {
                if (channel.poll(BATCH) > 0) {
                    spin.paid();
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < budget);
        spin.wasted();
        return false;
    }

    private void sleep() throws LinuxException {
        boolean expecting = channel.inFlight() > 0;
        if (channel.unmaskInterrupts()) {
            long start = System.nanoTime();
            if (channel.awaitInterrupt(SLEEP_MS) && expecting) {
                spin.slept(System.nanoTime() - start);
            }
        }
        channel.maskInterrupts();
    }
}
