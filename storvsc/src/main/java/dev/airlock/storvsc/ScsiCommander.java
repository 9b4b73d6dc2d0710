package dev.airlock.storvsc;

import dev.airlock.dma.DmaMapper;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.SenseKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs one command after another and waits for each, for what is asked of a LUN before and beside
 * its reads and writes. Data goes through a page that the host always sees, so it needs no bounce;
 * answers are copied out of it once before anybody looks at them.
 *
 * <p>Unit attentions, busy answers and LUNs that are becoming ready are tried again a limited
 * number of times. Single-threaded.
 */
final class ScsiCommander implements AutoCloseable {
    /** Most bytes of an answer. */
    static final int MAX_DATA_BYTES = HvPage.SIZE;

    private static final int ATTENTIONS_MAX = 16;
    private static final int WAITS_MAX = 100;
    private static final long WAIT_NANOS = 10_000_000;
    private static final long BUSY_NANOS = 200_000;

    private final StorvscAdapter adapter;
    private final DmaMapper mapper;
    private final MemorySegment guestMemory;
    private final long pageGpa;
    private final MemorySegment data;
    private final ScsiRequest request = new ScsiRequest(1);

    ScsiCommander(StorvscAdapter adapter, DmaMapper mapper, MemorySegment guestMemory)
            throws IOException {
        this.adapter = adapter;
        this.mapper = mapper;
        this.guestMemory = guestMemory;
        this.data = Arena.ofAuto().allocate(MAX_DATA_BYTES, Long.BYTES);
        this.pageGpa = mapper.allocateCoherent(MAX_DATA_BYTES);
        if (pageGpa == DmaMapper.MAPPING_ERROR) {
            throw new IOException("no host-visible page left for SCSI commands");
        }
    }

    /** Starts a command; its CDB is to be written into {@link ScsiRequest#cdb}. */
    ScsiRequest prepare(LunAddress at, int cdbLength, int dataInBytes) {
        request.prepare(at, dataInBytes == 0 ? DataDirection.NONE : DataDirection.FROM_DEVICE);
        request.cdbLength(cdbLength);
        if (dataInBytes > 0) {
            request.addData(pageGpa, dataInBytes);
        }
        return request;
    }

    /**
     * Runs what was prepared.
     *
     * @return bytes of {@link #data()} that are valid, or -1 when the command failed; {@link
     *     #request()} says how
     */
    int run() throws IOException {
        int attentions = 0;
        int waits = 0;
        while (true) {
            runToEnd();
            if (request.outcome() == Outcome.CHANNEL_CLOSED) {
                throw new IOException("adapter closed during a SCSI command");
            }
            if (CommandResult.isGood(request)) {
                int bytes = request.transferredBytes();
                MemorySegment.copy(guestMemory, pageGpa, data, 0, bytes);
                return bytes;
            }
            if (CommandResult.isUnitAttention(request) && attentions < ATTENTIONS_MAX) {
                attentions++;
            } else if (isWorthWaiting() && waits < WAITS_MAX) {
                waits++;
                adapter.pause(WAIT_NANOS);
            } else {
                return -1;
            }
        }
    }

    /** The private copy of the last answer. */
    MemorySegment data() {
        return data;
    }

    /** The last command with its results. */
    ScsiRequest request() {
        return request;
    }

    @Override
    public void close() {
        mapper.freeCoherent(pageGpa, MAX_DATA_BYTES);
    }

    /** Leaves the memory to the host, which may use it for ever. Instead of {@link #close}. */
    void abandon() {
        mapper.abandonCoherent(pageGpa, MAX_DATA_BYTES);
    }

    /** Submits the prepared command and returns when it has ended, whatever its result. */
    private void runToEnd() {
        EndSignal end = new EndSignal();
        request.onCompletion(end);
        SubmitResult result = adapter.submit(request);
        while (result == SubmitResult.BUSY) {
            adapter.pause(BUSY_NANOS);
            result = adapter.submit(request);
        }
        if (result != SubmitResult.ACCEPTED) {
            request.fail(Outcome.CHANNEL_CLOSED);
            return;
        }
        boolean interrupted = false;
        while (!end.isSet()) {
            if (adapter.isSingleThreaded()) {
                adapter.pumpOnce();
            } else {
                LockSupport.park(this);
                // Parking does not wait with an interrupt pending: keep it for the end.
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isWorthWaiting() {
        return CommandResult.isHostBusy(request)
                || CommandResult.isAborted(request)
                || (CommandResult.senseKey(request) == SenseKey.NOT_READY
                        && CommandResult.additionalSense(request)
                                == AdditionalSense.BECOMING_READY);
    }
}
