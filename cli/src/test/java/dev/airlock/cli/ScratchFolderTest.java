package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which folders of others a new one removes. */
class ScratchFolderTest {
    @TempDir private Path parent;

    @Test
    void shouldRemoveTheFolderOfADeadOwnerWithAllInIt() throws IOException {
        Path dead = Files.createDirectory(parent.resolve("airlock-1"));
        Files.createFile(dead.resolve("owner"));
        Files.createFile(Files.createDirectory(dead.resolve("inner")).resolve("file"));
        Path outside = Files.createDirectory(parent.resolve("outside"));
        Files.createFile(outside.resolve("kept"));
        Files.createSymbolicLink(dead.resolve("link"), outside);
        try (ScratchFolder folder = ScratchFolder.createIn(parent)) {
            assertThat(dead).doesNotExist();
            assertThat(outside.resolve("kept")).exists();
            assertThat(folder.path("owner")).exists();
        }
        try (var left = Files.list(parent)) {
            assertThat(left).containsExactly(outside);
        }
    }

    @Test
    void shouldLeaveTheLivingAndWhatIsNotAFolderOfOurs() throws IOException {
        Path alive = Files.createDirectory(parent.resolve("airlock-2"));
        Path unmarked = Files.createDirectory(parent.resolve("airlock-3"));
        Path target = Files.createDirectory(parent.resolve("target"));
        Files.createFile(target.resolve("owner"));
        Path link = Files.createSymbolicLink(parent.resolve("airlock-4"), target);
        Path marked = Files.createFile(alive.resolve("owner"));
        try (Fd owner = FileIo.open(marked, FileIo.O_RDWR)) {
            assertThat(FileIo.tryLockExclusive(owner)).isTrue();
            try (ScratchFolder first = ScratchFolder.createIn(parent);
                    ScratchFolder second = ScratchFolder.createIn(parent)) {
                assertThat(first.path("owner")).exists();
                assertThat(second.path("owner")).exists();
            }
            assertThat(alive).exists();
        }
        assertThat(unmarked).exists();
        assertThat(link).exists();
        assertThat(target.resolve("owner")).exists();
    }
}
