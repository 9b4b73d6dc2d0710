package dev.airlock.lab.bench;

import dev.airlock.disk.Disk;
import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.PageAllocator;
import dev.airlock.memory.SharedRegion;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsitarget.DiskIdentity;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LogicalUnitOptions;
import dev.airlock.storvsc.DataDirection;
import dev.airlock.storvsc.DeviceChannels;
import dev.airlock.storvsc.ScsiRequest;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.StorvscChannel;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.SubmitResult;
import dev.airlock.storvsp.StorvspDevice;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.loopback.Loopback;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One guest and its host on the caller's thread: driver, rings, packets, provider and SCSI target
 * are the product's, with every check they make; only threads, doorbells and the socket are
 * missing. Tells what the path itself costs.
 *
 * <p>Not thread safe. {@link #close} frees everything but the disks, which stay the caller's.
 */
final class OneThreadPath implements AutoCloseable {
    private static final int BLOCK_BYTES = HvPage.SIZE;
    private static final int REQUESTS_MAX = 64;

    /** Small, since what each request could need is allocated at the start, and there are many. */
    private static final int TRANSFER_BYTES_MAX = 64 << 10;

    private static final long MIB = 1 << 20;

    private final GuestMemory memory;
    private final DmaMapper mapper;
    private final HostMemory hostMemory = new HostMemory(HostMemoryLimits.DEFAULT);
    private final StorvspDevice host;
    private final StorvscAdapter guest;
    private final StorvscChannel[] channels;
    private final List<Loopback> loopbacks = new ArrayList<>();
    private final ScsiRequest[] requests = new ScsiRequest[REQUESTS_MAX];
    private final long[] buffers = new long[REQUESTS_MAX];
    private final List<Long> held = new ArrayList<>();
    private final int luns;
    private final long blocks;
    private int position;
    private int nextLun;
    private int nextChannel;
    private int ended;

    /**
     * Brings both ends up.
     *
     * @param isolated whether the guest bounces
     * @param disks the logical units, from LUN 0 on; at least one
     * @param subchannels beside the primary channel
     */
    OneThreadPath(boolean isolated, List<? extends Disk> disks, int subchannels)
            throws IOException {
        memory =
                isolated
                        ? GuestMemory.isolated(8 * MIB, 12 * MIB + subchannels * MIB)
                        : GuestMemory.shared(12 * MIB + subchannels * MIB);
        mapper =
                DmaMapper.forGuest(
                        memory, SwiotlbOptions.DEFAULTS.withPoolBytes(4 * MIB), DmaLimits.STORVSC);
        for (SharedRegion region : memory.sharedRegions()) {
            hostMemory.addRegion(region.gpa(), region.bytes(), region.memfd(), region.offset());
        }
        host =
                new StorvspDevice(
                        "bench",
                        StorvspOptions.defaults()
                                .withQueueDepth(REQUESTS_MAX)
                                .withMaxTransferBytes(TRANSFER_BYTES_MAX)
                                .withSubchannels(subchannels)
                                .withoutRingThreads(),
                        new Attached(disks),
                        line -> {});
        guest =
                StorvscAdapter.open(
                        new InProcess(subchannels),
                        mapper,
                        memory.bytes(),
                        new StorvscOptions()
                                .queueDepth(REQUESTS_MAX)
                                .subchannels(subchannels)
                                .singleThreaded(() -> host.poll()));
        channels = guest.channels().toArray(StorvscChannel[]::new);
        if (channels.length != 1 + subchannels) {
            throw new IOException("channels=" + channels.length + " subchannels=" + subchannels);
        }
        luns = disks.size();
        blocks = disks.getFirst().sizeBytes() / BLOCK_BYTES;
        for (int i = 0; i < REQUESTS_MAX; i++) {
            buffers[i] = memory.privatePages().allocate(BLOCK_BYTES, BLOCK_BYTES);
            if (buffers[i] == PageAllocator.NONE) {
                throw new IOException("no memory for buffers");
            }
            requests[i] = new ScsiRequest(1).onCompletion(this::completed);
        }
        clearAttentions();
    }

    /**
     * Takes slots of the bounce pool for good, scattered over all of it: every slot is taken, then
     * some are given back at even distances.
     *
     * @param share of the slots that stay in use
     */
    void fillPool(double share) {
        long dma = hold();
        while (dma != DmaMapper.MAPPING_ERROR) {
            held.add(dma);
            dma = hold();
        }
        int every = (int) (1 / (1 - share));
        for (int i = held.size() - 1; i >= 0; i -= every) {
            release(held.remove(i));
        }
    }

    private void release(long dma) {
        mapper.unmapSingle(dma, BLOCK_BYTES, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
    }

    private long hold() {
        return mapper.mapSingle(
                buffers[0], BLOCK_BYTES, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
    }

    /**
     * Sends reads of 4 KiB, lets the host work, takes their completions.
     *
     * @param count how many at once, at most 64
     * @param attributes for the mapping
     */
    void exchange(int count, int attributes) throws IOException {
        StorvscChannel channel = channels[nextChannel];
        nextChannel = nextChannel + 1 == channels.length ? 0 : nextChannel + 1;
        for (int i = 0; i < count; i++) {
            ScsiRequest request = requests[i].prepare(0, 0, nextLun, DataDirection.FROM_DEVICE);
            nextLun = nextLun + 1 == luns ? 0 : nextLun + 1;
            position = position + 1 == blocks ? 0 : position + 1;
            long sectors = BLOCK_BYTES / Disk.DEFAULT_SECTOR_BYTES;
            Cdb.encode(request.cdb(), 0, ScsiCommand.READ_10, position * sectors, sectors);
            request.cdbLength(10).mappingAttributes(attributes).addData(buffers[i], BLOCK_BYTES);
            require(channel.enqueue(request) == SubmitResult.ACCEPTED);
        }
        channel.publish();
        int target = ended + count;
        while (ended != target) {
            require(host.poll(channel.index()) > 0);
            channel.poll(count);
        }
    }

    /** Doorbells that the guest rang so far. */
    long signals() {
        return guest.statistics().signals();
    }

    private void completed(ScsiRequest request) {
        ended++;
        if (request.srbStatus() != SrbStatus.SUCCESS
                || request.scsiStatus() != ScsiStatus.GOOD
                || request.transferredBytes() != BLOCK_BYTES) {
            throw new IllegalStateException("read failed: srbStatus=" + request.srbStatus());
        }
    }

    /** Takes what a new unit may have to say before it works. */
    private void clearAttentions() throws IOException {
        for (int lun = 0; lun < luns; lun++) {
            ScsiRequest ready = new ScsiRequest(1).prepare(0, 0, lun, DataDirection.NONE);
            ready.cdbLength(6);
            require(guest.submit(ready) == SubmitResult.ACCEPTED);
            host.poll();
            guest.poll();
        }
    }

    private static void require(boolean condition) throws IOException {
        if (!condition) {
            throw new IOException("the path on one thread is stuck");
        }
    }

    @Override
    public void close() {
        guest.close();
        for (int i = loopbacks.size() - 1; i >= 0; i--) {
            Loopback loopback = loopbacks.get(i);
            loopback.host().end();
            host.closed(loopback.host());
            loopback.close();
        }
        held.forEach(this::release);
        mapper.close();
        hostMemory.close();
        memory.close();
    }

    private record Attached(List<? extends Disk> disks) implements StorvspDevice.Owner {
        @Override
        public void connected(StorvspDevice device) {
            for (int lun = 0; lun < disks.size(); lun++) {
                LogicalUnitOptions options =
                        LogicalUnitOptions.defaults().withMaxTransferBytes(TRANSFER_BYTES_MAX);
                DiskIdentity identity = DiskIdentity.ofSerial("bench" + lun);
                device.attach(lun, new LogicalUnit(disks.get(lun), identity, options));
            }
        }

        @Override
        public void disconnected(StorvspDevice device) {}
    }

    private final class InProcess implements DeviceChannels {
        private final int subchannels;

        InProcess(int subchannels) {
            this.subchannels = subchannels;
        }

        @Override
        public GuestChannel open(int index, long ringGpa, int outBytes, int inBytes)
                throws IOException {
            MemorySegment rings = memory.bytes().asSlice(ringGpa, (long) outBytes + inBytes);
            Offer offer = host.offer().numbered(index, 1 + index, 1 + index);
            Loopback loopback = new Loopback(offer, rings, outBytes, hostMemory, false);
            loopbacks.add(loopback);
            loopback.host().subchannelsWithoutBus(subchannels);
            host.opened(loopback.host());
            return loopback.guest();
        }

        @Override
        public int awaitSubchannels(int count, long timeoutMs) {
            return count;
        }
    }
}
