package dev.airlock.lab.hostile;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What this process holds: descriptors by kind, mappings of guest memory, threads by name, memory.
 *
 * @param held counts of what must be the same after a peer has gone as before it came
 * @param heapBytes objects that live
 * @param nativeBytes memory from malloc that is in use
 */
record ProcessState(Map<String, Long> held, long heapBytes, long nativeBytes) {
    /**
     * The host's workers of the honest guest, the first to connect: they come and go with its load.
     */
    private static final String HONEST_WORKER = "guest1-lun[0-9]+-worker[0-9]+";

    private static final String GUEST_MEMORY = "memfd:airlock-guest";

    /** {@code struct mallinfo2} of glibc: ten words. */
    private static final StructLayout MALLINFO2 =
            MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, JAVA_LONG));

    /** {@code mallinfo2.hblkhd}: bytes in blocks that have a mapping of their own. */
    private static final long MAPPED_AT = 4 * Long.BYTES;

    /** {@code mallinfo2.uordblks}: bytes in use in all arenas. */
    private static final long USED_AT = 7 * Long.BYTES;

    private static final MethodHandle MALLINFO =
            Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().findOrThrow("mallinfo2"),
                            FunctionDescriptor.of(MALLINFO2));

    static ProcessState now() throws IOException {
        Map<String, Long> held = new TreeMap<>();
        descriptors(held);
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            held.put("mappings", lines.filter(line -> line.contains(GUEST_MEMORY)).count());
        }
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().matches(HONEST_WORKER)) {
                continue;
            }
            String name = thread.getName().replaceAll("[0-9]+", "#");
            if (name.startsWith("guest#") || name.startsWith("storvsc") || name.contains("vmbus")) {
                held.merge("thread " + name, 1L, Long::sum);
            }
        }
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return new ProcessState(held, runtime.totalMemory() - runtime.freeMemory(), malloc());
    }

    private static void descriptors(Map<String, Long> held) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : all.toList()) {
                String target;
                try {
                    target = Files.readSymbolicLink(descriptor).toString();
                } catch (IOException gone) {
                    continue;
                }
                if (target.contains("eventfd")
                        || target.contains(GUEST_MEMORY)
                        || target.startsWith("socket:")) {
                    held.merge(target.replaceAll("[0-9]+", "#"), 1L, Long::sum);
                }
            }
        }
    }

    private static long malloc() {
        try (Arena arena = Arena.ofConfined()) {
            // SAFETY: no arguments; the result is copied into memory of the arena.
            MemorySegment info = (MemorySegment) MALLINFO.invokeExact((SegmentAllocator) arena);
            return info.get(JAVA_LONG, MAPPED_AT) + info.get(JAVA_LONG, USED_AT);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
