package dev.airlock.lab.mapping;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What a run was made on. */
public final class Machine {
    private static final String UNKNOWN = "unknown";

    private Machine() {}

    /**
     * Processor, kernel, JVM and this program.
     *
     * @param version of Airlock
     * @param home the folder of its sources, for the commit; null when there is none
     */
    public static Map<String, String> describe(String version, @Nullable Path home) {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("cpu", cpu() + " × " + Runtime.getRuntime().availableProcessors());
        machine.put("kernel", "Linux " + firstLine(Path.of("/proc/sys/kernel/osrelease")));
        machine.put(
                "jdk",
                System.getProperty("java.vm.name")
                        + " "
                        + Runtime.version()
                        + " ("
                        + System.getProperty("java.vendor")
                        + ")");
        machine.put("airlock", version);
        machine.put("commit", home == null ? UNKNOWN : commit(home));
        return machine;
    }

    private static String cpu() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("model name")) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException e) {
            return UNKNOWN;
        }
        return System.getProperty("os.arch");
    }

    private static String firstLine(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return UNKNOWN;
        }
    }

    /** The commit of the sources, with {@code -dirty} when they were changed since. */
    private static String commit(Path home) {
        try {
            Process git =
                    new ProcessBuilder(
                                    "git",
                                    "-C",
                                    home.toString(),
                                    "describe",
                                    "--always",
                                    "--dirty",
                                    "--abbrev=12",
                                    "--exclude=*")
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String said =
                    new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            boolean good = git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0;
            return good && !said.isEmpty() ? said : UNKNOWN;
        } catch (IOException e) {
            return UNKNOWN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return UNKNOWN;
        }
    }
}
