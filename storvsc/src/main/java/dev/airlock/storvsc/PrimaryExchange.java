package dev.airlock.storvsc;

import dev.airlock.linux.LinuxException;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Sends the packets of the initialisation on the primary channel and waits for each answer, polling
 * the channel itself since nobody else does yet. Single-threaded.
 */
final class PrimaryExchange implements Handshake.Exchange {
    /** Longest single wait for the host to ring. */
    private static final long WAIT_MS = 50;

    private final StorvscAdapter adapter;
    private final StorvscChannel primary;
    private final long timeoutMs;
    private final MemorySegment answer = Arena.ofAuto().allocate(VstorPacket.BYTES, Long.BYTES);
    private boolean expecting;

    PrimaryExchange(StorvscAdapter adapter, StorvscChannel primary, long timeoutMs) {
        this.adapter = adapter;
        this.primary = primary;
        this.timeoutMs = timeoutMs;
    }

    @Override
    public void exchange(MemorySegment packet) throws IOException {
        expecting = true;
        if (!primary.sendInband(packet)) {
            throw new IOException("no room for the initialisation in a ring that is empty");
        }
        long start = System.nanoTime();
        while (true) {
            awaitPacket();
            if (!expecting) {
                MemorySegment.copy(answer, 0, packet, PacketDescriptor.BYTES, VstorPacket.BYTES);
                return;
            }
            String failure = adapter.failure();
            if (failure != null) {
                throw new IOException("initialisation: " + failure);
            }
            if (System.nanoTime() - start > timeoutMs * 1_000_000) {
                expecting = false;
                throw new IOException(
                        "host does not answer the initialisation: timeoutMs=" + timeoutMs);
            }
        }
    }

    private void awaitPacket() throws LinuxException {
        if (primary.poll(1) > 0) {
            return;
        }
        if (adapter.isSingleThreaded()) {
            adapter.pumpOnce();
        } else if (primary.unmaskInterrupts()) {
            primary.awaitInterrupt(WAIT_MS);
        }
    }

    /** An answer with the initialisation's id; one that nobody waits for is dropped. */
    void answered(MemorySegment packet, long at) {
        if (expecting) {
            MemorySegment.copy(packet, at, answer, 0, VstorPacket.BYTES);
            expecting = false;
        }
    }
}
