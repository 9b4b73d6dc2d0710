package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStatusFlagsTest {
    @TempDir Path directory;

    @Test
    void shouldTellHowAFileIsOpen() throws Exception {
        Path path = directory.resolve("file");
        try (Fd writer = FileIo.open(path, FileIo.O_CREAT | FileIo.O_RDWR | FileIo.O_APPEND, 0600);
                Fd reader = FileIo.open(path, FileIo.O_RDONLY)) {
            int writes = FileIo.statusFlags(writer);
            int reads = FileIo.statusFlags(reader);
            assertThat(writes & (FileIo.O_ACCMODE | FileIo.O_APPEND))
                    .isEqualTo(FileIo.O_RDWR | FileIo.O_APPEND);
            assertThat(reads & (FileIo.O_ACCMODE | FileIo.O_APPEND)).isEqualTo(FileIo.O_RDONLY);
        }
    }
}
