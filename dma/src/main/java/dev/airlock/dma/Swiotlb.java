package dev.airlock.dma;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.PageAllocator;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The bounce pool of one guest: host-visible memory in slots, through which buffers pass that the
 * host must not see. What {@code struct io_tlb_mem} and {@code kernel/dma/swiotlb.c} are in Linux.
 * Several {@link BounceMapper}s may share one.
 *
 * <p><b>What a mapping holds.</b> A run of slots inside one segment, so never more than a segment.
 * The original data is copied into them for every direction: a device that writes less than it was
 * asked to then leaves the caller's own bytes in the rest, not those of whoever had the slots
 * before. {@link DmaAttributes#OVERWRITE} gives that up on the caller's word.
 *
 * <p><b>What is zeroed.</b> At map, every byte of the claimed slots that is not the mapping's: from
 * the first slot's beginning to the DMA address, and from the mapping's end to the last slot's end.
 * Nothing is cleared at unmap; free slots keep what they held, which the host has seen already.
 *
 * <p><b>What the host sees beside it.</b> The host sees whole 4 KiB pages, in fact the whole pool,
 * all the time. With slots of 2 KiB, the other half of a mapping's first and last page may belong
 * to another live mapping, or be free with old content: bytes which are, or were, given to this
 * same host. Nothing that was never mapped is in the pool. A device that must not even find two
 * mappings in a page asks for {@link DmaLimits#allocAlignMask} 4095: then the pages are the
 * mapping's alone, and zero around it.
 *
 * <p><b>Full.</b> No free run means busy, at once. If growth is allowed, the caller that finds the
 * pool full adds another one from the guest's visible pages; whoever comes while that goes on is
 * told busy. Growth that found no memory is not tried again, and there are never more than 64
 * pools. Pools are not given back before {@link #close}.
 *
 * <p>Thread-safe; {@link #close} when no mapper is used any more.
 */
public final class Swiotlb implements AutoCloseable {
    /** Returned by {@link #map} when no run of slots is free. */
    static final long FULL = -1;

    /** {@code IO_TLB_MIN_SLABS}: a first pool of less than 1 MiB is not worth having. */
    private static final long MIN_POOL_BYTES = 1 << 20;

    /** An address's pool is found by trying each. */
    private static final int MAX_POOLS = 64;

    private static final MemorySegment ZEROES = MemorySegment.ofArray(new byte[4096]);

    private final SwiotlbOptions options;
    private final MemorySegment guest;
    private final PageAllocator pages;
    private final int areasWanted;
    private final HighWaterMark highWater = new HighWaterMark();
    private final LongAdder busy = new LongAdder();
    private final AtomicBoolean growing = new AtomicBoolean();
    private volatile boolean outOfPages;
    private volatile SlotPools pools;

    /**
     * Takes the first pool from the guest's visible pages, aligned to a segment. If there is not
     * that much of them, it settles for a half, a quarter and so on down to 1 MiB, as Linux does;
     * {@link #slots} tells.
     *
     * @param memory must outlive this
     * @throws IllegalArgumentException when the visible memory cannot hold a pool, or the mode is
     *     {@link SwiotlbMode#OFF}
     */
    public Swiotlb(GuestMemory memory, SwiotlbOptions options) {
        if (options.mode() == SwiotlbMode.OFF) {
            throw new IllegalArgumentException("a bounce pool with mode=OFF");
        }
        this.options = options;
        guest = memory.bytes();
        pages = memory.visiblePages();
        int cpus = Runtime.getRuntime().availableProcessors();
        areasWanted = roundUpToPowerOfTwo(options.areas() == 0 ? cpus : options.areas());
        int wanted = wholeSegments(options.slots());
        int least = (int) Math.min(wanted, MIN_POOL_BYTES / options.slotBytes());
        SlotPool first = allocatePool(wanted, wholeSegments(least));
        if (first == null) {
            throw new IllegalArgumentException(
                    "visible memory has no room for a bounce pool: slots="
                            + wanted
                            + " slotBytes="
                            + options.slotBytes()
                            + " alignBytes="
                            + options.segmentBytes()
                            + " visiblePages="
                            + pages.pages()
                            + " usedPages="
                            + pages.usedPages());
        }
        pools = new SlotPools(first);
    }

    public SwiotlbOptions options() {
        return options;
    }

    /** Slots of all pools. */
    public long slots() {
        return pools.slots();
    }

    /** Slots that belong to live mappings. */
    public long slotsUsed() {
        return pools.used();
    }

    /** Areas of the first pool. */
    public int areas() {
        return pools.pools[0].areas().length;
    }

    /**
     * Returns all pools to the guest's visible pages.
     *
     * @throws IllegalStateException when slots are still in use; nothing is returned then
     */
    @Override
    public void close() {
        SlotPools all = pools;
        if (all.used() != 0) {
            throw new IllegalStateException("bounce pool closed with slotsUsed=" + all.used());
        }
        pools = new SlotPools();
        for (SlotPool pool : all.pools) {
            pages.free(pool.base, pool.bytes);
        }
    }

    /** Whether a mapper with this geometry can use the first pool. */
    boolean isReachable(SlotGeometry geometry) {
        return pools.pools[0].isWithin(geometry.dmaMask);
    }

    boolean contains(long address) {
        return pools.find(address) != null;
    }

    /**
     * Claims slots for a range, copies it in and zeroes around it.
     *
     * @param bytes 1 to {@code geometry.maxMappingBytes}
     * @param copyIn false when the caller vouches that the device fills the range
     * @return the DMA address, or {@link #FULL}
     */
    long map(SlotGeometry geometry, long gpa, int bytes, boolean copyIn) {
        int offset = geometry.offset(gpa);
        int wanted = geometry.slots(offset, bytes);
        long allowedLow = geometry.allowedStarts(gpa, bytes, wanted, false);
        long allowedHigh = geometry.allowedStarts(gpa, bytes, wanted, true);
        int copied = copyIn ? bytes : 0;
        // Threads are numbered one after another, so they spread evenly over the areas.
        int preferred = (int) Thread.currentThread().threadId();

        SlotPools all = pools;
        SlotPool pool = null;
        int first = SlotPool.NONE;
        for (int i = 0; i < all.pools.length && first == SlotPool.NONE; i++) {
            pool = all.pools[i];
            if (pool.isWithin(geometry.dmaMask)) {
                first = pool.claim(preferred, wanted, allowedLow, allowedHigh, bytes, copied);
            }
        }
        if (first == SlotPool.NONE) {
            pool = grow(all, geometry.dmaMask);
            if (pool != null) {
                first = pool.claim(preferred, wanted, allowedLow, allowedHigh, bytes, copied);
            }
        }
        if (pool == null || first == SlotPool.NONE) {
            busy.increment();
            return FULL;
        }
        if (pool.areaOf(first).isOverQuota()) {
            highWater.observe(pools);
        }

        int pad = offset >>> geometry.slotShift;
        pool.record(first + pad, gpa, bytes, pad, wanted, offset & geometry.slotMask);
        long start = pool.address(first);
        long dma = start + offset;
        long end = dma + bytes;
        zero(start, offset);
        zero(end, pool.address(first + wanted) - end);
        if (copyIn) {
            MemorySegment.copy(guest, gpa, guest, dma, bytes);
        }
        return dma;
    }

    /**
     * Ends a mapping and frees its slots.
     *
     * @return false when the address is not in the pool at all
     * @throws IllegalStateException when it is, and no mapping of that size begins there
     */
    boolean unmap(long dma, int bytes, boolean copyOut) {
        SlotPool pool = pools.find(dma);
        if (pool == null) {
            return false;
        }
        int slot = pool.slot(dma);
        long fields = pool.fields(slot);
        boolean begins = fields != 0 && pool.address(slot) + SlotPool.offsetOf(fields) == dma;
        if (!begins || SlotPool.bytesOf(fields) != bytes) {
            throw notMapped(dma, bytes, begins ? SlotPool.bytesOf(fields) : 0);
        }
        if (copyOut) {
            MemorySegment.copy(guest, dma, guest, pool.originalGpa(slot), bytes);
        }
        if (!pool.release(slot, fields, copyOut ? bytes : 0)) {
            throw notMapped(dma, bytes, 0);
        }
        return true;
    }

    /**
     * Copies a part of a mapping: out of the slots, or from the original memory into them.
     *
     * @param dma any address inside the mapping
     * @param copy false: only check the part
     * @return false when the address is not in the pool at all
     * @throws IndexOutOfBoundsException when the part is not inside one mapping
     */
    boolean sync(long dma, int offset, int bytes, boolean out, boolean copy) {
        SlotPool pool = pools.find(dma);
        if (pool == null) {
            return false;
        }
        int slot = pool.findMapping(dma);
        if (slot == SlotPool.NONE) {
            throw notMapped(dma, bytes, 0);
        }
        long fields = pool.fields(slot);
        long start = pool.address(slot) + SlotPool.offsetOf(fields);
        // From the mapping's first byte, in longs: a part that begins in a later slot, at a lower
        // in-slot offset than the mapping's own, must not come out negative.
        long from = dma - start + offset;
        if (offset < 0 || bytes < 0 || bytes > SlotPool.bytesOf(fields) - from) {
            throw new IndexOutOfBoundsException(
                    "sync dma=0x%x offset=%d bytes=%d outside mapping dma=0x%x bytes=%d"
                            .formatted(dma, offset, bytes, start, SlotPool.bytesOf(fields)));
        }
        if (!copy) {
            return true;
        }
        long original = pool.originalGpa(slot) + from;
        if (out) {
            MemorySegment.copy(guest, start + from, guest, original, bytes);
        } else {
            MemorySegment.copy(guest, original, guest, start + from, bytes);
        }
        pool.countSync(slot, bytes, out);
        return true;
    }

    /** Slots of the mapping that begins at an address, 0 if none does. */
    int slotsAt(long dma) {
        SlotPool pool = pools.find(dma);
        return pool == null ? 0 : SlotPool.slotsOf(pool.fields(pool.slot(dma)));
    }

    /**
     * Whether a range can never be mapped while the caller holds {@code slotsHeld} slots: nobody
     * else holds any, and yet there is no room. A cold call, after {@link #FULL}.
     */
    boolean isTooSmall(SlotGeometry geometry, long gpa, int bytes, long slotsHeld) {
        SlotPools before = pools;
        if (before.used() != slotsHeld) {
            return false; // The usual case, found without any lock.
        }
        long claims = before.claims();
        if (before.used() != slotsHeld) {
            return false;
        }
        long dma = map(geometry, gpa, bytes, false);
        if (dma != FULL) {
            unmap(dma, bytes, false);
            return false;
        }
        // True only if nobody has mapped anything since used() was read, nor grown the pool.
        return !growing.get() && pools == before && before.claims() == claims;
    }

    /** Counters of the pool, with the given number of identity mappings beside them. */
    DmaStatistics statistics(long directMappings) {
        return pools.statistics(options.slotBytes(), directMappings, highWater.value(), busy.sum());
    }

    /** A pool added, by this thread or another, since the caller looked; off the usual path. */
    private @Nullable SlotPool grow(SlotPools seen, long dmaMask) {
        int count = seen.pools.length;
        if (options.maxSlots() <= options.slots() || count == 0 || count >= MAX_POOLS) {
            return null;
        }
        long room = (options.maxSlots() - seen.slots()) / options.segmentSlots();
        int wanted =
                (int) Math.min(wholeSegments(options.growthSlots()), room * options.segmentSlots());
        if (wanted <= 0 || outOfPages || !growing.compareAndSet(false, true)) {
            return null;
        }
        try {
            if (pools != seen) {
                return pools.last().isWithin(dmaMask) ? pools.last() : null;
            }
            SlotPool added = allocatePool(wanted, options.segmentSlots());
            if (added == null) {
                outOfPages = true;
                return null;
            }
            if (!added.isWithin(dmaMask)) {
                pages.free(added.base, added.bytes);
                return null;
            }
            pools = seen.with(added);
            return added;
        } finally {
            growing.set(false);
        }
    }

    /** A pool of {@code most} slots, or of half as many, and so on down to {@code least}. */
    private @Nullable SlotPool allocatePool(int most, int least) {
        int slots = most;
        while (true) {
            long bytes = (long) slots * options.slotBytes();
            long base = pages.allocate(bytes, options.segmentBytes());
            if (base != PageAllocator.NONE) {
                return new SlotPool(base, slots, options, areasWanted);
            }
            if (slots <= least) {
                return null;
            }
            slots = Math.max(wholeSegments(slots / 2), least);
        }
    }

    private void zero(long from, long bytes) {
        long left = bytes;
        for (long at = from; left > 0; ) {
            long part = Math.min(left, ZEROES.byteSize());
            MemorySegment.copy(ZEROES, 0, guest, at, part);
            at += part;
            left -= part;
        }
    }

    private int wholeSegments(int slots) {
        return Math.ceilDiv(slots, options.segmentSlots()) * options.segmentSlots();
    }

    private static int roundUpToPowerOfTwo(int value) {
        return Integer.highestOneBit(value * 2 - 1);
    }

    private static IllegalStateException notMapped(long dma, int bytes, int mappedBytes) {
        return new IllegalStateException(
                "not mapped: dma=0x%x bytes=%d, mapped there bytes=%d"
                        .formatted(dma, bytes, mappedBytes));
    }
}
