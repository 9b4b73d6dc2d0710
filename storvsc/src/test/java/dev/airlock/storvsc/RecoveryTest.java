package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Time-outs, resets and quarantine, by a clock that the test moves. */
class RecoveryTest {
    private static final long TIMEOUT_MS = 1_000;
    private static final long RESET_MS = 200;

    /** SRBs that the host keeps to itself. */
    private final List<HostCommand> srbs = new ArrayList<>();

    /** Resets that the host keeps to itself. */
    private final List<HostCommand> resets = new ArrayList<>();

    private final List<ScsiRequest> ended = new ArrayList<>();

    private final FakeHost.Script silent =
            (host, command) -> {
                if (command.operation == VstorOperation.EXECUTE_SRB) {
                    srbs.add(command);
                } else {
                    resets.add(command);
                }
            };

    private Rig open(boolean isolated) {
        Rig.Setup setup = Rig.with(silent).isolated(isolated);
        setup.options.timeoutMs(TIMEOUT_MS).resetTimeoutMs(RESET_MS).tickMs(10);
        return setup.open();
    }

    private ScsiRequest submitRead(Rig rig, int bytes) {
        ScsiRequest request =
                Rig.read10(0, rig.allocate(bytes, 512), bytes).onCompletion(ended::add);
        assertThat(rig.adapter.submit(request)).isEqualTo(SubmitResult.ACCEPTED);
        rig.settle();
        return request;
    }

    private static long quarantined(Rig rig) {
        return rig.adapter.statistics().slotsQuarantined();
    }

