package dev.airlock.lab.bench;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.PageAllocator;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * What memcpy does with the copies of a bounced load and nothing else: the same blocks, cut as the
 * driver cuts them, as many of them under way, from private memory to host-visible memory and, for
 * reads, back.
 */
final class CopyRival implements PathCase.Rival {
    private final Load load;
    private final int pieceBytes;

    /**
     * @param pieceBytes largest command of the driver
     */
    CopyRival(Load load, int pieceBytes) {
        this.load = load;
        this.pieceBytes = pieceBytes;
    }

    @Override
    public Map<String, Double> measure(long nanos) throws IOException {
        int block = load.blockBytes();
        int depth = load.queueDepth();
        long bytes = (long) block * depth;
        try (GuestMemory memory = GuestMemory.isolated(2 * bytes, 2 * bytes)) {
            long buffers = allocate(memory.privatePages(), bytes);
            long slots = allocate(memory.visiblePages(), bytes);
            MemorySegment all = memory.bytes();
            all.asSlice(buffers, bytes).fill((byte) 1);
            all.asSlice(slots, bytes).fill((byte) 2);
            boolean copiesIn = !load.overwriting();
            boolean copiesOut = !load.write();
            long blocks = 0;
            long start = System.nanoTime();
            long elapsed;
            do {
                long in = blocks % depth * block;
                // As in the path, the block that ends is the one that began longest ago.
                long out = (blocks + 1) % depth * block;
                for (long at = 0; at < block; at += pieceBytes) {
                    long piece = Math.min(pieceBytes, block - at);
                    if (copiesIn) {
                        MemorySegment.copy(all, buffers + in + at, all, slots + in + at, piece);
                    }
                }
                for (long at = 0; at < block; at += pieceBytes) {
                    long piece = Math.min(pieceBytes, block - at);
                    if (copiesOut) {
                        MemorySegment.copy(all, slots + out + at, all, buffers + out + at, piece);
                    }
                }
                blocks++;
                elapsed = System.nanoTime() - start;
            } while (elapsed < nanos);
            return Map.of("memcpySameWayMBps", blocks * block * load.copies() * 1e3 / elapsed);
        }
    }

    private static long allocate(PageAllocator pages, long bytes) throws IOException {
        long gpa = pages.allocate(bytes, 4096);
        if (gpa == PageAllocator.NONE) {
            throw new IOException("no memory for the memcpy yardstick");
        }
        return gpa;
    }
}
