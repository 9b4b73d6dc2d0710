package dev.airlock.storvsc.block;

import dev.airlock.dma.DmaMapper;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.UnmapParameters;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.storvsc.TagSet;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The commands of a device: as many as may be in use at once, made when first needed and kept. Owns
 * a sector of zeroes and the memory of UNMAP parameters, both visible to the host. Lock-free.
 */
final class TransferPool {
    /** Room for one UNMAP with one descriptor, as a power of two so that none crosses a page. */
    private static final int PARAMETER_BYTES = 32;

    static {
        if (UnmapParameters.bytes(1) > PARAMETER_BYTES) {
            throw new AssertionError("UNMAP parameters do not fit");
        }
    }

    private final Dispatcher dispatcher;
    private final StorvscAdapter adapter;
    private final DmaMapper mapper;
    private final int maxEntries;
    private final TagSet inUse;
    private final @Nullable Transfer[] transfers;
    private final long coherentGpa;
    private final long coherentBytes;

    TransferPool(Dispatcher dispatcher, StorvscAdapter adapter, int size) throws IOException {
        this.dispatcher = dispatcher;
        this.adapter = adapter;
        this.mapper = adapter.mapper();
        this.maxEntries = adapter.maxTransferBytes() / HvPage.SIZE + 1;
        this.inUse = new TagSet(size);
        this.transfers = new @Nullable Transfer[size];
        this.coherentBytes = HvPage.SIZE + (long) size * PARAMETER_BYTES;
        this.coherentGpa = mapper.allocateCoherent(coherentBytes);
        if (coherentGpa == DmaMapper.MAPPING_ERROR) {
            throw new IOException("no host-visible memory left: bytes=" + coherentBytes);
        }
    }

    /** A transfer for a request; null when all are in use. */
    @Nullable Transfer take(BlockRequest request) {
        int index = inUse.claim();
        if (index < 0) {
            return null;
        }
        Transfer transfer = transfers[index];
        if (transfer == null) {
            long parameters = coherentGpa + HvPage.SIZE + (long) index * PARAMETER_BYTES;
            transfer = new Transfer(dispatcher, index, parameters, maxEntries);
            transfers[index] = transfer;
        }
        transfer.begin(request);
        return transfer;
    }

    void giveBack(Transfer transfer) {
        transfer.end();
        inUse.release(transfer.index());
    }

    int inUse() {
        return inUse.claimedCount();
    }

    /** A page of zeroes. */
    long zeroPageGpa() {
        return coherentGpa;
    }

    /** Gives the memory back; nothing may be in use. */
    void close() {
        if (adapter.mayHostUseMemory()) {
            mapper.abandonCoherent(coherentGpa, coherentBytes);
        } else {
            mapper.freeCoherent(coherentGpa, coherentBytes);
        }
    }
}
