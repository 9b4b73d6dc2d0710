package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.StorvscStatistics;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockException;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import dev.airlock.storvsc.guest.StorageGuest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.LongAdder;

/**
 * Programs in a guest whose host is hostile. Their I/O may fail and what they read may be anything;
 * but each call returns, nothing beside a buffer is touched, a buffer that is written from does not
 * change, and no byte of private memory beside the buffers reaches the host.
 *
 * <p>All private memory that is no buffer in use holds one word again and again.
 */
final class Victim {
    private static final long CANARY = 0x5AFE_C0DE_5AFE_C0DEL;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    /** To be copied and compared with, which is faster than words one by one. */
    private static final MemorySegment CANARIES = canaries(64 << 10);

    private static final int CALLERS = 3;
    private static final int DEPTH = 20;
    private static final int AREA_BYTES = 96 << 10;
    private static final int SECTORS_MAX = 160;
    private static final byte WRITTEN = 0x77;
    private static final MemorySegment ALL_WRITTEN =
            MemorySegment.ofArray(new byte[AREA_BYTES]).fill(WRITTEN);
    private static final long DISK_BYTES = 8 << 20;

    private final StorageGuest guest;
    private final BlockDevice device;
    private final GuestMemory memory;
    private final LongAdder succeeded;
    private final LongAdder failed;
    private volatile boolean enough;

    Victim(StorageGuest guest, LongAdder succeeded, LongAdder failed) {
        this.guest = guest;
        this.device = guest.disks().getFirst();
        this.memory = guest.memory();
        this.succeeded = succeeded;
        this.failed = failed;
        fill(0, memory.privatePageCount() << HvPage.SHIFT);
    }

