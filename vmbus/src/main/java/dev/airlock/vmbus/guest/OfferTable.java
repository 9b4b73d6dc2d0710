package dev.airlock.vmbus.guest;

import dev.airlock.vmbus.Offer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the host has on offer, and which of it is open. Thread-safe. */
final class OfferTable {
    private final int offersMax;
    private final TreeMap<Integer, Entry> entries = new TreeMap<>();

    OfferTable(int offersMax) {
        this.offersMax = offersMax;
    }

    private static final class Entry {
        final Offer offer;
        boolean claimed;
        boolean rescinded;
        @Nullable GuestChannel channel;

        Entry(Offer offer) {
            this.offer = offer;
        }
    }

    /** What became of an offer. */
    enum Added {
        YES,
        BAD,
        TOO_MANY
    }

    /** What a rescind found. */
    record Rescinded(Offer offer, @Nullable GuestChannel channel, boolean released) {}

    synchronized Added add(Offer offer) {
        int relid = offer.relid();
        if (relid < 1 || relid > Offer.MAX_RELID || entries.containsKey(relid)) {
            return Added.BAD;
        }
        if (entries.size() >= offersMax) {
            return Added.TOO_MANY;
        }
        entries.put(relid, new Entry(offer));
        return Added.YES;
    }

    /**
     * Takes an offer back; null when there is none. Forgets it at once unless somebody has claimed
     * it.
     */
    synchronized @Nullable Rescinded rescind(int relid) {
        Entry entry = entries.get(relid);
        if (entry == null || entry.rescinded) {
            return null;
        }
        entry.rescinded = true;
        if (!entry.claimed) {
            entries.remove(relid);
        }
        if (entry.channel != null) {
            entry.channel.markRescinded();
        }
        return new Rescinded(entry.offer, entry.channel, !entry.claimed);
    }

    /** Claims an offer for one opener. False when it is gone, rescinded or claimed already. */
    synchronized boolean claim(Offer offer) {
        Entry entry = entries.get(offer.relid());
        if (entry == null || entry.claimed || entry.rescinded || !entry.offer.equals(offer)) {
            return false;
        }
        entry.claimed = true;
        return true;
    }

    /** The claimed offer is open now. */
    synchronized void opened(GuestChannel channel) {
        Entry entry = entries.get(channel.offer().relid());
        if (entry != null) {
            entry.channel = channel;
            if (entry.rescinded) {
                channel.markRescinded();
            }
        }
    }

    /** Ends a claim. True when the offer was rescinded meanwhile: it is forgotten now. */
    synchronized boolean unclaim(Offer offer) {
        Entry entry = entries.get(offer.relid());
        if (entry == null) {
            return false;
        }
        entry.claimed = false;
        entry.channel = null;
        if (entry.rescinded) {
            entries.remove(offer.relid());
        }
        return entry.rescinded;
    }

    synchronized List<Offer> offers() {
        List<Offer> offers = new ArrayList<>();
        for (Entry entry : entries.values()) {
            if (!entry.rescinded) {
                offers.add(entry.offer);
            }
        }
        return offers;
    }

    synchronized List<GuestChannel> channels() {
        List<GuestChannel> channels = new ArrayList<>();
        for (Entry entry : entries.values()) {
            if (entry.channel != null) {
                channels.add(entry.channel);
            }
        }
        return channels;
    }
}
