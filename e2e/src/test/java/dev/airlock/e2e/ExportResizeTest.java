package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code airlock disk-resize}, seen by real NBD clients. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExportResizeTest {
    /** Connects, has the size changed, and tries both ends of the old size. */
    private static final String OLD_CLIENT =
            """
            import errno, os, subprocess
            h = nbd.NBD()
            h.set_strict_mode(0)
            h.connect_uri(os.environ["U"])
            assert h.get_size() == 8 << 20
            subprocess.run(os.environ["RESIZE"], shell=True, check=True)
            def error(call):
                try: call()
                except nbd.Error as e: return e.errnum
            assert error(lambda: h.pread(512, 6 << 20)) == errno.EINVAL
            assert error(lambda: h.pwrite(bytes(512), 6 << 20)) == errno.ENOSPC
            assert error(lambda: h.pwrite(bytes(512), 3 << 20)) is None
            h.shutdown()
            """;

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldFollowADiskThatShrinksAndGrows(String isolation) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 8 << 20);
        Path control = folder.resolve("control.sock");
        try (var rig =
                ExportRig.start(folder, "--isolation", isolation, "--control", control, disk)) {
            String resize =
                    "%s/airlock disk-resize --control %s a.img "
                            .formatted(AirlockProcess.home(), control);
            Files.writeString(folder.resolve("old.py"), OLD_CLIENT);
            rig.succeed(
                    "nbdsh -n -c 'import os; os.environ[\"RESIZE\"] = \"%s\"' -c \"exec(open('old.py').read())\""
                            .formatted(resize + "4M"));
            assertThat(disk.toFile().length()).isEqualTo(4 << 20);
            awaitSize(rig, 4 << 20);

            try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
                file.setLength(20 << 20);
            }
            var rescanned =
                    AirlockProcess.run("disk-resize", "--control", control, "a.img", "--rescan");
            assertThat(rescanned.exitCode()).as(rescanned.errors()).isZero();
            assertThat(rescanned.output()).contains(String.valueOf(20 << 20));
            awaitSize(rig, 20 << 20);
            rig.succeed("qemu-io -f raw -c 'write -P 7 19M 64k' -c 'read -P 7 19M 64k' \"$U\"");
            rig.end();
        }
    }

    /** The guest notices by itself, a moment after the host has changed. */
    private static void awaitSize(ExportRig rig, long bytes) throws Exception {
        rig.succeed(
                "nbdinfo \"$U\"; until [ \"$(nbdinfo --size \"$U\")\" = %d ]; do sleep 0.05; done"
                        .formatted(bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.img", "a.img 1000", "a.img 4M --rescan", "b.img 4M"})
    void shouldSayInOneLineWhatIsWrong(String arguments) throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 1 << 20);
        Path control = folder.resolve("control.sock");
        try (var rig = ExportRig.start(folder, "--control", control, disk)) {
            Object[] all = ("disk-resize --control " + control + " " + arguments).split(" ");
            var result = AirlockProcess.run(all);
            assertThat(result.exitCode()).as(result.errors()).isIn(1, 2);
            assertThat(result.errors().lines()).hasSize(1);
            rig.end();
        }
    }
}
