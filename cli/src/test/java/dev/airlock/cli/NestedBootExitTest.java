package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.nest.QemuMachine;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Exit codes of {@code airlock boot --nested}: those of the same command without it. */
class NestedBootExitTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(310);

    @Test
    void shouldBeThatOfTheGuestWhereThereIsOne() {
        for (int code : new int[] {0, 1, 2, 3, 4, 124}) {
            assertThat(exitCode(OptionalInt.of(code), false, false)).isEqualTo(code);
            assertThat(exitCode(OptionalInt.of(code), true, true)).isEqualTo(code);
        }
    }

    @Test
    void shouldBeThatOfATimeOutWhenTheMachineItselfHangs() {
        assertThat(exitCode(OptionalInt.empty(), true, false)).isEqualTo(124);
    }

    @Test
    void shouldBeThatOfACleanEndAfterASignal() {
        assertThat(exitCode(OptionalInt.empty(), false, true)).isZero();
        assertThat(exitCode(OptionalInt.empty(), true, true)).isZero();
    }

    @Test
    void shouldBeAFailureWhenTheMachineDies() {
        assertThatThrownBy(() -> exitCode(OptionalInt.empty(), false, false))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(1));
    }

    private static int exitCode(OptionalInt code, boolean isTimedOut, boolean stopped) {
        return NestedBoot.exitCode(new QemuMachine.Ending(code, isTimedOut), stopped, TIMEOUT);
    }
}