    @Test
    void shouldLeaveACommandAloneUntilItsTimeIsOver() {
        try (Rig rig = open(true)) {
            ScsiRequest request = submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS);
            assertThat(ended).isEmpty();
            rig.tickAfterMs(10);
            assertThat(ended).containsExactly(request);
            assertThat(request.outcome()).isEqualTo(Outcome.TIMED_OUT);
        }
    }

    @Test
    void shouldTellAnIsolatedCallerAtOnceAndKeepTheSlots() {
        try (Rig rig = open(true)) {
            ScsiRequest request = submitRead(rig, 4096);
            long slots = rig.slotsInUse();
            rig.tickAfterMs(TIMEOUT_MS + 10);
            assertThat(ended).containsExactly(request);
            assertThat(quarantined(rig)).isEqualTo(slots).isPositive();
            assertThat(rig.slotsInUse()).isEqualTo(slots);
            assertThat(request.dataBytes()).isEqualTo(4096);
        }
    }

    @Test
    void shouldNotTouchTheCallersBufferWhenTheAnswerComesLate() {
        try (Rig rig = open(true)) {
            long gpa = rig.allocate(512, 0);
            rig.fill(gpa, new byte[512]);
            ScsiRequest request = Rig.read10(0, gpa, 512).onCompletion(ended::add);
            rig.adapter.submit(request);
            rig.settle();
            rig.tickAfterMs(TIMEOUT_MS + 10);
            assertThat(ended).containsExactly(request);

            byte[] mine = new byte[512];
            java.util.Arrays.fill(mine, (byte) 0x55);
            rig.fill(gpa, mine);
            byte[] hosts = new byte[512];
            java.util.Arrays.fill(hosts, (byte) 0xEE);
            srbs.get(0).writeData(hosts, 0, 512);
            rig.host().good(srbs.get(0), 512);
            rig.settle();
            assertThat(rig.read(gpa, 512)).isEqualTo(mine);
            assertThat(ended).hasSize(1);
            assertThat(quarantined(rig)).isZero();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.statistics().lateAnswers()).isEqualTo(1);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
        }
    }

    @Test
    void shouldLetTheCallerUseItsRequestAgainDuringQuarantine() {
        try (Rig rig = open(true)) {
            ScsiRequest request = submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            assertThat(rig.adapter.submit(request)).isEqualTo(SubmitResult.ACCEPTED);
            rig.settle();
            assertThat(srbs.get(1).id).isNotEqualTo(srbs.get(0).id);
            rig.host().good(srbs.get(1), 4096);
            rig.settle();
            assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);
            assertThat(quarantined(rig)).isPositive();
        }
    }

    @Test
    void shouldKeepADirectCallerWaitingUntilTheResetIsAnswered() {
        try (Rig rig = open(false)) {
            ScsiRequest request = submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            assertThat(ended).isEmpty();
            rig.settle();
            assertThat(resets).hasSize(1);
            rig.host().answerOperation(resets.get(0), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(ended).containsExactly(request);
            assertThat(request.outcome()).isEqualTo(Outcome.TIMED_OUT);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
        }
    }

    @Test
    void shouldGiveADirectCallerItsDataWhenTheAnswerComesBeforeTheReset() {
        try (Rig rig = open(false)) {
            ScsiRequest request = submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            rig.host().good(srbs.get(0), 4096);
            rig.settle();
            assertThat(ended).containsExactly(request);
            assertThat(request.outcome()).isEqualTo(Outcome.ANSWERED);
            assertThat(rig.adapter.statistics().lateAnswers()).isEqualTo(1);
        }
    }

    @Test
    void shouldResetTheLunOfTheCommandAndFreeItsSlotsWhenAnswered() {
        try (Rig rig = open(true)) {
            submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            assertThat(resets).hasSize(1);
            HostCommand reset = resets.get(0);
            assertThat(reset.operation).isEqualTo(VstorOperation.RESET_LUN);
            assertThat(VstorSrb.lun(reset.vstor(), 0)).isZero();
            rig.host().answerOperation(reset, VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(quarantined(rig)).isZero();
            assertThat(rig.slotsInUse()).isZero();
            assertThat(rig.adapter.hasEnded()).isFalse();
            assertThat(rig.adapter.statistics().lunResets()).isEqualTo(1);
        }
    }

    @Test
    void shouldResetTheBusWhenTheLunResetIsRefusedOrUnanswered() {
        try (Rig rig = open(true)) {
            submitRead(rig, 512);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            rig.host().answerOperation(resets.get(0), VstorPacket.STATUS_INVALID_DEVICE_REQUEST);
            rig.settle();
            rig.adapter.tick();
            rig.settle();
            assertThat(resets.get(1).operation).isEqualTo(VstorOperation.RESET_BUS);
            rig.host().answerOperation(resets.get(1), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(rig.slotsInUse()).isZero();

            submitRead(rig, 512);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            rig.tickAfterMs(RESET_MS);
            rig.settle();
            assertThat(resets).hasSize(4);
            assertThat(resets.get(3).operation).isEqualTo(VstorOperation.RESET_BUS);
            assertThat(rig.adapter.statistics().busResets()).isEqualTo(2);
        }
    }

    @Test
    void shouldNotTakeALateAnswerToOneResetForTheNext() {
        try (Rig rig = open(true)) {
            submitRead(rig, 512);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            rig.tickAfterMs(RESET_MS);
            rig.settle();
            assertThat(resets).hasSize(2);
            rig.host().answerOperation(resets.get(0), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(quarantined(rig)).isPositive();
        }
    }

    @Test
    void shouldCloseAndEndEverythingWhenTheHostAnswersNothing() {
        try (Rig rig = open(false)) {
            ScsiRequest first = submitRead(rig, 4096);
            rig.advanceMs(TIMEOUT_MS / 2);
            rig.adapter.tick();
            ScsiRequest second = submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS / 2 + 10);
            rig.settle();
            rig.tickAfterMs(RESET_MS);
            rig.settle();
            assertThat(ended).isEmpty();
            rig.tickAfterMs(RESET_MS);
            assertThat(ended).containsExactlyInAnyOrder(first, second);
            assertThat(first.outcome()).isEqualTo(Outcome.CHANNEL_CLOSED);
            assertThat(second.outcome()).isEqualTo(Outcome.CHANNEL_CLOSED);
            assertThat(rig.adapter.hasEnded()).isTrue();
            assertThat(rig.adapter.failure()).contains("path=0 target=0 lun=0");
            assertThat(rig.adapter.submit(first)).isEqualTo(SubmitResult.CLOSED);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
        }
    }

    @Test
    void shouldEndQuarantineWithTheChannel() {
        try (Rig rig = open(true)) {
            submitRead(rig, 4096);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.tickAfterMs(RESET_MS);
            assertThat(quarantined(rig)).isPositive();
            rig.tickAfterMs(RESET_MS);
            assertThat(rig.adapter.hasEnded()).isTrue();
            assertThat(quarantined(rig)).isZero();
            assertThat(rig.slotsInUse()).isZero();
        }
    }

    @Test
    void shouldNotFreeWhatWasSubmittedAfterTheReset() {
        Rig.Setup setup = Rig.with(silent);
        setup.options.timeoutMs(TIMEOUT_MS).resetTimeoutMs(10 * TIMEOUT_MS).tickMs(10);
        try (Rig rig = setup.open()) {
            submitRead(rig, 512);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            submitRead(rig, 512);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            assertThat(ended).hasSize(2);
            assertThat(quarantined(rig)).isEqualTo(2);
            rig.host().answerOperation(resets.get(0), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(quarantined(rig)).isEqualTo(1);
            rig.settle();
            assertThat(resets).hasSize(2);
            rig.host().answerOperation(resets.get(1), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(quarantined(rig)).isZero();
        }
    }

    @Test
    void shouldKeepSlotsOfOtherLunsThroughALunReset() {
        try (Rig rig = open(true)) {
            submitRead(rig, 512);
            ScsiRequest other = Rig.read10(0, rig.allocate(512, 0), 512);
            other.prepare(0, 0, 5, DataDirection.FROM_DEVICE).cdbLength(6);
            other.addData(rig.allocate(512, 0), 512);
            rig.adapter.submit(other);
            rig.tickAfterMs(TIMEOUT_MS + 10);
            rig.settle();
            assertThat(quarantined(rig)).isEqualTo(2);
            rig.host().answerOperation(resets.get(0), VstorPacket.STATUS_SUCCESS);
            rig.settle();
            rig.adapter.tick();
            assertThat(quarantined(rig)).isEqualTo(1);
            rig.settle();
            assertThat(VstorSrb.lun(resets.get(1).vstor(), 0)).isEqualTo(5);
        }
    }

    @Test
    void shouldTimeOutCommandsWithoutDataAndKnowTheirLateAnswers() {
        try (Rig rig = open(true)) {
            ScsiRequest request = Rig.testUnitReady().timeoutMs(50).onCompletion(ended::add);
            rig.adapter.submit(request);
            rig.settle();
            rig.tickAfterMs(60);
            assertThat(ended).containsExactly(request);
            rig.host().good(srbs.get(0), 0);
            rig.settle();
            assertThat(rig.adapter.statistics().lateAnswers()).isEqualTo(1);
            assertThat(rig.adapter.statistics().inFlight()).isZero();
        }
    }
}
