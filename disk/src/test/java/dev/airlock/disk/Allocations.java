package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;

/** Counts what a thread allocates on the Java heap. */
final class Allocations {
    private static final int ROUNDS = 500;
    private static final int ATTEMPTS = 400;
    private static final Counter COUNTER = Counter.find();

    private Allocations() {}

    interface Work {
        void round(int i) throws Exception;
    }

    /**
     * Fails unless the work, once warm, runs thousands of rounds on less memory than one object in
     * a hundred of them.
     */
    static void requireNone(Work work) throws Exception {
        long least = Long.MAX_VALUE;
        // The compiler decides when allocations are gone; the first attempts are warm-up.
        for (int attempt = 0; attempt < ATTEMPTS && least > ROUNDS; attempt++) {
            long before = allocatedBytes();
            for (int i = 0; i < ROUNDS; i++) {
                work.round(i);
            }
            least = Math.min(least, allocatedBytes() - before);
        }
        assertThat(least).as("bytes allocated in %d rounds", ROUNDS).isLessThanOrEqualTo(ROUNDS);
    }

    private static long allocatedBytes() throws ReflectiveOperationException {
        return (long) COUNTER.method.invoke(COUNTER.bean);
    }

    /** By reflection, because the module under test does not read jdk.management. */
    private record Counter(Object bean, Method method) {
        static Counter find() {
            try {
                Object bean =
                        Class.forName("java.lang.management.ManagementFactory")
                                .getMethod("getThreadMXBean")
                                .invoke(null);
                Class<?> type = Class.forName("com.sun.management.ThreadMXBean");
                return new Counter(bean, type.getMethod("getCurrentThreadAllocatedBytes"));
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }
}
