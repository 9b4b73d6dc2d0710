package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SignalsTest {
    private static final int SIGTERM = 15;
    private static final int SIGINT = 2;

    /** What this test starts: a process that does not end by itself, nor by its shutdown hook. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws Exception {
            Runtime.getRuntime().addShutdownHook(new Thread(Child::sleep));
            if (args[0].equals("ignore")) {
                Signals.ignoreInterrupt();
            } else {
                Signals.endAtOnce();
            }
            System.out.println("ready");
            sleep();
        }

        private static void sleep() {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static Process start(String what) throws Exception {
        Process child =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home", ""), "bin/java").toString(),
                                "-cp",
                                "target/classes:target/test-classes",
                                "--enable-native-access=ALL-UNNAMED",
                                Child.class.getName(),
                                what)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        assertThat(child.inputReader().readLine()).isEqualTo("ready");
        return child;
    }

    private static void kill(Process child, int signal) throws Exception {
        assertThat(
                        new ProcessBuilder("kill", "-" + signal, Long.toString(child.pid()))
                                .start()
                                .waitFor())
                .isZero();
    }

    @Test
    void shouldEndAtOncePastTheJvm() throws Exception {
        for (int signal : new int[] {SIGTERM, SIGINT}) {
            Process child = start("end");
            kill(child, signal);
            assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(child.exitValue()).isEqualTo(128 + signal);
        }
    }

    @Test
    void shouldIgnoreCtrlC() throws Exception {
        Process child = start("ignore");
        try {
            // proc(5): a mask, signal 1 in bit 0.
            String ignored =
                    Files.readAllLines(Path.of("/proc/" + child.pid() + "/status")).stream()
                            .filter(line -> line.startsWith("SigIgn:"))
                            .findFirst()
                            .orElseThrow();
            long mask = Long.parseUnsignedLong(ignored.substring("SigIgn:".length()).strip(), 16);
            assertThat(mask & 1L << SIGINT - 1).isNotZero();
            assertThat(mask & 1L << SIGTERM - 1).isZero();
        } finally {
            child.destroyForcibly().waitFor();
        }
    }
}
