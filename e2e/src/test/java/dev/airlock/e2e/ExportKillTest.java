package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each process killed at random moments: what a flush acknowledged is there. */
@Timeout(value = 900, unit = TimeUnit.SECONDS)
class ExportKillTest {
    private static final int KILLS = Boolean.getBoolean("airlock.soak") ? 100 : 4;

    /**
     * Writes a growing counter everywhere and flushes, then says what is safe; goes on through
     * errors until it has been told to end, or cannot connect any more.
     */
    private static final String WRITER =
            """
            import os, sys, time
            h = nbd.NBD()
            h.connect_uri(os.environ["U"])
            n = int(os.environ["FIRST"])
            end = time.monotonic() + 60
            while time.monotonic() < end and not os.path.exists("stop"):
                n += 1
                try:
                    for block in range(8):
                        h.pwrite(n.to_bytes(8, "big") * 512, block * 4096)
                    h.flush()
                    with open("safe.new", "w") as f:
                        f.write(str(n))
                    os.rename("safe.new", "safe")
                except nbd.Error as e:
                    if h.aio_is_dead() or h.aio_is_closed():
                        sys.exit(3)
                    with open("errors", "a") as f:
                        f.write(e.string + "\\n")
                    time.sleep(0.01)
            """;

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"host", "export", "client"})
    void shouldKeepWhatAFlushAcknowledged(String victim) throws Exception {
        ExportRig.requireTool("nbdsh");
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        Path disk = ExportRig.image(folder, "a.img", 1 << 20);
        Files.writeString(folder.resolve("writer.py"), WRITER);
        ExportRig rig = ExportRig.start(folder, disk);
        try {
            long first = 0;
            Process writer = write(rig, first);
            for (int kill = 0; kill < KILLS; kill++) {
                long before = awaitSafe(first);
                TimeUnit.MILLISECONDS.sleep(random.nextInt(50));
                switch (victim) {
                    case "host" -> {
                        rig.host().destroyForcibly();
                        rig.export.awaitErrorLine("airlock: export: the host process ended");
                    }
                    case "export" -> {
                        rig.close();
                        assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
                        requireAtLeast(disk, safe());
                        rig = ExportRig.start(folder, disk);
                        writer = write(rig, safe() + 1000);
                    }
                    default -> {
                        writer.descendants().forEach(ProcessHandle::destroyForcibly);
                        writer.destroyForcibly().waitFor();
                        writer = write(rig, safe() + 1000);
                    }
                }
                // It goes on: more becomes safe than there was.
                first = awaitSafe(Math.max(before, safe()));
            }
            Files.writeString(folder.resolve("stop"), "");
            assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
            rig.end();
            requireAtLeast(disk, safe());
        } finally {
            rig.close();
        }
    }

    private Process write(ExportRig rig, long first) throws Exception {
        var builder =
                new ProcessBuilder("nbdsh", "-n", "-c", "exec(open('writer.py').read())")
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("writer.log").toFile());
        builder.environment().put("U", rig.uri());
        builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        builder.environment().put("FIRST", Long.toString(first));
        return builder.start();
    }

    private long safe() throws Exception {
        Path file = folder.resolve("safe");
        return Files.exists(file) ? Long.parseLong(Files.readString(file)) : 0;
    }

    /** Waits until more than this is safe. */
    private long awaitSafe(long than) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(50);
        while (safe() <= than) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError(
                        "no progress beyond "
                                + than
                                + ": "
                                + Files.readString(folder.resolve("writer.log")));
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return safe();
    }

    private static void requireAtLeast(Path disk, long safe) throws Exception {
        byte[] bytes = Files.readAllBytes(disk);
        var numbers = java.nio.ByteBuffer.wrap(bytes, 0, 8 * 4096).asLongBuffer();
        for (int i = 0; i < numbers.capacity(); i++) {
            assertThat(numbers.get(i)).as("number %d", i).isGreaterThanOrEqualTo(safe);
        }
    }
}
