package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A host that answers at random: well, wrongly, twice, late, never, with garbage, under other ids.
 * It may spoil the data that it is given, but nothing else: every command ends once, no tag and no
 * slot is lost, and memory that a caller has back stays the caller's.
 */
class HostileHostTest {
    private static final int ROUNDS = 30;
    private static final int STEPS = 400;
    private static final int BUFFER_BYTES = 8192;
    private static final byte CANARY = 0x5A;

    private final long seed = Seed.get();

    @Test
    void shouldKeepItsHouseInOrderWhereEverythingIsBounced() {
        for (int round = 0; round < ROUNDS; round++) {
            new Game(seed + round, true).play();
        }
    }

    @Test
    void shouldKeepItsHouseInOrderWhereNothingIsBounced() {
        for (int round = 0; round < ROUNDS; round++) {
            new Game(seed + round, false).play();
        }
    }

    /** One guest's life with such a host. */
    private static final class Game implements FakeHost.Script {
        private final Random random;
        private final boolean isolated;
        private final List<HostCommand> kept = new ArrayList<>();
        private final List<Caller> callers = new ArrayList<>();
        private boolean peaceful;

        Game(long seed, boolean isolated) {
            this.random = new Random(seed);
            this.isolated = isolated;
        }

        void play() {
            Rig.Setup setup = Rig.with(this).isolated(isolated);
            setup.options.timeoutMs(200).resetTimeoutMs(100).tickMs(10).queueDepth(24);
            try (Rig rig = setup.open()) {
                for (int i = 0; i < 32; i++) {
                    callers.add(new Caller(rig));
                }
                boolean broken = false;
                for (int step = 0; step < STEPS; step++) {
                    callers.get(random.nextInt(callers.size())).act(random);
                    rig.pump();
                    if (random.nextInt(4) == 0 && !rig.adapter.hasEnded()) {
                        answerSomethingLate(rig.host());
                    }
                    rig.adapter.poll();
                    if (random.nextInt(10) == 0) {
                        rig.tickAfterMs(random.nextInt(60));
                    }
                    if (!broken && step > STEPS / 2 && random.nextInt(500) == 0) {
                        broken = true;
                        rig.host().breakRing();
                    }
                }
                settleIn(rig);
                callers.forEach(Caller::checkAtEnd);
                assertThat(rig.adapter.statistics().inFlight()).isZero();
                assertThat(rig.adapter.statistics().slotsQuarantined()).isZero();
                assertThat(rig.slotsInUse()).isZero();
            }
        }

        /** The host behaves, or the guest gives up on it: one of the two ends everything. */
        private void settleIn(Rig rig) {
            peaceful = true;
            for (int i = 0; i < 100; i++) {
                rig.pump();
                rig.adapter.poll();
                rig.tickAfterMs(50);
            }
        }

        @Override
        public void handle(FakeHost host, HostCommand command) {
            if (peaceful) {
                answerWell(host, command);
                return;
            }
            switch (random.nextInt(10)) {
                case 0 -> kept.add(command);
                case 1 -> {
                    answerWell(host, command);
                    answerWell(host, command);
                }
                case 2 -> garble(host, command);
                case 3 -> {
                    scribble(command);
                    host.complete(
                            command, random.nextInt(256), random.nextInt(256), random.nextInt());
                }
                case 4 -> {
                    host.send(randomType(), random.nextLong(), command.vstor());
                    answerWell(host, command);
                }
                case 5 -> {
                    host.unsolicited(random.nextInt(20));
                    answerWell(host, command);
                }
                case 6 ->
                        host.send(
                                PacketDescriptor.TYPE_COMPLETION,
                                command.id,
                                MemorySegment.ofArray(new byte[8 * random.nextInt(10)]));
                default -> answerWell(host, command);
            }
        }

        private int randomType() {
            return random.nextBoolean() ? PacketDescriptor.TYPE_COMPLETION : random.nextInt(16);
        }

        private void answerWell(FakeHost host, HostCommand command) {
            if (command.operation == VstorOperation.EXECUTE_SRB) {
                host.good(command, command.dataBytes());
            } else {
                boolean agrees = peaceful || random.nextInt(3) > 0;
                host.answerOperation(
                        command,
                        agrees
                                ? VstorPacket.STATUS_SUCCESS
                                : VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
            }
        }

        private void garble(FakeHost host, HostCommand command) {
            byte[] answer = command.vstor().toArray(ValueLayout.JAVA_BYTE);
            answer[0] = VstorOperation.COMPLETE_IO;
            for (int i = random.nextInt(6); i >= 0; i--) {
                answer[random.nextInt(answer.length)] = (byte) random.nextInt();
            }
            host.send(randomType(), command.id, MemorySegment.ofArray(answer));
        }

        /** Writes all over the pages that it was given, as it may. */
        private void scribble(HostCommand command) {
            byte[] noise = new byte[command.dataBytes()];
            random.nextBytes(noise);
            command.writeData(noise, 0, noise.length);
        }

        private void answerSomethingLate(FakeHost host) {
            if (!kept.isEmpty()) {
                HostCommand late = kept.get(random.nextInt(kept.size()));
                if (isolated) {
                    scribble(late);
                }
                answerWell(host, late);
                host.publish();
                if (random.nextBoolean()) {
                    kept.remove(late);
                }
            }
        }
    }

    /** Someone with a buffer, which is filled with a pattern whenever no command has it. */
    private static final class Caller {
        private final Rig rig;
        private final long gpa;
        private final ScsiRequest request;
        private boolean waiting;
        private int ended;
        private int accepted;

        Caller(Rig rig) {
            this.rig = rig;
            this.gpa = rig.allocate(BUFFER_BYTES, 0);
            this.request = new ScsiRequest(1).onCompletion(this::completed);
            takeBack();
        }

        void act(Random random) {
            if (waiting) {
                return;
            }
            checkUntouched();
            boolean write = random.nextBoolean();
            int offset = 512 * random.nextInt(8);
            request.prepare(
                    0,
                    0,
                    random.nextInt(3),
                    write ? DataDirection.TO_DEVICE : DataDirection.FROM_DEVICE);
            request.cdbLength(10);
            request.addData(gpa + offset, 512 * (1 + random.nextInt(8)));
            waiting = true;
            SubmitResult result = rig.adapter.submit(request);
            if (result == SubmitResult.ACCEPTED) {
                accepted++;
            } else {
                waiting = false;
                assertThat(result).isIn(SubmitResult.BUSY, SubmitResult.CLOSED);
            }
        }

        private void completed(ScsiRequest done) {
            assertThat(done).isSameAs(request);
            assertThat(waiting).isTrue();
            assertThat(done.outcome()).isNotEqualTo(Outcome.NONE);
            assertThat(done.transferredBytes()).isBetween(0, done.dataBytes());
            assertThat(done.senseLength()).isBetween(0, 20);
            waiting = false;
            ended++;
            takeBack();
        }

        private void takeBack() {
            byte[] pattern = new byte[BUFFER_BYTES];
            Arrays.fill(pattern, CANARY);
            rig.fill(gpa, pattern);
        }

        private void checkUntouched() {
            for (byte found : rig.read(gpa, BUFFER_BYTES)) {
                if (found != CANARY) {
                    throw new AssertionError("memory changed after it was given back");
                }
            }
        }

        void checkAtEnd() {
            assertThat(waiting).isFalse();
            assertThat(ended).isEqualTo(accepted);
            checkUntouched();
        }
    }
}
