package dev.airlock.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.airlock.linux.Kvm;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class KvmProbeTest {
    @Test
    void shouldGiveTheSameOneLineAnswerAgainAndLeaveNoThread() throws IOException {
        assumeTrue(Files.isReadable(Kvm.DEVICE), "no /dev/kvm that may be opened");
        String first = answer();
        assertThat(first).doesNotContain("\n");
        assertThat(answer()).isEqualTo(first);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("kvm-probe");
    }

    private static String answer() throws IOException {
        try (Kvm kvm = Kvm.open()) {
            KvmProbe.require(kvm);
            return "can";
        } catch (KvmUnusableException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
