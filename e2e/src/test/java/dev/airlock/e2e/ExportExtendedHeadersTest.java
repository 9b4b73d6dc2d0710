package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nest.BackportedPackage;
import dev.airlock.nest.NestException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/** Extended headers with qemu of the backports: Debian 12's own clients do not know them. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class ExportExtendedHeadersTest {
    private static final String ACKNOWLEDGED =
            "Received option reply 11 (extended headers), type 1 (ack)";

    /** More than 32 bits hold. */
    private static final long BYTES = 5L << 30;

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"forced", "none"})
    void shouldServeQemuWithThem(String isolation) throws Exception {
        Path programs;
        try {
            programs = BackportedPackage.fetch("qemu-utils").resolve("usr/bin");
        } catch (NestException e) {
            throw new TestAbortedException("skipped: no qemu of the backports: " + e.getMessage());
        }
        Path disk = ExportRig.image(folder, "a.img", BYTES);
        byte[] data = new byte[3 << 20];
        new Random(9).nextBytes(data);
        Files.write(folder.resolve("data"), data);
        try (var rig = ExportRig.start(folder, "--isolation", isolation, disk)) {
            String said =
                    rig.succeed(
                            "env PATH=%s:/usr/bin:/bin qemu-io -T 'nbd_*' -f raw"
                                            .formatted(programs)
                                    + " -c 'write -P 3 4097M 2M' -c 'read -P 3 4097M 2M'"
                                    + " -c 'write -s data 100k 3M'"
                                    // Far beyond what a request with data may have.
                                    + " -c 'write -z 0 2000M'"
                                    + " -c 'write -s data 4200M 3M' -c flush \"$U\"");
            assertThat(said).contains(ACKNOWLEDGED).doesNotContain("failed");
            String map =
                    rig.succeed(
                            "env PATH=%s:/usr/bin:/bin qemu-img map --output=json \"$U\""
                                    .formatted(programs));
            assertThat(map).contains("\"start\": " + (4200L << 20) + ", \"length\": " + (3 << 20));
            rig.end();
            try (var file = new RandomAccessFile(disk.toFile(), "r")) {
                byte[] written = new byte[data.length];
                file.seek(4200L << 20);
                file.readFully(written);
                assertThat(written).isEqualTo(data);
            }
        }
    }
}
