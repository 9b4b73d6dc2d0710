package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockException;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The adapter with its threads, over a real bus. Waits end by events; the time-out is a net. */
@Timeout(60)
class BusTest {
    private static final int DISK_BYTES = 8 << 20;

    private final FakeDisk disk = new FakeDisk(512, DISK_BYTES);

    private static BlockDevice openDisk(BusRig rig) throws IOException {
        rig.adapter.rescan();
        return BlockDevice.open(rig.adapter, rig.adapter.luns().getFirst(), 64);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldDoVerifiedIoFromManyVirtualThreadsOverSeveralChannels(boolean isolated)
            throws Exception {
        long seed = Seed.get();
        StorvscOptions options = new StorvscOptions().scan(1, 1).cpus(3).cpusPerSubchannel(1);
        try (BusRig rig = new BusRig(isolated, disk, options);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            assertThat(rig.adapter.channels()).hasSize(3);
            BlockDevice device = openDisk(rig);
            List<Future<?>> work = new ArrayList<>();
            for (int worker = 0; worker < 16; worker++) {
                int number = worker;
                work.add(threads.submit(() -> verifyIo(rig, device, number, seed)));
            }
            for (Future<?> done : work) {
                done.get();
            }
            device.close();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.statistics().inFlight()).isZero();
            assertThat(rig.mapper.statistics().bouncedMappings() > 0).isEqualTo(isolated);
        }
    }

    /** Each worker has its own part of the disk and its own memory. */
    private static Void verifyIo(BusRig rig, BlockDevice device, int worker, long seed)
            throws BlockException {
        Random random = new Random(seed + worker);
        int share = DISK_BYTES / 16;
        byte[] model = new byte[share];
        long buffer = rig.memory.privatePages().allocate(share + 4096, 4096);
        for (int round = 0; round < 25; round++) {
            int bytes = 512 * (1 + random.nextInt(round % 5 == 0 ? 600 : 16));
            int at = 512 * random.nextInt((share - bytes) / 512);
            long gpa = buffer + 512L * random.nextInt(8);
            MemorySegment memory = rig.memory.bytes().asSlice(gpa, bytes);
            byte[] data = new byte[bytes];
            random.nextBytes(data);
            memory.copyFrom(MemorySegment.ofArray(data));
            device.write((long) worker * share + at, gpa, bytes, false);
            System.arraycopy(data, 0, model, at, bytes);
            int from = Math.max(0, at - 1024);
            int length = Math.min(share - from, bytes + 1024);
            device.read((long) worker * share + from, buffer, length);
            byte[] found =
                    rig.memory.bytes().asSlice(buffer, length).toArray(ValueLayout.JAVA_BYTE);
            assertThat(
                            MemorySegment.ofArray(found)
                                    .mismatch(MemorySegment.ofArray(model).asSlice(from, length)))
                    .as("worker=%d round=%d", worker, round)
                    .isEqualTo(-1);
        }
        return null;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldGiveEveryCallerAnErrorWhenTheHostGoes(boolean isolated) throws Exception {
        CountDownLatch arrived = new CountDownLatch(8);
        FakeHost.Script swallow =
                (host, command) -> {
                    if (command.opcode() == 0x28) {
                        arrived.countDown();
                    } else {
                        disk.handle(host, command);
                    }
                };
        try (BusRig rig = new BusRig(isolated, swallow, new StorvscOptions().scan(1, 1));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            BlockDevice device = openDisk(rig);
            LinkedBlockingQueue<String> closed = new LinkedBlockingQueue<>();
            rig.adapter.addListener(
                    new AdapterListener() {
                        @Override
                        public void closed(String reason) {
                            closed.add(reason);
                        }
                    });
            List<Future<BlockStatus>> callers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                long gpa = rig.memory.privatePages().allocate(4096, 4096);
                callers.add(threads.submit(() -> statusOfRead(device, gpa)));
            }
            assertThat(arrived.await(30, TimeUnit.SECONDS)).isTrue();
            rig.killHost();
            for (Future<BlockStatus> caller : callers) {
                assertThat(caller.get()).isEqualTo(BlockStatus.GONE);
            }
            assertThat(closed.take()).contains("host has gone");
            assertThat(rig.slotsInUse()).isZero();
            assertThat(device.isGone()).isTrue();
            assertThatThrownBy(() -> device.flush()).isInstanceOf(BlockException.class);
            // The rig's mapper would report what is not given back.
            device.close();
        }
    }

