package dev.airlock.vmbus.host;

import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlAssembly;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The GPADLs of one guest, those still arriving included, within their limits. For the bus's
 * thread.
 */
final class GpadlTable {
    private final HostLimits limits;
    private final Map<Integer, Entry> entries = new HashMap<>();
    private int pages;

    GpadlTable(HostLimits limits) {
        this.limits = limits;
    }

    /** One GPADL. */
    static final class Entry {
        final int relid;
        final int reservedPages;

        /** Null once complete. */
        @Nullable GpadlAssembly assembly;

        /** Null until complete. */
        @Nullable Gpadl gpadl;

        /** An open channel has its rings here. */
        boolean inUse;

        /** The guest wants it back as soon as it is not in use. */
        boolean teardownWaits;

        private Entry(GpadlAssembly assembly) {
            this.relid = assembly.relid();
            this.reservedPages = assembly.maxPages();
            this.assembly = assembly;
        }
    }

    boolean contains(int handle) {
        return entries.containsKey(handle);
    }

    @Nullable Entry get(int handle) {
        return entries.get(handle);
    }

    /**
     * The limit, with its value, that one more GPADL of so many pages would break; null if none.
     */
    @Nullable String limitReachedBy(int morePages) {
        if (entries.size() >= limits.gpadlsMax()) {
            return "gpadlsMax=" + limits.gpadlsMax();
        }
        if (morePages > limits.gpadlPagesMax() - pages) {
            return "gpadlPagesMax=%d pages=%d asked=%d"
                    .formatted(limits.gpadlPagesMax(), pages, morePages);
        }
        return null;
    }

    Entry begin(GpadlAssembly assembly) {
        Entry entry = new Entry(assembly);
        entries.put(assembly.handle(), entry);
        pages += entry.reservedPages;
        return entry;
    }

    void remove(int handle) {
        Entry entry = entries.remove(handle);
        if (entry != null) {
            pages -= entry.reservedPages;
        }
    }

    /** Forgets all GPADLs of a channel that was released. None of them is in use then. */
    void removeChannel(int relid) {
        entries.values()
                .removeIf(entry -> {
                    boolean match = entry.relid == relid;
                    pages -= match ? entry.reservedPages : 0;
                    return match;
                });
    }

    void clear() {
        entries.clear();
        pages = 0;
    }
}
