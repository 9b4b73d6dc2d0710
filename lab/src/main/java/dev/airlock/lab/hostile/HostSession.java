package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.MemoryRefusedException;
import dev.airlock.vmbus.EventCounts;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One guest of a hostile host, from its connection to its end. For one thread. Owns the socket. */
final class HostSession implements AutoCloseable {
    private static final long PAUSE_NANOS = 50_000;
    private static final int BURST_ONE_IN = 16;
    private static final int BURST_MAX = 24;

    /** A guest that is still there so long after the host ended the connection hangs. */
    private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final HostTarget target;
    private final EventCounts<HostileEvent> counts;
    private final Dice dice;
    private final HostMood mood;
    private final HostControl control;
    private final long scribbleSeed;
    private @Nullable Mapping visible;
    private @Nullable Scribbler scribbler;
    private boolean storms;
    private boolean ending;
    private long endingSince;

    HostSession(
            UnixSocket socket,
            HostTarget target,
            FrameForge frames,
            EventCounts<HostileEvent> counts,
            Dice dice) {
        this.target = target;
        this.counts = counts;
        this.dice = dice;
        mood = HostMood.of(dice);
        scribbleSeed = dice.bits();
        control = new HostControl(socket, frames, counts, dice);
    }

    /** Serves until the guest has gone, or the mood says enough. */
    void run() throws LinuxException {
        target.reconnect();
        control.spoils(mood.control());
        long start = HostileEvent.events(counts);
        while (!control.isGone()) {
            boolean busy = control.receive();
            busy |= serveChannels();
            if (!ending && HostileEvent.events(counts) - start >= mood.events()) {
                end();
                if (mood.ending() == HostMood.Ending.SUDDEN) {
                    return;
                }
            }
            if (ending && System.nanoTime() - endingSince > HANG_NANOS) {
                throw new IllegalStateException("guest does not leave: ending=" + mood.ending());
            }
            if (!busy) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    @Override
    public void close() {
        if (scribbler != null) {
            scribbler.close();
        }
        if (visible != null) {
            visible.close();
        }
        control.close();
    }

    private boolean serveChannels() throws LinuxException {
        if (ending && mood.ending() == HostMood.Ending.MUTE) {
            return false;
        }
        boolean busy = false;
        boolean reset = false;
        List<HostChannelStorm> channels = List.copyOf(control.channels().values());
        for (HostChannelStorm channel : channels) {
            busy |= channel.takeRequests(target, control.memory());
            reset |= channel.takeResetAsked();
            int subchannels = channel.takeSubchannelsWanted();
            if (subchannels > 0) {
                control.offerSubchannels(subchannels);
            }
            if (!storms && channel.isIoSeen()) {
                beginStorms();
            }
        }
        for (HostChannelStorm channel : channels) {
            if (reset) {
                channel.sendLateAnswers();
            }
            busy |= channel.send(mood, storms && !ending, dice);
        }
        if (storms && !ending && dice.oneIn(BURST_ONE_IN)) {
            control.burst(dice.between(1, BURST_MAX));
        }
        return busy;
    }

    private void beginStorms() throws LinuxException {
        storms = true;
        if (mood.scribbles()) {
            long[] pfns = new long[(int) control.memory().visiblePageCount()];
            long first = 0;
            while (!control.memory().isVisible(first)) {
                first++;
            }
            for (int i = 0; i < pfns.length; i++) {
                pfns[i] = first + i;
            }
            try {
                Mapping all = control.memory().mapPages(pfns);
                visible = all;
                scribbler = new Scribbler(all.segment(), scribbleSeed, counts);
                scribbler.start(0, pfns.length);
            } catch (MemoryRefusedException e) {
                throw new IllegalStateException("a guest's memory is not in one piece", e);
            }
        }
    }

    private void end() {
        ending = true;
        endingSince = System.nanoTime();
        control.spoils(false);
        switch (mood.ending()) {
            case MUTE -> control.mute();
            case RESCIND -> control.rescind();
            case BROKEN -> control.channels().values().forEach(channel -> channel.breakRing(dice));
            case HONEST, SUDDEN -> {
                // Nothing to be done.
            }
        }
    }
}
