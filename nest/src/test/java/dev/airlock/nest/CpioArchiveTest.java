package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives read back by busybox. */
class CpioArchiveTest {
    @TempDir Path folder;
    private Path archive;

    @BeforeEach
    void place() {
        archive = folder.resolve("archive.cpio");
    }

    @Test
    void shouldBeReadBackWithNamesContentsModesAndLinks() throws Exception {
        Machine.assume("busybox");
        Path large = folder.resolve("large");
        byte[] content = new byte[1_000_003];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i * 31);
        }
        Files.write(large, content);
        try (CpioArchive cpio = new CpioArchive(Files.newOutputStream(archive))) {
            cpio.folder("etc/empty");
            cpio.file("/etc/one", 0640, "x".getBytes(StandardCharsets.UTF_8));
            cpio.file("a/b/c/large", 0755, large);
            cpio.symlink("a/link", "b/c/large");
            cpio.file("ends", 0644, new byte[0]);
        }

        assertThat(Tool.run(folder, List.of("busybox", "cpio", "-t", "-F", archive.toString())))
                .startsWith(
                        """
                        etc
                        etc/empty
                        etc/one
                        a
                        a/b
                        a/b/c
                        a/b/c/large
                        a/link
                        ends
                        """);
        Path out = Files.createDirectory(folder.resolve("out"));
        Tool.run(out, List.of("busybox", "cpio", "-i", "-F", archive.toString()));
        assertThat(out.resolve("a/b/c/large")).hasBinaryContent(content).isExecutable();
        assertThat(out.resolve("etc/one")).hasContent("x");
        assertThat(Files.getPosixFilePermissions(out.resolve("etc/one"))).hasSize(3);
        assertThat(Files.readSymbolicLink(out.resolve("a/link"))).hasToString("b/c/large");
        assertThat(out.resolve("etc/empty")).isEmptyDirectory();
        assertThat(out.resolve("ends")).isEmptyFile();
    }

    @Test
    void shouldCarryDeviceNodes() throws Exception {
        Machine.assume("busybox");
        try (CpioArchive cpio = new CpioArchive(Files.newOutputStream(archive))) {
            cpio.characterDevice("dev/console", 0600, 5, 1);
            cpio.blockDevice("dev/vda", 0660, 254, 0);
        }

        String text = Files.readString(archive, StandardCharsets.ISO_8859_1);
        assertThat(text)
                .containsPattern("070701.{8}00002180.{56}0000000500000001.{16}dev/console\0")
                .containsPattern("070701.{8}000061B0.{56}000000FE00000000.{16}dev/vda\0");
        assertThat(Tool.run(folder, List.of("busybox", "cpio", "-tv", "-F", archive.toString())))
                .containsPattern("crw------- .*dev/console\n")
                .containsPattern("brw-rw---- .*dev/vda\n");
    }

    @Test
    void shouldRefuseAnEntryThatIsThere() throws Exception {
        try (CpioArchive cpio = new CpioArchive(Files.newOutputStream(archive))) {
            cpio.file("a/one", 0644, new byte[1]);
            cpio.folder("a");
            assertThat(cpio.contains("/a/one")).isTrue();
            assertThatThrownBy(() -> cpio.symlink("a/one", "b"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a/one");
        }
    }

    @Test
    void shouldBeTheSameArchiveForTheSameContent() throws Exception {
        byte[][] made = new byte[2][];
        for (int i = 0; i < made.length; i++) {
            try (CpioArchive cpio = new CpioArchive(Files.newOutputStream(archive))) {
                cpio.file("etc/one", 0644, new byte[] {1, 2, 3});
            }
            made[i] = Files.readAllBytes(archive);
        }
        assertThat(made[0]).isEqualTo(made[1]);
    }
}
