package dev.airlock.disk;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A file that knows what of it is durable, and can lose power: at once by {@link #crash}, or in the
 * middle of a call.
 *
 * <p>What was written since the last sync is lost, kept or torn sector by sector at random. It
 * shares nothing with the model that judges the outcome.
 */
final class RecordingFile extends ArrayFile {
    /** Thrown by the call during which the power fails. */
    static final class PowerLoss extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final int TEAR_SECTOR_BYTES = 512;

    private record Change(int offset, byte[] content, boolean durable) {}

    private final List<Change> sinceSync = new ArrayList<>();
    private byte[] durable;
    private int callsLeft = Integer.MAX_VALUE;

    RecordingFile(FileTraits traits, byte[] content) {
        super(traits, content);
        durable = content.clone();
    }

    /** Lets the power fail during the given call from now, 0 for the next. */
    synchronized void losePowerAfter(int calls) {
        callsLeft = calls;
    }

    /** What the file holds when power is back. */
    synchronized byte[] crash(SplittableRandom random) {
        byte[] image = durable.clone();
        for (Change change : sinceSync) {
            int end = change.offset + change.content.length;
            for (int at = change.offset;
                    at < end;
                    at = (at / TEAR_SECTOR_BYTES + 1) * TEAR_SECTOR_BYTES) {
                int next = Math.min(end, (at / TEAR_SECTOR_BYTES + 1) * TEAR_SECTOR_BYTES);
                int from = at;
                int to = next;
                if (!change.durable) {
                    switch (random.nextInt(4)) {
                        case 0 -> to = from;
                        case 1 -> to = random.nextInt(from, next + 1);
                        case 2 -> from = random.nextInt(from, next + 1);
                        default -> {}
                    }
                }
                System.arraycopy(change.content, from - change.offset, image, from, to - from);
            }
        }
        return image;
    }

    @Override
    public synchronized long write(IoVector from, long offset, boolean durably) {
        boolean powerFails = callsLeft-- == 0;
        long bytes = super.write(from, offset, durably);
        if (bytes > 0) {
            byte[] content = Arrays.copyOfRange(content(), (int) offset, (int) (offset + bytes));
            sinceSync.add(new Change((int) offset, content, durably && !powerFails));
        }
        return requirePower(powerFails, bytes);
    }

    @Override
    public synchronized void syncData() throws LinuxException {
        boolean powerFails = callsLeft-- == 0;
        requirePower(powerFails, 0);
        durable = content();
        sinceSync.clear();
    }

    @Override
    public synchronized void punchHole(long offset, long bytes) throws LinuxException {
        boolean powerFails = callsLeft-- == 0;
        super.punchHole(offset, bytes);
        sinceSync.add(new Change((int) offset, new byte[(int) bytes], false));
        requirePower(powerFails, 0);
    }

    @Override
    public void truncate(long bytes) {
        throw new UnsupportedOperationException("the size of a recording file is fixed");
    }

    private static long requirePower(boolean powerFails, long result) {
        if (powerFails) {
            throw new PowerLoss();
        }
        return result;
    }
}
