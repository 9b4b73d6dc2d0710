package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConsoleLogTest {

    private final ConsoleLog log = new ConsoleLog(3);

    @Test
    void shouldKeepTheLastLines() {
        print("one\r\ntwo\r\nthree\r\nfour\r\nfi");

        assertThat(log.lines()).containsExactly("two", "three", "four", "fi");
    }

    @Test
    void shouldCutALongLine() {
        print("x".repeat(ConsoleLog.LINE_BYTES + 1) + "\nnext\n");

        assertThat(log.lines()).containsExactly("x".repeat(ConsoleLog.LINE_BYTES), "next");
    }

    @Test
    void shouldLeaveOutWhatATerminalWouldObey() {
        print("\u001b[1;31mred\u001b[0m \u001bcplain\u0007\u007f\ttab é\n");

        assertThat(log.lines()).containsExactly("red plain\ttab é");
    }

    @Test
    void shouldFindThePanicMessage() {
        assertThat(log.panic()).isEmpty();
        print("[    4.098470] Kernel panic - not syncing: No working init found.\r\n");
        print("[    4.1] ---[ end Kernel panic - not syncing: other ]---\r\n");

        assertThat(log.panic()).contains("Kernel panic - not syncing: No working init found.");
    }

    @Test
    void shouldFindItInALineThatNeverEnded() {
        print("Kernel panic - not syncing: Fatal exception");

        assertThat(log.panic()).contains("Kernel panic - not syncing: Fatal exception");
    }

    @Test
    void shouldKeepThePanicWhenItsLineIsGone() {
        print("Kernel panic - not syncing: sysrq\n1\n2\n3\n4\n");

        assertThat(log.lines()).containsExactly("2", "3", "4");
        assertThat(log.panic()).contains("Kernel panic - not syncing: sysrq");
        log.clear();
        assertThat(log.panic()).isEmpty();
        assertThat(log.lines()).isEmpty();
    }

    private void print(String text) {
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            log.accept(value);
        }
    }
}
