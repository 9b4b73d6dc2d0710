package dev.airlock.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FioRivalTest {
    @Test
    void shouldTellWhatFioDoesWithTheFile(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("a:b.raw");
        Files.write(file, new byte[1 << 20]);
        for (Load load : new Load[] {Load.READ_4K_QD32, Load.WRITE_4K_QD32}) {
            FioRival fio = new FioRival(file, load);
            Map<String, Double> figures = fio.measure(0);
            assumeTrue(!fio.note().contains("not installed"), fio.note());
            assumeTrue(!fio.note().contains("io_uring"), fio.note());
            assertThat(fio.note()).isEmpty();
            assertThat(figures.get("fioIops")).isPositive();
            assertThat(figures.get("fioProcessors")).isPositive();
        }
        assertThat(file).hasSize(1 << 20);
    }
}
