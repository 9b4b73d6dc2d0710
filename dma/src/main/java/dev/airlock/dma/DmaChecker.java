package dev.airlock.dma;

import dev.airlock.dma.LiveMappings.Mapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A mapper that watches its callers keep the rules of {@link DmaMapper}, as {@code
 * CONFIG_DMA_API_DEBUG} does ({@code kernel/dma/debug.c}): every mapping is remembered with the
 * stack that made it, and leaked, double and mismatched ones are reported with it.
 *
 * <p>A broken rule throws {@link DmaMisuseException} from the call that broke it, and stays in
 * {@link #misuses}, as that call may be on a thread whose exceptions nobody looks at. The mapper
 * behind is kept right all the same: a mismatched unmap is passed on with the size and direction it
 * was mapped with, a double one is not passed on.
 *
 * <p>It allocates and locks at every call: for tests and for debugging.
 */
public final class DmaChecker extends DmaMapper {
    private final DmaMapper mapper;
    private final LiveMappings live = new LiveMappings();
    private final List<DmaMisuse> misuses = new ArrayList<>();
    private final Map<Scatterlist, Throwable> lastMapped = new WeakHashMap<>();

    /**
     * @param mapper the one that maps; {@link #close} closes it too
     */
    public DmaChecker(DmaMapper mapper) {
        super(mapper.limits());
        this.mapper = mapper;
    }

    /** Everything found so far. */
    public List<DmaMisuse> misuses() {
        synchronized (misuses) {
            return List.copyOf(misuses);
        }
    }

    @Override
    public long mapSingle(long gpa, int bytes, DmaDirection direction, int attributes) {
        long dma = mapper.mapSingle(gpa, bytes, direction, attributes);
        if (dma != MAPPING_ERROR) {
            live.add(dma, bytes, direction);
        }
        return dma;
    }

    @Override
    public void unmapSingle(long dma, int bytes, DmaDirection direction, int attributes) {
        List<DmaMisuse> found = new ArrayList<>();
        Mapping mapping = live.end(dma, bytes, direction, found);
        endAsMapped(mapping, attributes);
        raise(found);
    }

    @Override
    public int mapSg(Scatterlist list, DmaDirection direction, int attributes) {
        int result = mapper.mapSg(list, direction, attributes);
        if (result > 0) {
            for (int i = 0; i < list.dmaEntries(); i++) {
                live.add(list.dmaAddress(i), list.dmaBytes(i), direction);
            }
            synchronized (lastMapped) {
                lastMapped.put(list, new Throwable("mapped here"));
            }
        }
        return result;
    }

    @Override
    public void unmapSg(Scatterlist list, DmaDirection direction, int attributes) {
        List<DmaMisuse> found = new ArrayList<>();
        if (!list.isMapped()) {
            found.add(doubleUnmap(list));
        }
        for (int i = 0; i < list.dmaEntries(); i++) {
            Mapping mapping = live.end(list.dmaAddress(i), list.dmaBytes(i), direction, found);
            endAsMapped(mapping, attributes);
        }
        list.clearDma();
        raise(found);
    }

    @Override
    public void syncForCpu(long dma, int offset, int bytes, DmaDirection direction) {
        checkSync(dma, offset, bytes, direction);
        mapper.syncForCpu(dma, offset, bytes, direction);
    }

    @Override
    public void syncForDevice(long dma, int offset, int bytes, DmaDirection direction) {
        checkSync(dma, offset, bytes, direction);
        mapper.syncForDevice(dma, offset, bytes, direction);
    }

    @Override
    public long allocateCoherent(long bytes) {
        long gpa = mapper.allocateCoherent(bytes);
        if (gpa != MAPPING_ERROR) {
            live.add(gpa, bytes, null);
        }
        return gpa;
    }

    @Override
    public void freeCoherent(long gpa, long bytes) {
        List<DmaMisuse> found = new ArrayList<>();
        Mapping mapping = live.end(gpa, bytes, null, found);
        endAsMapped(mapping, DmaAttributes.SKIP_CPU_SYNC);
        raise(found);
    }

    @Override
    public void abandonCoherent(long gpa, long bytes) {
        List<DmaMisuse> found = new ArrayList<>();
        live.end(gpa, bytes, null, found);
        mapper.abandonCoherent(gpa, bytes);
        raise(found);
    }

    @Override
    public int maxMappingBytes() {
        return mapper.maxMappingBytes();
    }

    @Override
    public int optimalMappingBytes() {
        return mapper.optimalMappingBytes();
    }

    @Override
    public boolean isBounced(long dma) {
        return mapper.isBounced(dma);
    }

    @Override
    public int slotsHeld(long dma) {
        return mapper.slotsHeld(dma);
    }

    @Override
    public int slotsHeld(Scatterlist list) {
        return mapper.slotsHeld(list);
    }

    @Override
    public DmaStatistics statistics() {
        return mapper.statistics();
    }

    /**
     * Ends what has leaked, without touching the callers' memory, closes the mapper behind, and
     * then reports the leaks.
     *
     * @throws DmaMisuseException when anything was still mapped or allocated
     */
    @Override
    public void close() {
        List<DmaMisuse> found = new ArrayList<>();
        for (Mapping mapping : live.drain(found)) {
            endAsMapped(mapping, DmaAttributes.SKIP_CPU_SYNC);
        }
        mapper.close();
        raise(found);
    }

    private void endAsMapped(@Nullable Mapping mapping, int attributes) {
        if (mapping == null) {
            return;
        }
        DmaDirection direction = mapping.direction();
        if (direction == null) {
            mapper.freeCoherent(mapping.dma(), mapping.bytes());
        } else {
            mapper.unmapSingle(mapping.dma(), (int) mapping.bytes(), direction, attributes);
        }
    }

    private void checkSync(long dma, int offset, int bytes, DmaDirection direction) {
        List<DmaMisuse> found = new ArrayList<>();
        live.checkSync(dma, offset, bytes, direction, found);
        raise(found);
    }

    private DmaMisuse doubleUnmap(Scatterlist list) {
        Throwable mappedAt;
        synchronized (lastMapped) {
            mappedAt = lastMapped.get(list);
        }
        return mappedAt == null
                ? new DmaMisuse(
                        DmaMisuse.Kind.NOT_MAPPED, "NOT_MAPPED: scatterlist never mapped", null)
                : new DmaMisuse(
                        DmaMisuse.Kind.DOUBLE_UNMAP,
                        "DOUBLE_UNMAP: scatterlist mapped at " + LiveMappings.place(mappedAt),
                        mappedAt);
    }

    private void raise(List<DmaMisuse> found) {
        if (!found.isEmpty()) {
            synchronized (misuses) {
                misuses.addAll(found);
            }
            throw new DmaMisuseException(found);
        }
    }
}
