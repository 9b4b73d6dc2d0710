package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs package {@code stress} under jcstress, in processes of its own. Each of the four fences of
 * the ring, when taken out, fails it within these few seconds (tried by hand).
 */
@Timeout(120)
class RingOrderingTest {
    @Test
    void shouldNeverLoseAWakeUpNorTearAPacket(@TempDir Path results) throws Exception {
        String tests = System.getProperty("surefire.test.class.path");
        assumeTrue(tests != null, "not run by Surefire, whose class path it needs");
        String classPath = tests + File.pathSeparator + System.getProperty("jdk.module.path", "");
        Path output = results.resolve("output");
        Process jcstress =
                new ProcessBuilder(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "-cp",
                                        classPath,
                                        "org.openjdk.jcstress.Main",
                                        "-t",
                                        "dev.airlock.vmbus.stress",
                                        "-r",
                                        results.toString(),
                                        // One process per test, one JVM configuration, four rounds.
                                        "-f",
                                        "1",
                                        "-fsm",
                                        "1",
                                        "-iters",
                                        "4",
                                        "-time",
                                        "250",
                                        "-sc",
                                        "false",
                                        "-af",
                                        "NONE",
                                        "-spinStyle",
                                        "THREAD_YIELD",
                                        "-hs",
                                        "256",
                                        "-jvmArgs",
                                        "-XX:+UseSerialGC",
                                        "-v"))
                        .directory(results.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            assertThat(jcstress.waitFor(100, TimeUnit.SECONDS)).as("jcstress ends").isTrue();
        } finally {
            jcstress.descendants().forEach(ProcessHandle::destroyForcibly);
            jcstress.destroyForcibly();
        }
        String text = Files.readString(output);
        assertThat(jcstress.exitValue())
                .as(text.substring(Math.max(0, text.indexOf("RUN RESULTS"))))
                .isZero();
        assertThat(text.lines().filter(line -> line.startsWith("(Results:")).toList())
                .last()
                .isEqualTo("(Results: 4 planned; 4 passed, 0 failed, 0 soft errs, 0 hard errs)");
    }
}
