package dev.airlock.disk;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A file whose calls end early, are interrupted, or fail when a test says so. */
final class FlakyFile extends ForwardingFile {
    /** What can be told to fail. */
    enum Call {
        READ,
        READ_WITHOUT_WAITING,
        WRITE,
        DURABLE_WRITE,
        SYNC,
        PUNCH,
        ZERO_RANGE,
        TRUNCATE,
        SEEK
    }

    private final @Nullable SplittableRandom interruptions;
    private final Map<Call, Integer> failures = new EnumMap<>(Call.class);
    private final Map<Call, Integer> calls = new EnumMap<>(Call.class);
    private long transferBytesMax = Long.MAX_VALUE;

    private FlakyFile(BackingFile file, @Nullable SplittableRandom interruptions) {
        super(file);
        this.interruptions = interruptions;
    }

    /** Interrupts and shortens transfers at random, as the kernel may. */
    static FlakyFile interrupted(BackingFile file, SplittableRandom random) {
        return new FlakyFile(file, random);
    }

    /** Fails only as told. */
    static FlakyFile over(BackingFile file) {
        return new FlakyFile(file, null);
    }

    /** Lets every such call fail until {@link #mend}. */
    synchronized void fail(Call call, int errno) {
        failures.put(call, errno);
    }

    synchronized void mend(Call call) {
        failures.remove(call);
    }

    /** Shortens every transfer to that many bytes. */
    synchronized void shorten(long bytes) {
        transferBytesMax = bytes;
    }

    synchronized int calls(Call call) {
        return calls.getOrDefault(call, 0);
    }

    private synchronized int outcome(Call call) {
        calls.merge(call, 1, Integer::sum);
        if (interruptions != null
                && call.compareTo(Call.SYNC) < 0
                && interruptions.nextInt(10) == 0) {
            return call == Call.READ_WITHOUT_WAITING ? Errno.EAGAIN : Errno.EINTR;
        }
        return failures.getOrDefault(call, 0);
    }

    private void check(Call call) throws LinuxException {
        int errno = outcome(call);
        if (errno != 0) {
            throw new LinuxException(call.name(), "", errno);
        }
    }

    private synchronized IoVector shortened(IoVector vector) {
        long bytes = Math.min(vector.totalBytes(), transferBytesMax);
        if (interruptions != null && interruptions.nextInt(3) == 0) {
            bytes = interruptions.nextLong(1, bytes + 1);
        }
        if (traits().direct()) {
            bytes =
                    Math.max(
                            traits().offsetAlignmentBytes(),
                            bytes & -traits().offsetAlignmentBytes());
        }
        IoVector part = new IoVector(vector.count());
        if (!vector.slice(0, bytes, part)) {
            throw new AssertionError();
        }
        return part;
    }

    @Override
    public long read(IoVector into, long offset) {
        int errno = outcome(Call.READ);
        return errno != 0 ? -errno : super.read(shortened(into), offset);
    }

    @Override
    public long readWithoutWaiting(IoVector into, long offset) {
        int errno = outcome(Call.READ_WITHOUT_WAITING);
        return errno != 0 ? -errno : super.readWithoutWaiting(shortened(into), offset);
    }

    @Override
    public long write(IoVector from, long offset, boolean durable) {
        int errno = outcome(durable ? Call.DURABLE_WRITE : Call.WRITE);
        return errno != 0 ? -errno : super.write(shortened(from), offset, durable);
    }

    @Override
    public void syncData() throws LinuxException {
        check(Call.SYNC);
        super.syncData();
    }

    @Override
    public void punchHole(long offset, long bytes) throws LinuxException {
        check(Call.PUNCH);
        super.punchHole(offset, bytes);
    }

    @Override
    public void zeroRange(long offset, long bytes) throws LinuxException {
        check(Call.ZERO_RANGE);
        super.zeroRange(offset, bytes);
    }

    @Override
    public void truncate(long bytes) throws LinuxException {
        check(Call.TRUNCATE);
        super.truncate(bytes);
    }

    @Override
    public long nextData(long offset) throws LinuxException {
        check(Call.SEEK);
        return super.nextData(offset);
    }
}
