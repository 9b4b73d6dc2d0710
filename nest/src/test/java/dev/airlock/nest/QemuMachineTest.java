package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Debian's kernels under QEMU. */
class QemuMachineTest {
    private static final Duration TIMEOUT = Duration.ofMinutes(3);

    @TempDir Path folder;
    private Path initramfs;

    @BeforeEach
    void needs() {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv");
        initramfs = folder.resolve("initramfs.cpio");
    }

    @ParameterizedTest
    @EnumSource(names = {"STABLE", "BACKPORTS"})
    void shouldRunAScriptWithModulesProgramsAndADriveAndReportItsExitCode(DebianKernel which)
            throws Exception {
        LinuxKernel kernel = Machine.kernel(which);
        Path image = folder.resolve("with,comma.img");
        Files.write(image, "from outside".getBytes(StandardCharsets.US_ASCII));
        Files.write(image, new byte[1 << 20], StandardOpenOption.APPEND);
        Path tree = Files.createDirectories(folder.resolve("tree/inner"));
        Files.writeString(tree.resolve("kept"), "kept");
        Files.writeString(tree.resolve("left-out"), "");
        new Initramfs(kernel)
                .modules("virtio_pci", "virtio_blk")
                .program("losetup") // a dynamic program whose name busybox has too
                .tree(folder.resolve("tree"), "/opt/tree", path -> !path.endsWith("left-out"))
                .script(
                        """
                        echo "release $(uname -r)"
                        echo "drive $(dd if=/dev/vda bs=12 count=1 2>/dev/null)"
                        echo "tree $(ls /opt/tree/inner) $(cat /opt/tree/inner/kept)"
                        losetup --version
                        echo "parameter $(cat /sys/module/virtio_blk/parameters/queue_depth)"
                        printf 'from inside!' | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null
                        exit 42
                        """)
                .write(initramfs);

        Path console = folder.resolve("console");
        try (QemuMachine machine =
                new QemuSettings(kernel.image(), initramfs)
                        .drive(image, false)
                        .commandLine("quiet virtio_blk.queue_depth=7")
                        .consoleTo(console)
                        .start()) {
            QemuMachine.Ending ending = machine.await(TIMEOUT);

            String said = Files.readString(console, StandardCharsets.ISO_8859_1);
            assertThat(ending.exitCode()).as(said).hasValue(42);
            assertThat(ending.isTimedOut()).isFalse();
            assertThat(said)
                    .contains("release " + kernel.release())
                    .contains("drive from outside")
                    .contains("tree kept kept")
                    .contains("util-linux")
                    .contains("parameter 7");
            assertThat(Files.readString(image, StandardCharsets.ISO_8859_1))
                    .startsWith("from inside!");
        }
    }

    @Test
    void shouldTellACrashFromAnExitCode() throws Exception {
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        new Initramfs(kernel).script("echo c >/proc/sysrq-trigger").write(initramfs);
        Path console = folder.resolve("console");
        try (QemuMachine machine =
                new QemuSettings(kernel.image(), initramfs).consoleTo(console).start()) {
            QemuMachine.Ending ending = machine.await(TIMEOUT);

            String said = Files.readString(console, StandardCharsets.ISO_8859_1);
            assertThat(said).contains("Kernel panic");
            assertThat(ending.exitCode()).isEmpty();
            assertThat(ending.isTimedOut()).isFalse();
        }
    }

    @Test
    void shouldEndAMachineWhoseTimeIsOver() throws Exception {
        LinuxKernel kernel = Machine.kernel(DebianKernel.STABLE);
        new Initramfs(kernel).script("sleep 1000").write(initramfs);
        try (QemuMachine machine =
                new QemuSettings(kernel.image(), initramfs)
                        .consoleTo(folder.resolve("console"))
                        .start()) {
            QemuMachine.Ending ending = machine.await(Duration.ofMillis(200));

            assertThat(ending).isEqualTo(new QemuMachine.Ending(OptionalInt.empty(), true));
            assertThat(machine.isAlive()).isFalse();
        }
    }

    @Test
    void shouldSayWhatQemuSaysWhenItDoesNotStart() throws Exception {
        try (QemuMachine machine =
                new QemuSettings(folder.resolve("no-kernel"), folder.resolve("no-initramfs"))
                        .start()) {
            assertThatThrownBy(() -> machine.await(TIMEOUT))
                    .isInstanceOf(NestException.class)
                    .hasMessageContaining("no-kernel");
        }
    }
}
