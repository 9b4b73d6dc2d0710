package dev.airlock.vmbus.host;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Mapping;
import dev.airlock.vmbus.Offer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The channels offered to one guest, by relid. For the bus's thread. */
final class ChannelTable {
    /** Connection id of a channel's doorbell, as Hyper-V forms it: SINT 2 and the relid. */
    private static final int CONNECTION_ID_BASE = 2 << 12;

    private final int channelsMax;
    private final TreeMap<Integer, Slot> slots = new TreeMap<>();

    ChannelTable(int channelsMax) {
        this.channelsMax = channelsMax;
    }

    enum State {
        OFFERED,
        OPEN,
        /** Taken back; the relid is not free before the guest releases it. */
        RESCINDED
    }

    /** One offered channel. */
    static final class Slot {
        final HostDevice device;
        final Offer offer;
        State state = State.OFFERED;

        /** Rung by the guest; what came for the next open, owned until then. */
        @Nullable EventFd fromGuest;

        /** Rung by the host; likewise. */
        @Nullable EventFd toGuest;

        /** What came for the next open, owned until then. */
        private @Nullable Mapping journal;

        /** While open. */
        @Nullable OpenRings open;

        private Slot(HostDevice device, Offer offer) {
            this.device = device;
            this.offer = offer;
        }

        void setDoorbells(@Nullable EventFd newFromGuest, @Nullable EventFd newToGuest) {
            if (fromGuest != null) {
                fromGuest.close();
            }
            if (toGuest != null) {
                toGuest.close();
            }
            fromGuest = newFromGuest;
            toGuest = newToGuest;
        }

        void setJournal(@Nullable Mapping newJournal) {
            if (journal != null) {
                journal.close();
            }
            journal = newJournal;
        }

        /** Owned by the caller from now on. */
        @Nullable Mapping takeJournal() {
            Mapping taken = journal;
            journal = null;
            return taken;
        }
    }

    /** What an open channel holds. */
    record OpenRings(HostChannel channel, Mapping mapping, @Nullable Mapping journal, int gpadl) {}

    @Nullable Slot get(int relid) {
        return slots.get(relid);
    }

    /** Numbers a channel; null when the limit is reached. */
    @Nullable Slot add(HostDevice device, Offer offer, int subchannelIndex) {
        if (slots.size() >= channelsMax) {
            return null;
        }
        int relid = 1;
        while (slots.containsKey(relid)) {
            relid++;
        }
        Slot slot =
                new Slot(
                        device, offer.numbered(subchannelIndex, relid, CONNECTION_ID_BASE | relid));
        slots.put(relid, slot);
        return slot;
    }

    void remove(int relid) {
        Slot slot = slots.remove(relid);
        if (slot != null) {
            slot.setDoorbells(null, null);
            slot.setJournal(null);
        }
    }

    /** The sub-channels of a device that were not rescinded. */
    List<Slot> liveSubchannels(HostDevice device) {
        List<Slot> found = new ArrayList<>();
        for (Slot slot : slots.values()) {
            if (slot.device == device
                    && slot.offer.isSubchannel()
                    && slot.state != State.RESCINDED) {
                found.add(slot);
            }
        }
        return found;
    }

    /** All channels, sub-channels first, so that primary channels end last. */
    List<Slot> subchannelsFirst() {
        List<Slot> ordered = new ArrayList<>();
        slots.values().stream().filter(s -> s.offer.isSubchannel()).forEach(ordered::add);
        slots.values().stream().filter(s -> !s.offer.isSubchannel()).forEach(ordered::add);
        return ordered;
    }

    int size() {
        return slots.size();
    }

    /** Forgets all. None is open any more. */
    void clear() {
        List.copyOf(slots.keySet()).forEach(this::remove);
    }
}
