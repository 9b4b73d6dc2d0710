package dev.airlock.storvsp;

import dev.airlock.scsitarget.ItlNexus;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LunAddress;
import dev.airlock.scsitarget.Nexus;
import dev.airlock.scsitarget.TargetBus;
import dev.airlock.scsitarget.UnitAttention;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The logical units that one guest has, all at path 0, target 0, and the queue of each. The bus
 * they sit on is this guest's alone, since not every guest has every disk.
 *
 * <p>Units are found by LUN without a lock. One that is detached is not found any more, but still
 * counts among the {@link #queues} until its last worker has ended.
 *
 * <p>Thread-safe.
 */
final class GuestUnits {
    private final String guest;
    private final int workersPerLun;

    /** Changes are made with its monitor. */
    private final TargetBus bus = new TargetBus(StorvspDevice.LUNS_MAX);

    private volatile @Nullable Nexus nexus;
    private final AtomicReferenceArray<@Nullable LunQueue> queues =
            new AtomicReferenceArray<>(StorvspDevice.LUNS_MAX);

    /**
     * As {@link #queues}, but one that was detached stays until another comes: for its counters.
     */
    private final AtomicReferenceArray<@Nullable LunQueue> latest =
            new AtomicReferenceArray<>(StorvspDevice.LUNS_MAX);

    /** Queues detached, whose workers may still be ending; guarded by {@link #bus}. */
    private final List<LunQueue> retired = new ArrayList<>();

    /** Counts of queues that are no longer in {@link #latest}; guarded by {@link #bus}. */
    private LunStatistics past = LunStatistics.NONE;

    GuestUnits(String guest, int workersPerLun) {
        this.guest = guest;
        this.workersPerLun = workersPerLun;
    }

    /** Adds a unit; the guest finds it at once if it is connected. */
    void attach(int lun, LogicalUnit unit) {
        synchronized (bus) {
            bus.add(address(lun), unit);
            Nexus connected = nexus;
            if (connected != null) {
                publish(lun, connected);
            }
        }
    }

    /**
     * The units attached so far become the guest's.
     *
     * @param resumed whether the guest had them of another host: units then say by their attentions
     *     that they have lost what was set; otherwise they have none
     */
    void connect(boolean resumed) {
        synchronized (bus) {
            Nexus connected = bus.connect();
            if (resumed) {
                connected.units().forEach(unit -> unit.reset(UnitAttention.POWER_ON));
            }
            nexus = connected;
            for (LunAddress address : bus.units().keySet()) {
                publish(address.lun(), connected);
            }
        }
    }

    /**
     * Takes a unit away and waits until no command uses its disk.
     *
     * @param channels those open at the moment it is called
     * @return false if there was none
     */
    boolean detach(int lun, Supplier<List<StorvspChannel>> channels) throws InterruptedException {
        LunQueue queue;
        synchronized (bus) {
            if (bus.remove(address(lun)) == null) {
                return false;
            }
            queue = queues.getAndSet(lun, null);
            if (queue == null) {
                return true;
            }
            retired.removeIf(LunQueue::hasEnded);
            retired.add(queue);
        }
        // Asked for only now: a channel that opens later does not find the unit.
        for (StorvspChannel channel : channels.get()) {
            channel.quiesce();
        }
        queue.detach();
        return true;
    }

    /**
     * Takes all units away, as {@link #detach}; the guest is no longer connected. When interrupted,
     * to be called again.
     */
    void disconnect(Supplier<List<StorvspChannel>> channels) throws InterruptedException {
        for (int lun = 0; lun < StorvspDevice.LUNS_MAX; lun++) {
            detach(lun, channels);
        }
        List<LunQueue> all;
        synchronized (bus) {
            all = List.copyOf(retired);
        }
        for (LunQueue queue : all) {
            // Again, for those that another thread is detaching, or an interrupt left unfinished.
            queue.detach();
        }
        synchronized (bus) {
            Nexus connected = nexus;
            nexus = null;
            if (connected != null) {
                connected.close();
            }
        }
    }

    /** Once no channel is open: waits until every worker of what was detached has ended. */
    void awaitWorkers() throws InterruptedException {
        List<LunQueue> ending;
        synchronized (bus) {
            ending = List.copyOf(retired);
        }
        for (LunQueue queue : ending) {
            queue.awaitWorkers();
        }
        synchronized (bus) {
            retired.removeAll(ending);
        }
    }

    /** The queue of the unit at a LUN, or null. */
    @Nullable LunQueue queue(int lun) {
        return lun < StorvspDevice.LUNS_MAX ? queues.get(lun) : null;
    }

    /** The guest's view of all units; null while it is not connected. */
    @Nullable Nexus nexus() {
        return nexus;
    }

    /** Every queue that has, or may still have, commands. */
    List<LunQueue> queues() {
        synchronized (bus) {
            List<LunQueue> all = new ArrayList<>(retired);
            for (int lun = 0; lun < StorvspDevice.LUNS_MAX; lun++) {
                LunQueue queue = queues.get(lun);
                if (queue != null) {
                    all.add(queue);
                }
            }
            return all;
        }
    }

    /** What the guest did with the unit that is at this LUN, or was the last there. */
    LunStatistics statistics(int lun) {
        LunQueue queue = latest.get(lun);
        return queue == null ? LunStatistics.NONE : queue.counters().snapshot();
    }

    /** What the guest did with all units it had. */
    LunStatistics statistics() {
        synchronized (bus) {
            LunStatistics sum = past;
            for (int lun = 0; lun < StorvspDevice.LUNS_MAX; lun++) {
                sum = sum.plus(statistics(lun));
            }
            return sum;
        }
    }

    private void publish(int lun, Nexus connected) {
        ItlNexus unit = Objects.requireNonNull(connected.find(0, 0, lun));
        LunQueue queue = new LunQueue(lun, unit, workersPerLun, guest);
        past = past.plus(statistics(lun));
        latest.set(lun, queue);
        queues.set(lun, queue);
    }

    private static LunAddress address(int lun) {
        return new LunAddress(0, 0, Objects.checkIndex(lun, StorvspDevice.LUNS_MAX));
    }
}
