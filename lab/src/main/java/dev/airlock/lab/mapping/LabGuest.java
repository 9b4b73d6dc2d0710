package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A guest of the laboratory: one driver, one page size, isolated or not. One thread. */
final class LabGuest implements AutoCloseable {
    private static final int LARGEST_PAGE = 64 << 10;

    private final Kind kind;
    private final StorageGuest guest;
    private final MappingMeter meter;
    private final long buffers;
    private final long bufferBytes;

    /** What tells guests apart. */
    record Kind(boolean isolated, Way way, int guestPageBytes) {}

    private LabGuest(
            Kind kind, StorageGuest guest, MappingMeter meter, long buffers, long bufferBytes) {
        this.kind = kind;
        this.guest = guest;
        this.meter = meter;
        this.buffers = buffers;
        this.bufferBytes = bufferBytes;
    }

    /**
     * Attaches a guest.
     *
     * @param bufferBytes of its memory for I/O buffers
     */
    static LabGuest attach(Path socket, Kind kind, long bufferBytes) throws IOException {
        MappingMeter meter = new MappingMeter();
        GuestOptions options =
                GuestOptions.standard(kind.isolated())
                        .withStorvsc(
                                new StorvscOptions().mapping(meter.factory(kind.way())).scan(1, 1))
                        .withDma(DmaLimits.STORVSC.withGuestPageBytes(kind.guestPageBytes()));
        StorageGuest guest = StorageGuest.connect(socket, options);
        long buffers = guest.memory().privatePages().allocate(bufferBytes, LARGEST_PAGE);
        if (buffers == PageAllocator.NONE || guest.disks().isEmpty()) {
            guest.close();
            throw new IOException("the host at " + socket + " offers no disk");
        }
        return new LabGuest(kind, guest, meter, buffers, bufferBytes);
    }

    StorageGuest guest() {
        return guest;
    }

    MappingMeter meter() {
        return meter;
    }

    /** The disk that is measured: the first. */
    BlockDevice disk() {
        return guest.disks().getFirst();
    }

    /** Memory for {@code count} I/Os at once; given again by the next call. */
    List<Scatterlist> buffers(Layout layout, int bytes, int count) {
        long region = Layout.regionBytes(bytes, kind.guestPageBytes());
        long stride = Math.ceilDiv(region, LARGEST_PAGE) * LARGEST_PAGE;
        if (stride * count > bufferBytes) {
            throw new IllegalArgumentException("buffers of bytes=" + bytes + " count=" + count);
        }
        List<Scatterlist> lists = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            lists.add(layout.list(buffers + i * stride, bytes, kind.guestPageBytes()));
        }
        return lists;
    }

    @Override
    public void close() {
        guest.close();
    }
}
