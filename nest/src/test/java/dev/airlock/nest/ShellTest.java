package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShellTest {
    @TempDir Path folder;

    private String run(String script) throws Exception {
        return Tool.run(folder, List.of("sh", "-c", script));
    }

    @Test
    void shouldKeepWordsAsTheyAre() throws Exception {
        String[] words = {"a b", "it's", "$HOME", "", "*", "back\\slash", "new\nline", "-x"};
        for (String word : words) {
            assertThat(run(Shell.words(List.of("printf", "<%s>", word))))
                    .isEqualTo("<" + word + ">");
        }
    }

    @Test
    void shouldKeepOutputAndErrorsApartAndShowBoth() throws Exception {
        String command = Shell.words(List.of("sh", "-c", "echo one; echo two >&2; exit 7"));

        String shown = run(Shell.separated(command, folder + "/task"));

        assertThat(shown).contains("one\n", "two\n").hasSize(8);
        assertThat(folder.resolve("task.out")).hasContent("one");
        assertThat(folder.resolve("task.err")).hasContent("two");
        assertThat(folder.resolve("task.exit")).hasContent("7");
    }
}
