package dev.airlock.dma;

import dev.airlock.dma.DmaMisuse.Kind;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link DmaChecker} knows: the live mappings by address, and the last ones that ended, to
 * tell a double unmap from a wrong address. An address may be mapped several times at once by
 * identity. Thread-safe.
 */
final class LiveMappings {
    /** Ended mappings remembered; with more, the oldest double unmap shows as "not mapped". */
    private static final int ENDED_MAX = 4096;

    /**
     * @param direction null for coherent memory
     */
    record Mapping(long dma, long bytes, @Nullable DmaDirection direction, Throwable mappedAt) {
        String describe() {
            return "dma=0x%x bytes=%d %s mapped at %s"
                    .formatted(
                            dma,
                            bytes,
                            direction == null ? "coherent" : direction,
                            place(mappedAt));
        }
    }

    private final TreeMap<Long, List<Mapping>> live = new TreeMap<>();
    private final Map<Long, Mapping> ended =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Long, Mapping> eldest) {
                    return size() > ENDED_MAX;
                }
            };

    synchronized void add(long dma, long bytes, @Nullable DmaDirection direction) {
        Mapping mapping = new Mapping(dma, bytes, direction, new Throwable("mapped here"));
        live.computeIfAbsent(dma, key -> new ArrayList<>(1)).add(mapping);
        ended.remove(dma);
    }

    /**
     * Takes out the mapping that a caller means to end.
     *
     * @param found gets a report for each broken rule
     * @return the mapping as it was made, or null when there is none
     */
    synchronized @Nullable Mapping end(
            long dma, long bytes, @Nullable DmaDirection direction, List<DmaMisuse> found) {
        List<Mapping> here = live.get(dma);
        if (here == null) {
            Mapping before = ended.get(dma);
            if (before == null) {
                report(
                        found,
                        Kind.NOT_MAPPED,
                        "nothing is mapped at dma=0x%x".formatted(dma),
                        null);
            } else {
                report(found, Kind.DOUBLE_UNMAP, "unmapped twice", before);
            }
            return null;
        }
        Mapping mapping = bestMatch(here, bytes, direction);
        here.remove(mapping);
        if (here.isEmpty()) {
            live.remove(dma);
        }
        ended.put(dma, mapping);
        if (mapping.bytes != bytes) {
            report(found, Kind.SIZE_MISMATCH, "unmapped as bytes=" + bytes, mapping);
        }
        if (mapping.direction != direction) {
            report(found, Kind.DIRECTION_MISMATCH, "unmapped as " + direction, mapping);
        }
        return mapping;
    }

    synchronized void checkSync(
            long dma, int offset, int bytes, DmaDirection direction, List<DmaMisuse> found) {
        Mapping closest = null;
        for (List<Mapping> here : live.headMap(dma, true).descendingMap().values()) {
            for (Mapping mapping : here) {
                if (dma - mapping.dma >= mapping.bytes) {
                    continue;
                }
                closest = mapping;
                long from = dma - mapping.dma + offset;
                boolean inside = offset >= 0 && bytes >= 0 && bytes <= mapping.bytes - from;
                if (inside && maySync(mapping, direction)) {
                    return;
                }
            }
        }
        String part = "synced dma=0x%x offset=%d bytes=%d ".formatted(dma, offset, bytes);
        if (closest == null) {
            report(found, Kind.NOT_MAPPED, part + "where nothing is mapped", null);
        } else if (maySync(closest, direction)) {
            report(found, Kind.SYNC_OUTSIDE, part + "outside", closest);
        } else {
            report(found, Kind.DIRECTION_MISMATCH, part + direction, closest);
        }
    }

    /** Takes out everything, reporting it as leaked. */
    synchronized List<Mapping> drain(List<DmaMisuse> found) {
        List<Mapping> all = new ArrayList<>();
        for (Iterator<List<Mapping>> i = live.values().iterator(); i.hasNext(); i.remove()) {
            all.addAll(i.next());
        }
        for (Mapping mapping : all) {
            report(found, Kind.LEAKED, "leaked", mapping);
        }
        return all;
    }

    /** The first frame outside the mapping layer. */
    static String place(Throwable mappedAt) {
        for (StackTraceElement frame : mappedAt.getStackTrace()) {
            String type = frame.getClassName();
            if (!type.equals(LiveMappings.class.getName())
                    && !type.equals(DmaChecker.class.getName())
                    && !type.equals(DmaMapper.class.getName())) {
                return frame.toString();
            }
        }
        return "unknown";
    }

    private static boolean maySync(Mapping mapping, DmaDirection direction) {
        return mapping.direction == direction
                || mapping.direction == DmaDirection.BIDIRECTIONAL
                || mapping.direction == null;
    }

    private static Mapping bestMatch(
            List<Mapping> here, long bytes, @Nullable DmaDirection direction) {
        for (Mapping mapping : here) {
            if (mapping.bytes == bytes && mapping.direction == direction) {
                return mapping;
            }
        }
        return here.getFirst();
    }

    private static void report(
            List<DmaMisuse> found, Kind kind, String what, @Nullable Mapping mapping) {
        String message = kind + ": " + what + (mapping == null ? "" : ": " + mapping.describe());
        found.add(new DmaMisuse(kind, message, mapping == null ? null : mapping.mappedAt));
    }
}
