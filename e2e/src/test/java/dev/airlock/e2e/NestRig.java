package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
import dev.airlock.nest.OuterMachine;
import dev.airlock.nest.Program;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.opentest4j.TestAbortedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A machine under QEMU that has KVM, with the program of this build in it, for several commands one
 * after the other. The limits keep a broken program from hanging the tests.
 */
final class NestRig implements AutoCloseable {
    private static final Duration TASK_PATIENCE = Duration.ofMinutes(10);
    private static final int CONSOLE_SHOWN = 6_000;

    private final OuterMachine machine;
    private final Path console;
    private final Path outputs;
    private final Map<String, String> commands = new LinkedHashMap<>();

    /**
     * Its own kernel is Debian's stable one.
     *
     * @param folder empty; for what comes out of it
     */
    NestRig(Path folder) throws IOException {
        machine = new OuterMachine(program(), kernel(DebianKernel.STABLE));
        console = folder.resolve("console");
        outputs = Files.createDirectory(folder.resolve("out"));
    }

    /** A kernel of Debian's; without it, or without a tool, the test is skipped. */
    static LinuxKernel kernel(DebianKernel which, String... tools) throws IOException {
        ExportRig.requireTool("qemu-system-x86_64");
        ExportRig.requireTool("busybox");
        for (String tool : tools) {
            ExportRig.requireTool(tool);
        }
        try {
            return which.fetch();
        } catch (NestException e) {
            throw new TestAbortedException("skipped: no Debian kernel: " + e.getMessage());
        }
    }

    /** The program as ./airlock starts it. */
    static Program program() throws IOException {
        Path image = AirlockProcess.home().resolve("image/target");
        return new Program(
                Path.of(Files.readString(image.resolve("jdk")).strip()),
                image,
                image.resolve("airlock.args"),
                List.of("-m", "dev.airlock.cli/dev.airlock.cli.Main"));
    }

    /** For what else it is to have. */
    OuterMachine machine() {
        return machine;
    }

    /** The beginning of a command that boots a guest; its report comes back by the name. */
    String boot(String name, LinuxKernel kernel, Path initramfs, boolean isIsolated) {
        return "airlock boot --no-reboot --kernel %s --initrd %s --isolation %s --report /out/%s.json "
                .formatted(
                        machine.input(kernel.image()),
                        machine.input(initramfs),
                        isIsolated ? "vbs" : "none",
                        name);
    }

    /** One more command, for a shell. */
    void add(String name, String command) {
        commands.put(name, command);
    }

    /** Runs all; by their names, each of which has ended with an exit code. */
    Map<String, OuterMachine.Result> run() throws IOException, InterruptedException {
        List<OuterMachine.Task> tasks = new ArrayList<>();
        commands.forEach((name, command) ->
                tasks.add(
                        new OuterMachine.Task(name, List.of("sh", "-c", command), TASK_PATIENCE)));
        List<OuterMachine.Result> all =
                machine.runAll(
                        tasks,
                        console,
                        outputs,
                        TASK_PATIENCE.plus(Duration.ofMinutes(2).multipliedBy(tasks.size())));
        Map<String, OuterMachine.Result> results = new LinkedHashMap<>();
        for (int i = 0; i < all.size(); i++) {
            assertThat(all.get(i).exitCode())
                    .as("the machine under QEMU ended early: %s", consoleEnd(console))
                    .isPresent();
            results.put(tasks.get(i).name(), all.get(i));
        }
        return results;
    }

    /** The report of a guest, as JSON. */
    JsonNode report(String name) throws IOException {
        return JsonMapper.builder()
                .build()
                .readTree(Files.readString(outputs.resolve(name + ".json")));
    }

    /** What a machine's console said last. */
    static String consoleEnd(Path console) throws IOException {
        String all = Files.readString(console, StandardCharsets.ISO_8859_1);
        return all.substring(Math.max(0, all.length() - CONSOLE_SHOWN));
    }

    @Override
    public void close() throws IOException {
        machine.close();
    }
}
