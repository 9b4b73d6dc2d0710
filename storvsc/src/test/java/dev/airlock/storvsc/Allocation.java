package dev.airlock.storvsc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Bytes that the current thread has allocated, by a bean that the module under test does not read.
 */
public final class Allocation {
    private static final MethodHandle ALLOCATED_BYTES = allocatedBytes();

    private Allocation() {}

    /** So far; asking costs nothing itself. */
    public static long bytes() {
        try {
            return (long) ALLOCATED_BYTES.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
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
