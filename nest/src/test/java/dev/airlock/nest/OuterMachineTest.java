package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Java program on KVM inside QEMU. */
class OuterMachineTest {
    private static final String PROGRAM =
            """
            import java.nio.file.*;

            public class Inner {
                public static void main(String[] words) throws Exception {
                    System.out.println("kvm " + Files.isWritable(Path.of("/dev/kvm")));
                    System.out.println("input " + Files.readString(Path.of(words[0])));
                    byte[] sector = new byte[512];
                    sector[0] = 42;
                    try (var disk = Files.newByteChannel(Path.of(words[1]), StandardOpenOption.WRITE)) {
                        disk.write(java.nio.ByteBuffer.wrap(sector));
                    }
                    Files.writeString(Path.of("/out/report"), "reported");
                    System.err.println("failing");
                    System.exit(9);
                }
            }
            """;

    @TempDir Path folder;

    @Test
    void shouldRunCommandsOnKvmAndBringBackWhatTheyLeave() throws Exception {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv", "mkfs.ext4");
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        Path classes = Files.createDirectory(folder.resolve("program"));
        Path source = Files.writeString(folder.resolve("Inner.java"), PROGRAM);
        Path jdk = Path.of(System.getProperty("java.home"));
        String compiler = jdk.resolve("bin/javac").toString();
        Tool.run(folder, List.of(compiler, "-d", classes.toString(), source.toString()));
        Path arguments =
                Files.writeString(classes.resolve("arguments"), "-Xmx64m -cp \"" + classes + "\"");
        Program program = new Program(jdk, classes, arguments, List.of("Inner"));
        Path input = Files.writeString(folder.resolve("in put"), "from outside");
        Path disk = folder.resolve("disk.img");
        Files.write(disk, new byte[1 << 20]);
        Path outputs = Files.createDirectory(folder.resolve("outputs"));
        Path console = folder.resolve("console");

        try (OuterMachine machine = new OuterMachine(program, kernel)) {
            List<String> first =
                    List.of("airlock", machine.input(input), machine.disk(disk, false));
            List<OuterMachine.Result> results =
                    machine.memoryMiB(1024)
                            .runAll(
                                    List.of(
                                            new OuterMachine.Task(
                                                    "first", first, Duration.ofMinutes(1)),
                                            new OuterMachine.Task(
                                                    "second",
                                                    List.of("sleep", "1000"),
                                                    Duration.ofSeconds(1))),
                                    console,
                                    outputs,
                                    Duration.ofMinutes(3));

            String said = Files.readString(console, StandardCharsets.ISO_8859_1);
            assertThat(results.getFirst().exitCode()).as(said).hasValue(9);
            assertThat(results.getFirst().output()).isEqualTo("kvm true\ninput from outside\n");
            assertThat(results.getFirst().errors()).isEqualTo("failing\n");
            assertThat(results.getLast().exitCode()).hasValue(143);
            assertThat(outputs.resolve("report")).hasContent("reported");
            assertThat(Files.readAllBytes(disk)).startsWith(42, 0);
        }
    }
}