    /** Works until the disk is gone or the time is up; fails if a rule was broken. */
    void work(long nanos, Dice dice) throws InterruptedException {
        List<Watch.Running> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            long area = HvPage.SIZE + (long) i * AREA_BYTES;
            Dice own = new Dice(dice.bits());
            callers.add(Watch.start("caller-" + i, () -> call(area, own)));
        }
        long areas = HvPage.SIZE + (long) CALLERS * AREA_BYTES;
        Dice own = new Dice(dice.bits());
        callers.add(Watch.start("submitter", () -> submit(areas, own)));
        long end = System.nanoTime() + nanos;
        while (callers.stream().anyMatch(Watch.Running::isRunning) && System.nanoTime() - end < 0) {
            Thread.sleep(1);
        }
        enough = true;
        for (Watch.Running caller : callers) {
            caller.join(() -> succeeded.sum() + failed.sum());
        }
    }

    /** Ends the guest; fails when it leaves something behind. Returns what its driver counted. */
    StorvscStatistics end() {
        requireCanary(0, memory.privatePageCount() << HvPage.SHIFT, "private memory");
        requireNoCanaryInSight();
        guest.adapter().close();
        requireCanary(0, memory.privatePageCount() << HvPage.SHIFT, "private memory, closed");
        String failure = guest.adapter().failure();
        assertThat(failure).isNotNull().doesNotContain("completion thread");
        guest.bus().close();
        // The connection has ended: what was kept from the host's reach can go.
        guest.adapter().close();
        StorvscStatistics statistics = guest.adapter().statistics();
        assertThat(guest.mapper().statistics().slotsUsed()).as("bounce slots").isZero();
        assertThat(statistics.slotsQuarantined()).isZero();
        assertThat(statistics.inFlight()).isZero();
        guest.close();
        return statistics;
    }

    private void call(long area, Dice dice) {
        BlockRequest request = new BlockRequest();
        while (!enough && !device.isGone()) {
            Io io = new Io(area, request);
            io.prepare(dice);
            try {
                device.execute(request);
            } catch (BlockException e) {
                // Counted by its status.
            }
            io.check();
            if (request.status() == BlockStatus.GONE) {
                return;
            }
        }
    }

    private void submit(long areas, Dice dice) throws InterruptedException {
        BlockingQueue<Io> ended = new ArrayBlockingQueue<>(DEPTH);
        int underWay = 0;
        for (int i = 0; i < DEPTH; i++) {
            Io io = new Io(areas + (long) i * AREA_BYTES, new BlockRequest());
            io.request.onCompletion(request -> ended.add(io));
            io.prepare(dice);
            device.submit(io.request);
            underWay++;
        }
        while (underWay > 0) {
            Io io = ended.take();
            io.check();
            underWay--;
            if (!enough && !device.isGone() && io.request.status() != BlockStatus.GONE) {
                io.prepare(dice);
                device.submit(io.request);
                underWay++;
            }
        }
    }

    /** One I/O in an area of its own, the buffer anywhere in it. */
    private final class Io {
        private final long area;
        private final BlockRequest request;
        private long gpa;
        private int bytes;
        private boolean write;

        private Io(long area, BlockRequest request) {
            this.area = area;
            this.request = request;
        }

        private void prepare(Dice dice) {
            int sector = device.sectorBytes();
            int sectors = dice.oneIn(4) ? SECTORS_MAX : SECTORS_MAX / 16;
            bytes = Math.min(dice.between(1, sectors) * sector, AREA_BYTES - HvPage.SIZE);
            bytes -= bytes % sector;
            gpa = area + dice.below(AREA_BYTES - bytes);
            long last = Math.max(0, Math.min(device.sizeBytes(), DISK_BYTES) - bytes);
            long offset = last == 0 ? 0 : dice.below((int) last);
            offset -= offset % sector;
            write = false;
            switch (dice.below(32)) {
                case 0 -> request.flush();
                case 1 -> request.writeZeroes(offset, bytes, dice.oneIn(2));
                case 2 -> request.trim(offset, bytes);
                default -> {
                    write = dice.oneIn(2);
                    memory.bytes().asSlice(gpa, bytes).fill(write ? WRITTEN : 0);
                    if (write) {
                        request.write(offset, gpa, bytes, dice.oneIn(8));
                    } else {
                        request.read(offset, gpa, bytes);
                    }
                }
            }
        }

        private void check() {
            (request.status() == BlockStatus.OK ? succeeded : failed).increment();
            MemorySegment buffer = memory.bytes().asSlice(gpa, bytes);
            if (write && MemorySegment.mismatch(buffer, 0, bytes, ALL_WRITTEN, 0, bytes) >= 0) {
                throw new AssertionError("buffer of a write changed: " + this);
            }
            fillAsBefore(gpa, bytes);
            requireCanary(area, area + AREA_BYTES, "around a buffer");
        }

        @Override
        public String toString() {
            return "gpa=0x%x bytes=%d %s".formatted(gpa, bytes, request.describe());
        }
    }

    /** Any range, in step with the words around it. */
    private void fillAsBefore(long gpa, long bytes) {
        long at = gpa;
        for (; at < gpa + bytes && at % Long.BYTES != 0; at++) {
            putByte(at);
        }
        long whole = (gpa + bytes) & -Long.BYTES;
        if (whole > at) {
            fill(at, whole);
            at = whole;
        }
        for (; at < gpa + bytes; at++) {
            putByte(at);
        }
    }

    private void putByte(long at) {
        byte value = (byte) (CANARY >>> at % Long.BYTES * Byte.SIZE);
        memory.bytes().set(ValueLayout.JAVA_BYTE, at, value);
    }

    private static MemorySegment canaries(int bytes) {
        MemorySegment segment = MemorySegment.ofArray(new byte[bytes]);
        for (long at = 0; at < bytes; at += Long.BYTES) {
            segment.set(WORD, at, CANARY);
        }
        return segment;
    }

    /** Whole words; {@code to} not included. */
    private void fill(long from, long to) {
        for (long at = from; at < to; at += CANARIES.byteSize()) {
            long bytes = Math.min(to - at, CANARIES.byteSize());
            MemorySegment.copy(CANARIES, 0, memory.bytes(), at, bytes);
        }
    }

    private void requireCanary(long from, long to, String where) {
        for (long at = from; at < to; at += CANARIES.byteSize()) {
            long bytes = Math.min(to - at, CANARIES.byteSize());
            long wrong = MemorySegment.mismatch(memory.bytes(), at, at + bytes, CANARIES, 0, bytes);
            if (wrong >= 0) {
                throw new AssertionError("%s was written at gpa=0x%x".formatted(where, at + wrong));
            }
        }
    }

    /** At any alignment: a bounce keeps the offset in its page, so words may be split. */
    private void requireNoCanaryInSight() {
        long from = memory.privatePageCount() << HvPage.SHIFT;
        long to = memory.bytes().byteSize();
        for (int shift = 0; shift < Long.BYTES; shift++) {
            long rotated = Long.rotateLeft(CANARY, shift * Byte.SIZE);
            for (long at = from; at < to; at += Long.BYTES) {
                if (memory.bytes().get(WORD, at) == rotated) {
                    throw new AssertionError(
                            "private memory seen by the host at gpa=0x%x".formatted(at));
                }
            }
        }
    }
}
