package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Counts what the current thread allocates, by {@code com.sun.management.ThreadMXBean}, which the
 * module under test does not read.
 */
final class Allocation {
    private static final int ROUNDS = 5_000;
    private static final int WINDOWS_MAX = 200;
    private static final MethodHandle ALLOCATED_BYTES = allocatedBytes();

    private Allocation() {}

    /**
     * Fails when every one of many windows of rounds allocates, of which the first still run
     * uncompiled code. Less than a byte a round is what the measuring itself costs.
     */
    static void assertNone(Runnable round) throws Throwable {
        long least = Long.MAX_VALUE;
        for (int window = 0; window < WINDOWS_MAX && least >= ROUNDS; window++) {
            long before = (long) ALLOCATED_BYTES.invokeExact();
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
            }
            least = Math.min(least, (long) ALLOCATED_BYTES.invokeExact() - before);
        }
        assertThat(least).as("bytes allocated in %d rounds", ROUNDS).isLessThan(ROUNDS);
    }

    private static MethodHandle allocatedBytes() {
        try {
            ClassLoader loader = ClassLoader.getSystemClassLoader();
            Class<?> factory = loader.loadClass("java.lang.management.ManagementFactory");
            Class<?> bean = loader.loadClass("com.sun.management.ThreadMXBean");
            Object threads = factory.getMethod("getThreadMXBean").invoke(null);
            MethodType type = MethodType.methodType(long.class);
            return MethodHandles.publicLookup()
                    .findVirtual(bean, "getCurrentThreadAllocatedBytes", type)
                    .bindTo(threads);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
