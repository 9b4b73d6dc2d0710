package dev.airlock.storvsc;

import dev.airlock.dma.DmaMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of an adapter's rings: coherent, so that the host sees it always. Given back only when
 * the host has confirmed that it uses it no more. One thread at a time.
 */
final class RingMemory {
    private final DmaMapper mapper;
    private final long bytesEach;
    private final List<Long> gpas = new ArrayList<>();

    /**
     * @param bytesEach both rings of a channel together
     */
    RingMemory(DmaMapper mapper, long bytesEach) {
        this.mapper = mapper;
        this.bytesEach = bytesEach;
    }

    /** Zeroed memory for the two rings of one channel. */
    long allocate() throws IOException {
        long gpa = mapper.allocateCoherent(bytesEach);
        if (gpa == DmaMapper.MAPPING_ERROR) {
            throw new IOException("no host-visible memory left for rings: bytes=" + bytesEach);
        }
        gpas.add(gpa);
        return gpa;
    }

    /** Forgets memory that the host may be using for ever. */
    void abandon(long gpa) {
        gpas.remove(Long.valueOf(gpa));
        mapper.abandonCoherent(gpa, bytesEach);
    }

    /** Forgets all of it. */
    void abandonAll() {
        List.copyOf(gpas).forEach(this::abandon);
    }

    /** Gives everything back. */
    void free() {
        for (long gpa : gpas) {
            mapper.freeCoherent(gpa, bytesEach);
        }
        gpas.clear();
    }
}
