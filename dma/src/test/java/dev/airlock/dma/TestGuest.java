package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.PageAllocator;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A guest's memory with the few ways in which the tests touch it. */
final class TestGuest implements AutoCloseable {
    static final int MIB = 1 << 20;

    /** Poolsize small enough to be filled by a test: 4 MiB, 16 segments. */
    static final SwiotlbOptions SMALL = SwiotlbOptions.DEFAULTS.withPoolBytes(4 * MIB);

    final GuestMemory memory;

    private TestGuest(GuestMemory memory) {
        this.memory = memory;
    }

    static TestGuest isolated(long privateBytes, long visibleBytes) {
        try {
            return new TestGuest(GuestMemory.isolated(privateBytes, visibleBytes));
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    static TestGuest shared(long bytes) {
        try {
            return new TestGuest(GuestMemory.shared(bytes));
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    /** Private memory, at an offset in a 64 KiB page. */
    long allocate(long bytes, int offset) {
        return allocate(memory.privatePages(), bytes, offset);
    }

    long allocateVisible(long bytes) {
        return allocate(memory.visiblePages(), bytes, 0);
    }

    private static long allocate(PageAllocator pages, long bytes, int offset) {
        long gpa = pages.allocate(bytes + offset, 64 << 10);
        assertThat(gpa).as("pages for the test").isPositive();
        return gpa + offset;
    }

    void fill(long gpa, int bytes, int value) {
        segment(gpa, bytes).fill((byte) value);
    }

    void write(long gpa, byte... bytes) {
        MemorySegment.copy(bytes, 0, memory.bytes(), ValueLayout.JAVA_BYTE, gpa, bytes.length);
    }

    byte[] read(long gpa, int bytes) {
        return segment(gpa, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    boolean isFilled(long gpa, long bytes, int value) {
        MemorySegment segment = memory.bytes();
        for (long at = gpa; at < gpa + bytes; at++) {
            if (segment.get(ValueLayout.JAVA_BYTE, at) != (byte) value) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        memory.close();
    }

    private MemorySegment segment(long gpa, long bytes) {
        return memory.bytes().asSlice(gpa, bytes);
    }
}
