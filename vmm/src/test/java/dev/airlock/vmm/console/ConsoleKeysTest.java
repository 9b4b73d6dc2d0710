package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ConsoleKeysTest {

    private final ConsoleKeys keys = new ConsoleKeys();
    private final byte[] out = new byte[100];

    @Test
    void shouldPassKeysOn() {
        assertThat(type("ls\r\u0003\u0004")).isEqualTo("ls\r\u0003\u0004");
    }

    @Test
    void shouldQuitByCtrlAX() {
        byte[] typed = "ab\u0001xcd".getBytes(StandardCharsets.US_ASCII);

        assertThat(keys.take(typed, typed.length, out)).isEqualTo(-1 - 2);
    }

    @Test
    void shouldQuitWhenTheTwoKeysComeApart() {
        assertThat(type("\u0001")).isEmpty();
        assertThat(keys.take(new byte[] {'x'}, 1, out)).isEqualTo(-1);
    }

    @Test
    void shouldSendOneCtrlAForTwo() {
        assertThat(type("\u0001\u0001x")).isEqualTo("\u0001x");
    }

    @Test
    void shouldPassOnCtrlAWithAnotherKey() {
        assertThat(type("\u0001")).isEmpty();
        assertThat(type("k\u0001d")).isEqualTo("\u0001k\u0001d");
    }

    private String type(String typed) {
        byte[] bytes = typed.getBytes(StandardCharsets.US_ASCII);
        int count = keys.take(bytes, bytes.length, out);
        return new String(Arrays.copyOf(out, count), StandardCharsets.US_ASCII);
    }
}
