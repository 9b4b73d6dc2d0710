package dev.airlock.disk;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.IoVector;
import java.lang.foreign.MemorySegment;

/**
 * Page-aligned memory for one transfer that cannot use the caller's. Used by one thread at a time;
 * see {@link AlignedBuffers}.
 */
final class AlignedBuffer implements AutoCloseable {
    /** Large enough that the system call is small beside the copy. */
    static final int BYTES = 256 << 10;

    private final Mapping mapping;
    private final IoVector vector = new IoVector(1);
    private IoVector slice = new IoVector(1);

    AlignedBuffer() throws LinuxException {
        mapping = Mapping.anonymous(BYTES);
    }

    /** All of it. */
    MemorySegment memory() {
        return mapping.segment();
    }

    /** Its first {@code bytes} as a vector, valid until the next call. */
    IoVector vector(long bytes) {
        vector.clear();
        vector.add(mapping.segment(), 0, bytes);
        return vector;
    }

    /** A part of another vector, valid until the next call. */
    IoVector slice(IoVector whole, long byteOffset, long bytes) {
        if (slice.capacity() < whole.count()) {
            slice = new IoVector(whole.count());
        }
        if (!whole.slice(byteOffset, bytes, slice)) {
            throw new AssertionError("a part has more ranges than the whole: " + whole);
        }
        return slice;
    }

    @Override
    public void close() {
        mapping.close();
    }
}
