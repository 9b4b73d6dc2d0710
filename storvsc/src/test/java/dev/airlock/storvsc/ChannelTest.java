package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Submission and completion on one channel, with hosts that keep the rules and hosts that do not.
 */
class ChannelTest {
    private final List<HostCommand> held = new ArrayList<>();
    private final FakeHost.Script hold = (host, command) -> held.add(command);

    @Test
    void shouldReadThroughTheBounceBufferWithTheOffsetKept() {
        FakeDisk disk = new FakeDisk(512, 64 << 10);
        for (int i = 0; i < disk.data.length; i++) {
            disk.data[i] = (byte) (i * 7 + i / 512);
        }
        try (Rig rig = Rig.with(disk).open()) {
            long gpa = rig.allocate(8192, 1536);
            ScsiRequest request = Rig.read10(3, gpa, 4096);
            assertThat(rig.adapter.submit(request)).isEqualTo(SubmitResult.ACCEPTED);
            assertThat(rig.slotsInUse()).isPositive();
            rig.settle();
            assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);
            assertThat(request.transferredBytes()).isEqualTo(4096);
            assertThat(request.residualBytes()).isZero();
            assertThat(rig.read(gpa, 4096))
                    .isEqualTo(Arrays.copyOfRange(disk.data, 3 * 512, 3 * 512 + 4096));
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldTellEachCallerOnceAndInTheOrderOfTheAnswers() {
        try (Rig rig = Rig.with(hold).open()) {
            List<ScsiRequest> ended = new ArrayList<>();
            ScsiRequest first = Rig.testUnitReady().onCompletion(ended::add);
            ScsiRequest second = Rig.testUnitReady().onCompletion(ended::add);
            rig.adapter.submit(first);
            rig.adapter.submit(second);
            rig.pump();
            rig.host().good(held.get(1), 0);
            rig.host().good(held.get(0), 0);
            rig.settle();
            assertThat(ended).containsExactly(second, first);
        }
    }

    @Test
    void shouldGiveTheRequestBackBeforeTellingSoThatItCanBeSubmittedAgain() {
        try (Rig rig = Rig.with((host, command) -> host.good(command, 0)).open()) {
            int[] rounds = {0};
            ScsiRequest request = Rig.testUnitReady();
            request.onCompletion(ended -> {
                if (++rounds[0] < 5) {
                    ended.prepare(0, 0, 0, DataDirection.NONE).cdbLength(6);
                    assertThat(rig.adapter.submit(ended)).isEqualTo(SubmitResult.ACCEPTED);
                }
            });
            rig.adapter.submit(request);
            rig.settle();
            assertThat(rounds[0]).isEqualTo(5);
        }
    }

    @Test
    void shouldThrowWhenARequestIsSubmittedTwice() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.testUnitReady();
            rig.adapter.submit(request);
            assertThatThrownBy(() -> rig.adapter.submit(request))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(rig.adapter.statistics().inFlight()).isEqualTo(1);
        }
    }

    @Test
    void shouldBeBusyWithoutATagAndHoldNothing() {
        Rig.Setup setup = Rig.with(hold);
        setup.options.queueDepth(3);
        try (Rig rig = setup.open()) {
            for (int i = 0; i < 3; i++) {
                assertThat(rig.adapter.submit(Rig.testUnitReady()))
                        .isEqualTo(SubmitResult.ACCEPTED);
            }
            assertThat(rig.adapter.submit(Rig.testUnitReady())).isEqualTo(SubmitResult.BUSY);
            rig.pump();
            rig.host().good(held.get(1), 0);
            rig.settle();
            assertThat(rig.adapter.submit(Rig.testUnitReady())).isEqualTo(SubmitResult.ACCEPTED);
            assertThat(rig.adapter.statistics().busyNoTag()).isEqualTo(1);
        }
    }

    @Test
    void shouldBeBusyWhenTheRingIsFullAndHoldNoSlots() {
        Rig.Setup setup = Rig.with(hold);
        setup.options.ringBytes(8192).queueDepth(256);
        try (Rig rig = setup.open()) {
            int accepted = 0;
            SubmitResult result = SubmitResult.ACCEPTED;
            while (result == SubmitResult.ACCEPTED) {
                result = rig.adapter.submit(Rig.read10(0, rig.allocate(512, 0), 512));
                accepted += result == SubmitResult.ACCEPTED ? 1 : 0;
            }
            assertThat(result).isEqualTo(SubmitResult.BUSY);
            // Packets of 104 bytes and 8 of trailer in 4096 bytes, of which 8 always stay free.
            assertThat(accepted).isEqualTo(4088 / 112);
            assertThat(rig.adapter.statistics().busyRingFull()).isEqualTo(1);
            assertThat(rig.adapter.statistics().inFlight()).isEqualTo(accepted);
            assertThat(rig.slotsInUse()).isEqualTo(accepted);
            rig.pump();
            held.forEach(command -> rig.host().good(command, 512));
            rig.settle();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldBeBusyWhenThePoolIsFull() {
        try (Rig rig = Rig.with(hold).poolBytes(Rig.MIB).open()) {
            List<ScsiRequest> accepted = new ArrayList<>();
            SubmitResult result = SubmitResult.ACCEPTED;
            while (result == SubmitResult.ACCEPTED) {
                ScsiRequest request = Rig.read10(0, rig.allocate(128 << 10, 0), 128 << 10);
                result = rig.adapter.submit(request);
                accepted.add(request);
            }
            assertThat(result).isEqualTo(SubmitResult.BUSY);
            assertThat(accepted).hasSize(9);
            assertThat(rig.adapter.statistics().busyNoSlots()).isEqualTo(1);
            rig.pump();
            held.forEach(command -> rig.host().good(command, 128 << 10));
            rig.settle();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.submit(accepted.getLast())).isEqualTo(SubmitResult.ACCEPTED);
            rig.settle();
            rig.host().good(held.getLast(), 0);
            rig.settle();
        }
    }

    @Test
    void shouldGiveBackWhatAnotherMappingHoldsOnEveryPath() {
        Rig.Setup setup = Rig.with(hold).poolBytes(Rig.MIB);
        setup.options
                .mapping(PerPageMapping::new)
                .ringBytes(8192)
                .timeoutMs(100)
                .resetTimeoutMs(50);
        try (Rig rig = setup.open()) {
            long gpa = rig.allocate(64 << 10, 512);
            SubmitResult result = SubmitResult.ACCEPTED;
            while (result == SubmitResult.ACCEPTED) {
                result = rig.adapter.submit(Rig.read10(0, gpa, 32 << 10));
            }
            assertThat(result).isEqualTo(SubmitResult.BUSY);
            assertThat(rig.slotsInUse()).isPositive();
            rig.settle();
            rig.host().good(held.get(0), 32 << 10);
            rig.settle();
            for (int i = 0; i < 4; i++) {
                rig.tickAfterMs(300);
            }
            assertThat(rig.adapter.hasEnded()).isTrue();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldRefuseAListThatIsNotOneRangeOrTooLarge() {
        Rig.Setup setup = Rig.with(hold);
        setup.options.ringBytes(64 << 10);
        try (Rig rig = setup.open()) {
            long gpa = rig.allocate(3 << 20, 0);
            ScsiRequest gap = Rig.read10(0, gpa, 512);
            gap.addData(gpa + 8192, 512);
            assertThat(rig.adapter.submit(gap)).isEqualTo(SubmitResult.BAD_LAYOUT);
            ScsiRequest large = Rig.read10(0, gpa, 300 << 10);
            assertThat(rig.adapter.submit(large)).isEqualTo(SubmitResult.TOO_LARGE);
            ScsiRequest huge = Rig.read10(0, gpa, 3 << 20);
            assertThat(rig.adapter.submit(huge)).isEqualTo(SubmitResult.TOO_LARGE);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldFreeTheTagWhenMappingThrows() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest nowhere = Rig.read10(0, 1L << 40, 512);
            assertThatThrownBy(() -> rig.adapter.submit(nowhere))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
            assertThat(rig.adapter.submit(Rig.testUnitReady())).isEqualTo(SubmitResult.ACCEPTED);
        }
    }

    @Test
    void shouldCopySenseOnlyWithCheckConditionAndAutosense() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.testUnitReady();
            rig.adapter.submit(request);
            rig.pump();
            rig.host().check(held.get(0), SenseKey.NOT_READY, AdditionalSense.BECOMING_READY);
            rig.settle();
            assertThat(CommandResult.senseKey(request)).isEqualTo(SenseKey.NOT_READY);
            assertThat(CommandResult.additionalSense(request))
                    .isEqualTo(AdditionalSense.BECOMING_READY);

            rig.adapter.submit(request);
            rig.pump();
            rig.host().complete(held.get(1), SrbStatus.ERROR, ScsiStatus.CHECK_CONDITION, 0);
            rig.settle();
            assertThat(request.senseLength()).isZero();
            assertThat(CommandResult.hasSense(request)).isFalse();
        }
    }

    @Test
    void shouldClampWhatALyingHostSaysOfLengths() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.read10(0, rig.allocate(512, 0), 512);
            rig.adapter.submit(request);
            rig.pump();
            MemorySegment answer = held.get(0).vstor();
            VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
            VstorSrb.srbStatus(answer, 0, SrbStatus.SUCCESS | SrbStatus.AUTOSENSE_VALID);
            VstorSrb.scsiStatus(answer, 0, ScsiStatus.CHECK_CONDITION);
            VstorSrb.senseLength(answer, 0, 255);
            VstorSrb.dataTransferLength(answer, 0, 0xFFFF_FFFFL);
            rig.host().send(PacketDescriptor.TYPE_COMPLETION, held.get(0).id, answer);
            rig.settle();
            assertThat(request.transferredBytes()).isEqualTo(512);
            assertThat(request.residualBytes()).isZero();
            assertThat(request.senseLength()).isEqualTo(VstorSrb.SENSE_BYTES);
            assertThat(rig.adapter.statistics().excessiveLengths()).isEqualTo(2);
        }
    }

    @Test
    void shouldCountNothingAsMovedWhenTheCommandFailed() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.read10(0, rig.allocate(512, 0), 512);
            rig.adapter.submit(request);
            rig.pump();
            rig.host().complete(held.get(0), SrbStatus.ERROR, ScsiStatus.GOOD, 512);
            rig.settle();
            assertThat(request.residualBytes()).isEqualTo(512);

            rig.adapter.submit(request);
            rig.pump();
            rig.host().complete(held.get(1), SrbStatus.DATA_OVERRUN, ScsiStatus.GOOD, 100);
            rig.settle();
            assertThat(request.transferredBytes()).isEqualTo(100);
            assertThat(request.residualBytes()).isEqualTo(412);
        }
    }

    @Test
    void shouldSurviveAnswersThatAnswerNothing() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.read10(0, rig.allocate(512, 0), 512);
            List<ScsiRequest> ended = new ArrayList<>();
            request.onCompletion(ended::add);
            rig.adapter.submit(request);
            rig.pump();
            FakeHost host = rig.host();
            HostCommand command = held.get(0);
            MemorySegment answer = command.vstor();
            VstorPacket.operation(answer, 0, VstorOperation.COMPLETE_IO);
            int completion = PacketDescriptor.TYPE_COMPLETION;

            host.send(completion, command.id, answer.asSlice(0, 56));
            host.send(completion, command.id, MemorySegment.ofArray(new byte[0]));
            host.send(completion, 0, MemorySegment.ofArray(new byte[0]));
            host.send(completion, 4711, answer);
            host.send(completion, command.id + (1L << 16), answer);
            host.send(completion, command.id + (1L << 32), answer);
            host.send(PacketDescriptor.TYPE_DATA_INBAND, command.id, answer);
            host.send(completion, 0, answer);
            host.send(completion, TransactionId.INIT, answer);
            host.send(completion, TransactionId.ofReset(1), answer);
            host.publish();
            rig.adapter.poll();
            assertThat(ended).isEmpty();
            StorvscStatistics seen = rig.adapter.statistics();
            assertThat(seen.shortPackets()).isEqualTo(3);
            assertThat(seen.unknownIds()).isEqualTo(2);
            assertThat(seen.staleAnswers()).isEqualTo(1);
            assertThat(seen.malformedPackets()).isEqualTo(2);
            assertThat(seen.inFlight()).isEqualTo(1);

            host.good(command, 512);
            host.good(command, 512);
            rig.settle();
            assertThat(ended).containsExactly(request);
            assertThat(rig.adapter.statistics().staleAnswers()).isEqualTo(2);
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldNotTakeADuplicateForTheAnswerToTheTagsNextUse() {
        try (Rig rig = Rig.with(hold).open()) {
            ScsiRequest request = Rig.testUnitReady();
            rig.adapter.submit(request);
            rig.settle();
            rig.host().good(held.get(0), 0);
            rig.settle();
            assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);

            request.prepare(0, 0, 0, DataDirection.NONE).cdbLength(6);
            rig.adapter.submit(request);
            rig.settle();
            assertThat((int) held.get(1).id).isEqualTo((int) held.get(0).id);
            rig.host().good(held.get(0), 0);
            rig.settle();
            assertThat(request.outcome()).isEqualTo(Outcome.NONE);
            assertThat(rig.adapter.statistics().staleAnswers()).isEqualTo(1);
            rig.host().good(held.get(1), 0);
            rig.settle();
            assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);
        }
    }

    @Test
    void shouldReportWhatACompletionThrowsAndGoOn() {
        try (Rig rig = Rig.with((host, command) -> host.good(command, 0)).open()) {
            List<Throwable> reported = new ArrayList<>();
            Thread.currentThread().setUncaughtExceptionHandler((thread, e) -> reported.add(e));
            try {
                ScsiRequest bad =
                        Rig.testUnitReady()
                                .onCompletion(ended -> {
                                    throw new IllegalStateException("the caller's mistake");
                                });
                ScsiRequest good = Rig.testUnitReady();
                rig.adapter.submit(bad);
                rig.adapter.submit(good);
                rig.settle();
                assertThat(good.outcome()).isEqualTo(Outcome.ANSWERED);
                assertThat(reported).singleElement().isInstanceOf(IllegalStateException.class);
            } finally {
                Thread.currentThread().setUncaughtExceptionHandler(null);
            }
        }
    }

    @Test
    void shouldShowEnqueuedCommandsTogether() {
        try (Rig rig = Rig.with(hold).open()) {
            rig.adapter.enqueue(Rig.testUnitReady());
            rig.adapter.enqueue(Rig.testUnitReady());
            rig.pump();
            assertThat(held).isEmpty();
            rig.adapter.publish();
            rig.pump();
            assertThat(held).hasSize(2);
            // An empty ring became non-empty once in the initialisation's packets each, and once
            // here.
            assertThat(rig.adapter.statistics().signals()).isEqualTo(5);
        }
    }

    @Test
    void shouldCloseWhenTheHostBreaksARing() {
        try (Rig rig = Rig.with(hold).open()) {
            List<ScsiRequest> ended = new ArrayList<>();
            ScsiRequest request = Rig.read10(0, rig.allocate(512, 0), 512).onCompletion(ended::add);
            rig.adapter.submit(request);
            rig.settle();
            rig.host().breakRing();
            rig.adapter.poll();
            rig.adapter.tick();
            assertThat(ended).containsExactly(request);
            assertThat(request.outcome()).isEqualTo(Outcome.CHANNEL_CLOSED);
            assertThat(rig.adapter.hasEnded()).isTrue();
            assertThat(rig.adapter.failure()).contains("inbound ring");
            assertThat(rig.adapter.submit(request)).isEqualTo(SubmitResult.CLOSED);
            assertThat(rig.slotsInUse()).isZero();
        }
    }
}
