package dev.airlock.storvsc.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.FakeDisk;
import dev.airlock.storvsc.Rig;
import dev.airlock.storvsc.StorvscAdapter;
import dev.airlock.testkit.Allocation;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The guest's asynchronous path allocates nothing, from submission to completion, once warm. */
class ZeroAllocationTest {
    private static final int ROUNDS = 200;
    private static final int WINDOWS_MAX = 50;
    private static final int QUEUE_DEPTH = 4;

    private final FakeDisk disk = Rig.disk(512, 4 << 20);
    private int completed;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldNotAllocateForReadsAndWritesWhetherSplitOrNot(boolean isolated) throws IOException {
        Rig.Setup setup = Rig.with(disk).isolated(isolated).checked(false);
        try (Rig rig = setup.open()) {
            rig.adapter.rescan();
            BlockDevice device = BlockDevice.open(rig.adapter, rig.adapter.luns().getFirst(), 64);
            BlockRequest[] requests = new BlockRequest[QUEUE_DEPTH];
            Scatterlist[] lists = new Scatterlist[QUEUE_DEPTH];
            BlockCompletion count = request -> completed++;
            for (int i = 0; i < QUEUE_DEPTH; i++) {
                requests[i] = new BlockRequest().onCompletion(count);
                lists[i] = new Scatterlist(2);
                // The last one is split into several commands.
                int bytes = i == QUEUE_DEPTH - 1 ? 520 << 10 : 4096;
                long gpa = rig.allocate(bytes, 512);
                lists[i].add(gpa, 3584);
                lists[i].add(gpa + 3584, bytes - 3584);
            }
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS_MAX && least > 0; window++) {
                least = Math.min(least, allocatedIn(rig, device, requests, lists));
            }
            assertThat(least).as("bytes allocated in %d rounds", ROUNDS).isZero();
            device.close();
        }
    }

    /** Only the guest's part counts; the test's host allocates what it likes. */
    private long allocatedIn(
            Rig rig, BlockDevice device, BlockRequest[] requests, Scatterlist[] lists) {
        StorvscAdapter adapter = rig.adapter;
        long allocated = 0;
        for (int round = 0; round < ROUNDS; round++) {
            completed = 0;
            long before = Allocation.bytes();
            for (int i = 0; i < QUEUE_DEPTH; i++) {
                if ((round & 1) == 0) {
                    requests[i].read(512L * i, lists[i]);
                } else {
                    requests[i].write(512L * i, lists[i], false);
                }
                device.submit(requests[i]);
            }
            allocated += Allocation.bytes() - before;
            while (completed < QUEUE_DEPTH) {
                rig.pump();
                before = Allocation.bytes();
                adapter.poll();
                allocated += Allocation.bytes() - before;
            }
        }
        return allocated;
    }
}
