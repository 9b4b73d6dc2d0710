package dev.airlock.nest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the bench is held against, on whatever runs processors here. */
class BenchPeerTest {
    @TempDir Path folder;

    @Tag("soak")
    @ParameterizedTest
    @EnumSource
    void shouldDoEveryJobOnItsDisk(BenchPeer peer) throws Exception {
        Machine.assume("qemu-system-x86_64", "busybox", "setpriv", "fio");
        BenchGuest guest = BenchPeer.make(Machine.kernel(DebianKernel.STABLE), folder);
        Path disk = folder.resolve("disk,raw");
        SparseFile.create(disk, 16L << 20);
        try (QemuMachine machine = peer.settings(guest, disk, 1).memoryMiB(768).start()) {
            CompletableFuture<String> said = new CompletableFuture<>();
            Thread reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    byte[] all = machine.console().readAllBytes();
                                    said.complete(new String(all, StandardCharsets.ISO_8859_1));
                                } catch (java.io.IOException e) {
                                    said.completeExceptionally(e);
                                }
                            });
            QemuMachine.Ending ending = machine.await(Duration.ofMinutes(5));
            reader.join();

            assertThat(ending.exitCode()).as(said.get()).hasValue(0);
            for (BenchGuest.Job job : BenchGuest.JOBS) {
                assertThat(said.get()).contains(BenchGuest.RESULT + job.name() + " 3;fio-");
            }
        }
    }

    @Test
    void shouldFindWhatAMachineStartsWith() throws Exception {
        Machine.assume("qemu-system-x86_64");
        assertThat(QemuFirmware.files())
                .hasSize(3)
                .allSatisfy(file -> assertThat(file).isRegularFile().isReadable());
    }
}
