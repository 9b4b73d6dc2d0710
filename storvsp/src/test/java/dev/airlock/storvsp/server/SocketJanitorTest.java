package dev.airlock.storvsp.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketJanitorTest {
    @TempDir Path directory;

    @Test
    void shouldRemoveEachPathOnlyIfItIsStillTheSameFile() throws IOException {
        Path ours = Files.createFile(directory.resolve("ours with a space"));
        Path replaced = Files.createFile(directory.resolve("replaced"));
        Path gone = Files.createFile(directory.resolve("gone"));
        try (SocketJanitor janitor = SocketJanitor.start(List.of(gone, replaced, ours))) {
            // Renamed over, so that the new file cannot get the old one's inode number.
            Files.move(
                    Files.createFile(directory.resolve("new")),
                    replaced,
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            Files.delete(gone);
            assertThat(ours).exists();
        }

        assertThat(ours).doesNotExist();
        assertThat(replaced).exists();
    }
}
