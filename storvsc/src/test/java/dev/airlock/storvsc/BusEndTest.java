package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import dev.airlock.vmbus.guest.GuestBusOptions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is left when a host did not confirm the end, and what becomes of it. */
@Timeout(60)
class BusEndTest {
    private final FakeDisk disk = new FakeDisk(512, 8 << 20);

    @Test
    void shouldGiveBackWhatAHostKeptOnceTheConnectionHasEnded() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        FakeHost.Script busy =
                (host, command) -> {
                    if (command.opcode() == 0x28) {
                        arrived.countDown();
                        // Its bus waits for this thread, so it cannot confirm the close either.
                        awaitUninterruptibly(release);
                    } else {
                        disk.handle(host, command);
                    }
                };
        StorvscOptions options = new StorvscOptions().scan(1, 1).drainTimeoutMs(0);
        try (BusRig rig = new BusRig(true, busy, options, new GuestBusOptions(1_500, 16))) {
            rig.adapter.rescan();
            BlockDevice device = BlockDevice.open(rig.adapter, rig.adapter.luns().getFirst(), 64);
            long gpa = rig.memory.privatePages().allocate(4096, 4096);
            LinkedBlockingQueue<BlockStatus> ended = new LinkedBlockingQueue<>();
            device.submit(
                    new BlockRequest()
                            .read(0, gpa, 4096)
                            .onCompletion(request -> ended.add(request.status())));
            arrived.await();
            rig.adapter.close();
            assertThat(ended).containsExactly(BlockStatus.GONE);
            assertThat(rig.slotsInUse()).as("the host may still write them").isPositive();
            assertThat(rig.adapter.mayHostUseMemory()).isTrue();

            rig.bus.close();
            rig.adapter.close();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.mayHostUseMemory()).isFalse();
            device.close();
            release.countDown();
        }
    }

    /**
     * A rescan waits for its commands by the same means as the thread that runs it waits for the
     * next one; a wake-up must not be used up by the wrong wait.
     */
    @Test
    void shouldEndItsThreadsHoweverFarARescanIs() throws Exception {
        for (int round = 0; round < 300; round++) {
            CountDownLatch arrived = new CountDownLatch(1);
            FakeHost.Script silent =
                    (host, command) -> {
                        if (command.operation == VstorOperation.EXECUTE_SRB) {
                            arrived.countDown();
                        } else {
                            disk.handle(host, command);
                        }
                    };
            StorvscOptions options = new StorvscOptions().scan(1, 1).drainTimeoutMs(0);
            try (BusRig rig = new BusRig(true, silent, options)) {
                rig.adapter.requestRescan();
                arrived.await();
                Thread closing = Thread.ofPlatform().daemon().start(rig.adapter::close);
                assertThat(closing.join(Duration.ofSeconds(30))).as("round=%d", round).isTrue();
            }
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
