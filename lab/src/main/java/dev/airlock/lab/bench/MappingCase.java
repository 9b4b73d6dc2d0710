package dev.airlock.lab.bench;

import dev.airlock.dma.BounceMapper;
import dev.airlock.dma.DirectMapper;
import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.GuestMemory;
import java.io.IOException;
import java.util.SplittableRandom;

/**
 * The DMA API alone: mapping and unmapping a list of pages by identity, for each entry; or one page
 * through the bounce pool, without its copies.
 */
final class MappingCase implements BenchCase {
    private static final int PAGE = 4096;
    private static final int ENTRIES = 64;
    private static final int BATCH_LISTS = 2_000;
    private static final int BATCH_PAGES = 50_000;
    private static final int WARM_BATCHES = 20;
    private static final long MIB = 1 << 20;

    private final Label label;
    private final Aim aim;
    private final GuestMemory memory;
    private final DmaMapper mapper;
    private final Scatterlist list = new Scatterlist(ENTRIES);
    private final boolean bounces;
    private long page;
    private boolean warm;

    private MappingCase(Label label, Aim aim, boolean bounces) throws IOException {
        this.label = label;
        this.aim = aim;
        this.bounces = bounces;
        memory = bounces ? GuestMemory.isolated(MIB, 5 * MIB) : GuestMemory.shared(5 * MIB);
        SwiotlbOptions pool = SwiotlbOptions.DEFAULTS.withPoolBytes(4 * MIB);
        mapper = DmaMapper.forGuest(memory, pool, DmaLimits.STORVSC);
        if (bounces != mapper instanceof BounceMapper
                || bounces == mapper instanceof DirectMapper) {
            throw new IOException("not the mapper that is to be measured: " + mapper.getClass());
        }
        SplittableRandom random = new SplittableRandom(ENTRIES);
        for (int i = 0; i < ENTRIES; i++) {
            list.add(random.nextLong(1, MIB / PAGE) * PAGE, PAGE);
        }
        page = list.gpa(0);
    }

    /** Lists of 64 scattered pages; the time is that of one entry, map and unmap. */
    static MappingCase identity() throws IOException {
        Label label = new Label("identity map + unmap, per entry", "none", "ns");
        return new MappingCase(label, Aim.atMost(5), false);
    }

    /** One page: finding slots and giving them back. */
    static MappingCase bounce() throws IOException {
        Label label = new Label("bounce 4 KiB map + unmap, no copies", "forced", "ns");
        return new MappingCase(label, Aim.atMost(60), true);
    }

    @Override
    public Label label() {
        return label;
    }

    @Override
    public Aim aim() {
        return aim;
    }

    @Override
    public Figures measure(long nanos) throws IOException {
        for (int i = 0; !warm && i < WARM_BATCHES; i++) {
            batch();
        }
        warm = true;
        double least = Double.MAX_VALUE;
        long start = System.nanoTime();
        do {
            least = Math.min(least, batch());
        } while (System.nanoTime() - start < nanos);
        return Figures.of(least);
    }

    private double batch() throws IOException {
        return bounces ? bouncePages() : mapLists();
    }

    private double mapLists() throws IOException {
        long start = System.nanoTime();
        for (int i = 0; i < BATCH_LISTS; i++) {
            if (mapper.mapSg(list, DmaDirection.FROM_DEVICE, DmaAttributes.NONE) <= 0) {
                throw new IOException("a list could not be mapped");
            }
            mapper.unmapSg(list, DmaDirection.FROM_DEVICE, DmaAttributes.NONE);
        }
        return (System.nanoTime() - start) / (double) BATCH_LISTS / ENTRIES;
    }

    private double bouncePages() throws IOException {
        long start = System.nanoTime();
        for (int i = 0; i < BATCH_PAGES; i++) {
            long dma =
                    mapper.mapSingle(page, PAGE, DmaDirection.FROM_DEVICE, DmaAttributes.OVERWRITE);
            if (dma == DmaMapper.MAPPING_ERROR) {
                throw new IOException("a page could not be mapped");
            }
            mapper.unmapSingle(dma, PAGE, DmaDirection.FROM_DEVICE, DmaAttributes.SKIP_CPU_SYNC);
        }
        return (System.nanoTime() - start) / (double) BATCH_PAGES;
    }

    @Override
    public void close() {
        mapper.close();
        memory.close();
    }
}
