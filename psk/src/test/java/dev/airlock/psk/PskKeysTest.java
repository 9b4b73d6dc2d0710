package dev.airlock.psk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file of pre-shared keys. */
class PskKeysTest {
    @TempDir private Path folder;

    private PskKeys load(String text) throws IOException {
        return PskKeys.load(Files.writeString(folder.resolve("keys.psk"), text));
    }

    @Test
    void shouldFindEachUsersKey() throws IOException {
        PskKeys keys = load("alice:00ff10\nbob:ABCD \r\n\n#c3a9:01\n");
        assertThat(keys.find("alice".getBytes(UTF_8))).containsExactly(0, 0xff, 0x10);
        assertThat(keys.find("bob".getBytes(UTF_8))).containsExactly(0xab, 0xcd);
        assertThat(keys.find("é".getBytes(UTF_8))).containsExactly(1);
        assertThat(keys.find("eve".getBytes(UTF_8))).isNull();
        assertThat(keys.find(new byte[0])).isNull();
        assertThat(keys.firstUser()).isEqualTo("alice");
    }

    @Test
    void shouldTakeTheFirstOfTwoLinesForAUserAsGnuTlsDoes() throws IOException {
        assertThat(load("a:01\na:02").find(new byte[] {'a'})).containsExactly(1);
    }

    @Test
    void shouldGiveCopies() throws IOException {
        PskKeys keys = load("a:01");
        Arrays.fill(Objects.requireNonNull(keys.find(new byte[] {'a'})), (byte) 9);
        assertThat(keys.find(new byte[] {'a'})).containsExactly(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dead00dead",
                ":dead00dead",
                "a:dead00dea",
                "a:dead00deag",
                "a:",
                "#:dead00dead",
                "#0:dead00dead",
                "#xy:dead00dead"
            })
    void shouldNameTheLineThatIsMalformedAndNoSecret(String line) {
        assertThatThrownBy(() -> load("ok:01\n" + line + "\n"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("keys.psk:2 ")
                .hasMessageNotContaining("dead00");
    }

    @Test
    void shouldRefuseWhatIsEmptyOrEndless() {
        assertThatThrownBy(() -> load("\n\n")).hasMessageContaining("no user");
        assertThatThrownBy(() -> load("a:01\n".repeat(300_000))).hasMessageContaining("too long");
        assertThatThrownBy(() -> load("a:" + "00".repeat(513))).hasMessageContaining(":1 ");
    }
}
