package dev.airlock.storvsc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The disks that the adapter knows, and who wants to hear of changes. A rescan compares what is
 * there with what was. Thread-safe; listeners hear one thing at a time.
 */
final class LunTable {
    private final List<AdapterListener> listeners = new CopyOnWriteArrayList<>();
    private final Object scanning = new Object();
    private volatile Map<LunAddress, LunFacts> known = Map.of();

    void addListener(AdapterListener listener) {
        listeners.add(listener);
    }

    void removeListener(AdapterListener listener) {
        listeners.remove(listener);
    }

    List<LunFacts> all() {
        return new ArrayList<>(known.values());
    }

    @Nullable LunFacts find(LunAddress address) {
        return known.get(address);
    }

    /** Looks again, and tells the listeners what is different. */
    void rescan(LunScanner scanner) throws IOException {
        synchronized (scanning) {
            Map<LunAddress, LunFacts> before = known;
            Map<LunAddress, LunFacts> now = new LinkedHashMap<>(scanner.scan());
            known = now;
            for (LunFacts old : before.values()) {
                LunFacts present = now.get(old.address());
                if (present == null || !present.isSameDisk(old)) {
                    listeners.forEach(listener -> listener.lunRemoved(old.address()));
                }
            }
            for (LunFacts present : now.values()) {
                LunFacts old = before.get(present.address());
                if (old == null || !present.isSameDisk(old)) {
                    listeners.forEach(listener -> listener.lunAdded(present));
                } else if (!present.equals(old)) {
                    listeners.forEach(listener -> listener.lunChanged(present));
                }
            }
        }
    }

    /** Tells the listeners of the adapter's end. */
    void closed(String reason) {
        listeners.forEach(listener -> listener.closed(reason));
    }
}
