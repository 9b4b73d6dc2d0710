package dev.airlock.disk;

/** Receives the extents of a range, in order and without gaps, from {@link Disk#extents}. */
@FunctionalInterface
public interface ExtentSink {
    /**
     * Takes one extent. Neighbours differ in {@code allocated} where the disk can tell cheaply, but
     * two calls in a row may say the same.
     *
     * @param offset first byte, within the range asked for
     * @param bytes length, greater than zero
     * @param allocated false if the store holds nothing there and it reads as zeroes; true if it
     *     may hold data
     * @return false to end the walk early
     */
    boolean extent(long offset, long bytes, boolean allocated);
}
