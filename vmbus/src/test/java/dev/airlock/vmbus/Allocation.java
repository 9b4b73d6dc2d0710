package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Counts what a thread allocates, by {@code com.sun.management.ThreadMXBean} without a dependency
 * of the module on it.
 */
final class Allocation {
    private static final int ROUNDS = 5_000;
    private static final int WINDOWS_MAX = 200;
    private static final MethodHandle ALLOCATED_BYTES = allocatedBytes();

    private Allocation() {}

    /** An operation under test. */
    interface Operation {
        void run() throws Exception;
    }

    /**
     * Fails when the operation allocates in its steady state: in every one of many windows, of
     * which the first ones still run uncompiled code. In a window less than a byte a round is what
     * the measuring itself may cost.
     */
    static void assertNone(Operation operation) {
        try {
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS_MAX && least >= ROUNDS; window++) {
                long before = (long) ALLOCATED_BYTES.invokeExact();
                for (int i = 0; i < ROUNDS; i++) {
                    operation.run();
                }
                least = Math.min(least, (long) ALLOCATED_BYTES.invokeExact() - before);
            }
            assertThat(least).as("bytes allocated in %d rounds", ROUNDS).isLessThan(ROUNDS);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static MethodHandle allocatedBytes() {
        try {
            ClassLoader loader = ClassLoader.getSystemClassLoader();
            Class<?> factory = loader.loadClass("java.lang.management.ManagementFactory");
            Class<?> bean = loader.loadClass("com.sun.management.ThreadMXBean");
            Object threads = factory.getMethod("getThreadMXBean").invoke(null);
            return MethodHandles.publicLookup()
                    .findVirtual(
                            bean,
                            "getCurrentThreadAllocatedBytes",
                            MethodType.methodType(long.class))
                    .bindTo(threads);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
