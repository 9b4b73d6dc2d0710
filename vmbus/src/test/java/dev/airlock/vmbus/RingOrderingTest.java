package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs package {@code stress} under jcstress, in processes of its own. */
class RingOrderingTest {
    private static final int TESTS = 5;
    private static final String ALL = "dev.airlock.vmbus.stress";

    /** A guard against hangs, nothing is measured by it. */
    private static final long PATIENCE_SECONDS = 900;

    @TempDir Path folder;

    @BeforeEach
    void requireSurefire() {
        assumeTrue(testClassPath() != null, "not run by Surefire, whose class path it needs");
    }

    @Test
    void shouldNeverLoseAWakeUpNorTearAPacket() throws Exception {
        assertPassed(stress(ALL, "", 1, 200));
    }

    @Test
    @Tag("soak")
    void shouldNeverLoseAWakeUpNorTearAPacketInManyMoreTrials() throws Exception {
        assertPassed(stress(ALL, "", 20, 1_000));
    }

    /** That the trials can fail at all: without any one of the fences a wake-up is lost. */
    @Test
    @Tag("soak")
    void shouldFailWithoutAnyOneOfTheFences() throws Exception {
        int fences = 0;
        for (Class<?> end : List.of(RingWriter.class, RingReader.class)) {
            for (String method : FenceRemoval.fencedMethods(end)) {
                fences++;
                Path changed = folder.resolve(end.getSimpleName() + "-" + method);
                FenceRemoval.write(end, method, changed);
                Outcome outcome = stress(ALL, changed + File.pathSeparator, 4, 500);
                assertThat(outcome.exit).as("without the fence of %s.%s", end, method).isNotZero();
                assertThat(outcome.text).contains("lost wake-up");
                System.out.println("a wake-up is lost without the fence of " + end + "." + method);
            }
        }
        assertThat(fences).isEqualTo(4);
    }

    private static String testClassPath() {
        return System.getProperty("surefire.test.class.path");
    }

    private static void assertPassed(Outcome outcome) {
        assertThat(outcome.exit)
                .as(outcome.text.substring(Math.max(0, outcome.text.indexOf("RUN RESULTS"))))
                .isZero();
        assertThat(outcome.text.lines().filter(line -> line.startsWith("(Results:")).toList())
                .last()
                .isEqualTo(
                        "(Results: %d planned; %d passed, 0 failed, 0 soft errs, 0 hard errs)"
                                .formatted(TESTS, TESTS));
    }

    /**
     * @param exit 0 if nothing forbidden was seen
     */
    private record Outcome(int exit, String text) {}

    /**
     * @param pattern which tests
     * @param before what comes first on the class path, with its separator
     */
    private Outcome stress(String pattern, String before, int rounds, int roundMs)
            throws IOException, InterruptedException {
        Path results = Files.createTempDirectory(folder, "jcstress");
        String classPath =
                before
                        + testClassPath()
                        + File.pathSeparator
                        + System.getProperty("jdk.module.path", "");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", classPath, "org.openjdk.jcstress.Main"));
        command.addAll(List.of("-t", pattern, "-r", results.toString()));
        // One process per test, one JVM configuration.
        command.addAll(List.of("-f", "1", "-fsm", "1", "-sc", "false", "-af", "NONE"));
        command.addAll(List.of("-iters", "" + rounds, "-time", "" + roundMs));
        command.addAll(List.of("-spinStyle", "THREAD_YIELD", "-hs", "256"));
        command.addAll(List.of("-jvmArgs", "-XX:+UseSerialGC", "-v"));
        Path output = results.resolve("output");
        Process jcstress =
                new ProcessBuilder(command)
                        .directory(results.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            assertThat(jcstress.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        } finally {
            jcstress.descendants().forEach(ProcessHandle::destroyForcibly);
            jcstress.destroyForcibly();
        }
        return new Outcome(jcstress.exitValue(), Files.readString(output));
    }
}