    private static BlockStatus statusOfRead(BlockDevice device, long gpa) {
        BlockRequest request = new BlockRequest().read(0, gpa, 4096);
        try {
            device.execute(request);
        } catch (BlockException expected) {
            assertThat(expected).hasMessageContaining("READ offset=0");
        }
        return request.status();
    }

    @Test
    void shouldTimeOutResetAndGoOn() throws Exception {
        boolean[] swallowing = {true};
        FakeHost.Script script =
                (host, command) -> {
                    boolean swallow;
                    synchronized (swallowing) {
                        swallow = swallowing[0] && command.opcode() == 0x28;
                    }
                    if (command.operation != VstorOperation.EXECUTE_SRB) {
                        synchronized (swallowing) {
                            swallowing[0] = false;
                        }
                        host.answerOperation(command, VstorPacket.STATUS_SUCCESS);
                    } else if (!swallow) {
                        disk.handle(host, command);
                    }
                };
        StorvscOptions options =
                new StorvscOptions().scan(1, 1).timeoutMs(50).tickMs(5).resetTimeoutMs(20_000);
        try (BusRig rig = new BusRig(true, script, options)) {
            BlockDevice device = openDisk(rig);
            long gpa = rig.memory.privatePages().allocate(4096, 4096);
            assertThat(statusOfRead(device, gpa)).isEqualTo(BlockStatus.TIMED_OUT);
            BlockStatus status = statusOfRead(device, gpa);
            while (status == BlockStatus.TIMED_OUT) {
                status = statusOfRead(device, gpa);
            }
            assertThat(status).isEqualTo(BlockStatus.OK);
            assertThat(rig.adapter.statistics().lunResets()).isPositive();
            assertThat(rig.adapter.hasEnded()).isFalse();
            device.close();
        }
    }

    @Test
    void shouldEndEachCommandOnceWhenAnswersAndTimeOutsRace() throws Exception {
        Procrastinator host = new Procrastinator(new Random(Seed.get()));
        StorvscOptions options =
                new StorvscOptions().timeoutMs(1).tickMs(1).resetTimeoutMs(20_000).scan(1, 1);
        try (BusRig rig = new BusRig(true, host, options)) {
            AtomicInteger ended = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                long gpa = rig.memory.privatePages().allocate(4096, 4096);
                threads.add(Thread.ofPlatform().start(() -> hammer(rig, gpa, ended)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(ended).hasValue(4 * 200);
            host.hurryUp();
            rig.adapter.close();
            assertThat(rig.adapter.statistics().timeouts()).isPositive();
            assertThat(rig.adapter.statistics().inFlight()).isZero();
            assertThat(rig.adapter.statistics().slotsQuarantined()).isZero();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    /** Runs commands one by one and counts how often each has ended. */
    private static void hammer(BusRig rig, long gpa, AtomicInteger ended) {
        ScsiRequest request = new ScsiRequest(1);
        for (int i = 0; i < 200; i++) {
            CountDownLatch end = new CountDownLatch(1);
            request.prepare(0, 0, 0, DataDirection.FROM_DEVICE).cdbLength(6);
            request.addData(gpa, 4096);
            request.onCompletion(done -> {
                ended.incrementAndGet();
                end.countDown();
            });
            while (rig.adapter.submit(request) == SubmitResult.BUSY) {
                Thread.yield();
            }
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Answers at once, or with a later command, or when it is reset. */
    private static final class Procrastinator implements FakeHost.Script {
        private final Random random;
        private final ArrayDeque<HostCommand> kept = new ArrayDeque<>();
        private volatile boolean hurried;

        Procrastinator(Random random) {
            this.random = random;
        }

        void hurryUp() {
            hurried = true;
        }

        @Override
        public void handle(FakeHost host, HostCommand command) {
            if (command.operation != VstorOperation.EXECUTE_SRB) {
                host.answerOperation(command, VstorPacket.STATUS_SUCCESS);
                kept.clear();
            } else if (!hurried && random.nextInt(4) == 0) {
                kept.add(command);
            } else {
                host.good(command, command.dataBytes());
            }
            if (!kept.isEmpty() && (hurried || random.nextInt(3) == 0)) {
                HostCommand late = kept.remove();
                host.good(late, late.dataBytes());
            }
        }
    }

    @Test
    void shouldCloseWhenTheHostTakesTheDeviceAway() throws Exception {
        try (BusRig rig = new BusRig(true, disk, new StorvscOptions().scan(1, 1))) {
            CountDownLatch closed = new CountDownLatch(1);
            rig.adapter.addListener(
                    new AdapterListener() {
                        @Override
                        public void closed(String reason) {
                            closed.countDown();
                        }
                    });
            rig.device.hosts.getFirst().channel().rescind();
            closed.await();
            assertThat(rig.adapter.failure()).contains("took the channel away");
            assertThat(rig.adapter.submit(Rig.testUnitReady())).isEqualTo(SubmitResult.CLOSED);
        }
    }

    @Test
    void shouldRescanByItselfWhenTheHostSaysSo() throws Exception {
        try (BusRig rig = new BusRig(true, disk, new StorvscOptions().scan(1, 1))) {
            rig.adapter.rescan();
            LinkedBlockingQueue<LunAddress> added = new LinkedBlockingQueue<>();
            rig.adapter.addListener(
                    new AdapterListener() {
                        @Override
                        public void lunAdded(LunFacts facts) {
                            added.add(facts.address());
                        }
                    });
            synchronized (disk) {
                disk.luns.add(9);
            }
            // Sent by the thread that owns the ring: the next command makes it do so.
            rig.device.hosts.getFirst().script = new OneShot(disk);
            ScsiRequest poke = Rig.testUnitReady();
            rig.adapter.submit(poke);
            assertThat(added.take()).isEqualTo(new LunAddress(0, 0, 9));
        }
    }

    /** Announces a change before it answers the next command. */
    private static final class OneShot implements FakeHost.Script {
        private final FakeDisk disk;
        private boolean done;

        OneShot(FakeDisk disk) {
            this.disk = disk;
        }

        @Override
        public void handle(FakeHost host, HostCommand command) {
            if (!done) {
                done = true;
                host.unsolicited(VstorOperation.ENUMERATE_BUS);
            }
            disk.handle(host, command);
        }
    }

    @Test
    void shouldWaitForTheEndThoughInterruptedAndKeepTheInterrupt() throws Exception {
        try (BusRig rig = new BusRig(true, disk, new StorvscOptions().scan(1, 1))) {
            BlockDevice device = openDisk(rig);
            long gpa = rig.memory.privatePages().allocate(4096, 4096);
            Thread.currentThread().interrupt();
            device.read(0, gpa, 4096);
            assertThat(Thread.interrupted()).isTrue();
            device.close();
        }
    }

    @Test
    void shouldFinishWhatIsUnderWayBeforeItCloses() throws Exception {
        try (BusRig rig = new BusRig(true, disk, new StorvscOptions().scan(1, 1))) {
            BlockDevice device = openDisk(rig);
            LinkedBlockingQueue<BlockStatus> ended = new LinkedBlockingQueue<>();
            long gpa = rig.memory.privatePages().allocate(64 << 10, 4096);
            for (int i = 0; i < 16; i++) {
                device.submit(
                        new BlockRequest()
                                .read(i * 4096L, gpa + i * 4096L, 4096)
                                .onCompletion(request -> ended.add(request.status())));
            }
            rig.adapter.close();
            assertThat(ended).hasSize(16).containsOnly(BlockStatus.OK);
            assertThat(rig.adapter.failure()).isEqualTo("closed");
            device.close();
        }
    }

    @Test
    void shouldFreeASubmitterWhomTheHostsDoorbellBlocksAndClose() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch entered = new CountDownLatch(1);
        FakeHost.Script stubborn =
                (host, command) -> {
                    // The ring looks empty and wants signals, but nobody is going to answer them.
                    host.channel().in().consumed();
                    host.channel().in().unmaskInterrupts();
                    entered.countDown();
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                };
        try (BusRig rig = new BusRig(true, stubborn, new StorvscOptions().scan(1, 1))) {
            LinkedBlockingQueue<Outcome> ended = new LinkedBlockingQueue<>();
            rig.adapter.submit(Rig.testUnitReady().onCompletion(r -> ended.add(r.outcome())));
            entered.await();
            SaturatedDoorbell.make(
                    Objects.requireNonNull(rig.device.hosts.getFirst().channel().kick()));
            assertThat(
                            rig.adapter.submit(
                                    Rig.testUnitReady().onCompletion(r -> ended.add(r.outcome()))))
                    .isEqualTo(SubmitResult.ACCEPTED);
            assertThat(ended.take()).isEqualTo(Outcome.CHANNEL_CLOSED);
            assertThat(ended.take()).isEqualTo(Outcome.CHANNEL_CLOSED);
            assertThat(rig.adapter.failure()).contains("blocks its doorbell");
            release.countDown();
        }
    }
}
