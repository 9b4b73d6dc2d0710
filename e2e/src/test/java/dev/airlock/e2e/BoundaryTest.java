package dev.airlock.e2e;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.airlock.lab.workload.Baseline;
import dev.airlock.lab.workload.VerifiedWorkload;
import dev.airlock.lab.workload.WorkloadOptions;
import dev.airlock.lab.workload.WorkloadResult;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.Privileges;
import dev.airlock.linux.Usage;
import dev.airlock.memory.SharedRegion;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The trust boundary between two processes: this JVM is the guest, {@code airlock host} the host.
 * What is found in the host's memory is looked for from outside, through /proc.
 */
class BoundaryTest {
    private static final long SECOND = 1_000_000_000L;

    @TempDir private Path folder;

    private Path socket() {
        return folder.resolve("host.sock");
    }

    private AirlockProcess host(String... disks) throws Exception {
        Object[] arguments = new Object[3 + disks.length];
        arguments[0] = "host";
        arguments[1] = "--socket";
        arguments[2] = socket();
        System.arraycopy(disks, 0, arguments, 3, disks.length);
        AirlockProcess host = AirlockProcess.start(arguments);
        host.awaitErrorLine("ready ");
        return host;
    }

    private static VerifiedWorkload workload(StorageGuest guest, int disk) {
        return new VerifiedWorkload(
                guest.disks().get(disk),
                guest.memory(),
                WorkloadOptions.standard(System.nanoTime(), false, Baseline.FIRST_READ));
    }

    private static CompletableFuture<WorkloadResult> inBackground(VerifiedWorkload load) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return load.run(600 * SECOND);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                AirlockProcess::startThread);
    }

    private static void assertGood(WorkloadResult result) {
        assertThat(result.isGood()).as(result.toString()).isTrue();
    }

    @Test
    void hostShouldHoldNothingOfAnIsolatedGuestsPrivateMemory() throws Exception {
        byte[] canary = new byte[32];
        new SecureRandom().nextBytes(canary);
        byte[] shown = new byte[32];
        new SecureRandom().nextBytes(shown);
        try (var host = host("mem:64M");
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(true))) {
            MemorySegment memory = guest.memory().bytes();
            long secret = guest.memory().privatePages().allocate(1 << 20, 4096);
            for (long at = 0; at < 1 << 20; at += canary.length) {
                MemorySegment.copy(canary, 0, memory, JAVA_BYTE, secret + at, canary.length);
            }
            long visible = guest.mapper().allocateCoherent(4096);
            MemorySegment.copy(shown, 0, memory, JAVA_BYTE, visible, shown.length);
            assertGood(workload(guest, 0).run(SECOND / 2));

            ProcFs proc = new ProcFs(host.pid());
            assertThat(proc.count(shown)).as("the search finds what is shared").isPositive();
            assertThat(proc.count(canary)).as("private memory in the host").isZero();

            List<SharedRegion> shared = guest.memory().sharedRegions();
            assertThat(shared).hasSize(1);
            long inode = FileIo.stat(shared.getFirst().memfd()).inode();
            assertThat(shared.getFirst().bytes())
                    .isEqualTo(guest.memory().visiblePageCount() * 4096);
            assertThat(
                            proc.maps().stream()
                                    .filter(range ->
                                            range.name().contains("memfd:")
                                                    && !range.name().contains("airlock-disk")))
                    .isNotEmpty()
                    .allMatch(range -> range.inode() == inode);
            assertThat(proc.descriptors().values()).noneMatch(name -> name.startsWith("/proc/"));
            guest.mapper().freeCoherent(visible, 4096);
        }
    }

    @Test
    void hostShouldSeeAllOfAGuestThatIsNotIsolatedAndCopyNothing() throws Exception {
        byte[] canary = new byte[32];
        new SecureRandom().nextBytes(canary);
        try (var host = host("mem:64M");
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(false))) {
            long buffer = guest.memory().privatePages().allocate(4096, 4096);
            MemorySegment.copy(canary, 0, guest.memory().bytes(), JAVA_BYTE, buffer, canary.length);
            assertGood(workload(guest, 0).run(SECOND / 2));
            assertThat(new ProcFs(host.pid()).count(canary)).isPositive();
            var dma = guest.mapper().statistics();
            assertThat(dma.bytesBouncedIn() + dma.bytesBouncedOut()).isZero();
            assertThat(dma.bouncedMappings()).isZero();
            assertThat(dma.directMappings()).isPositive();
        }
    }

    @Test
    void hostShouldHaveNoRightsLeftAndNoWayToTheGuestsMemory() throws Exception {
        assumeTrue(
                "root".equals(System.getProperty("user.name")),
                "needs root: only a host started as root changes its user");
        try (var host = host("mem:16M");
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(true))) {
            assertGood(workload(guest, 0).run(SECOND / 5));
            assertThat(Privileges.isDumpable()).as("the guest").isFalse();
            String uid = "";
            String gid = "";
            for (Map<String, String> thread : new ProcFs(host.pid()).threads()) {
                uid = thread.get("Uid").split("\\s+")[0];
                gid = thread.get("Gid").split("\\s+")[0];
                assertThat(thread.get("Uid").split("\\s+")).doesNotContain("0");
                assertThat(thread.get("Gid").split("\\s+")).doesNotContain("0");
                assertThat(thread.get("Groups")).isEmpty();
                for (String set : List.of("CapInh", "CapPrm", "CapEff", "CapAmb")) {
                    assertThat(thread.get(set)).as(set).matches("0+");
                }
                assertThat(thread.get("NoNewPrivs")).isEqualTo("1");
            }
            long self = ProcessHandle.current().pid();
            String open = "exec 3</proc/%d/mem && echo opened".formatted(self);
            assertThat(command("sh", "-c", open))
                    .as("root, with its capabilities")
                    .contains("opened");
            String[] asHost = {
                "setpriv",
                "--reuid",
                uid,
                "--regid",
                gid,
                "--clear-groups",
                "--inh-caps=-all",
                "--bounding-set=-all",
                "--no-new-privs"
            };
            assertThat(command(with(asHost, "sh", "-c", open))).contains("Permission denied");
            assertThat(command(with(asHost, "strace", "-o", "/dev/null", "true")))
                    .as("a process of that user can trace its own child")
                    .isEmpty();
            assertThat(
                            command(
                                    with(
                                            asHost,
                                            "strace",
                                            "-o",
                                            "/dev/null",
                                            "-p",
                                            Long.toString(self))))
                    .contains("Operation not permitted");
        }
    }

    @Test
    void callersShouldGetErrorsAtOnceWhenTheHostIsKilled() throws Exception {
        for (boolean isolated : new boolean[] {true, false}) {
            try (var host = host("mem:64M");
                    var guest = StorageGuest.connect(socket(), GuestOptions.standard(isolated))) {
                VerifiedWorkload load = workload(guest, 0);
                var running = inBackground(load);
                while (load.ios() < 100) {
                    assertThat(running).isNotDone();
                    Thread.onSpinWait();
                }
                host.kill();
                long killed = System.nanoTime();
                WorkloadResult result = running.get(30, TimeUnit.SECONDS);
                System.out.printf(
                        "isolated=%s: callers had errors %d ms after kill -9 of the host%n",
                        isolated, (System.nanoTime() - killed) / 1_000_000);
                assertThat(result.failedIos()).isPositive();
                assertThat(result.wrongBytes()).isZero();
                assertThat(guest.mapper().statistics().slotsUsed()).isZero();
            }
        }
    }

    @Test
    void hostShouldReleaseAllOfAKilledGuestAndOthersShouldNotNotice() throws Exception {
        try (var host = host("mem:64M,name=mine", "mem:64M,name=other,shared");
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(true))) {
            ProcFs proc = new ProcFs(host.pid());
            assertGood(workload(guest, 0).run(SECOND / 5));
            long memfdMapsBefore = memfdMaps(proc);
            int descriptorsBefore = proc.descriptors().size();
            VerifiedWorkload load = workload(guest, 0);
            var running = inBackground(load);
            for (int round = 0; round < 5; round++) {
                String connected = "airlock: host: guest" + (round + 2) + ": connected";
                try (var victim =
                        AirlockProcess.start(
                                "run",
                                "--host",
                                socket(),
                                "--overwrite",
                                "1",
                                "--seconds",
                                "60",
                                "--isolation",
                                round % 2 == 0 ? "forced" : "none")) {
                    host.awaitErrorLine(connected);
                    victim.kill();
                    host.awaitErrorLine("airlock: host: guest" + (round + 2) + ": gone");
                }
            }
            assertThat(memfdMaps(proc)).isEqualTo(memfdMapsBefore);
            assertThat(proc.descriptors())
                    .as("descriptors")
                    .hasSizeLessThanOrEqualTo(descriptorsBefore);
            load.stop();
            WorkloadResult result = running.get(60, TimeUnit.SECONDS);
            assertThat(result.wrongBytes()).isZero();
            assertThat(result.failedIos()).as(result.firstFailure()).isZero();
            assertThat(result.ios()).isPositive();
        }
    }

    @Test
    void sigtermShouldFinishWhatIsUnderWayAndKeepWhatWasWritten() throws Exception {
        Path image = folder.resolve("kept.raw");
        Files.write(image, new byte[16 << 20]);
        byte[] content = "written before SIGTERM".getBytes(StandardCharsets.UTF_8);
        try (var host = host(image.toString());
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(true))) {
            long buffer = guest.memory().privatePages().allocate(4096, 4096);
            MemorySegment.copy(
                    content, 0, guest.memory().bytes(), JAVA_BYTE, buffer, content.length);
            var list = new dev.airlock.dma.Scatterlist(1);
            list.add(buffer, 4096);
            guest.disks().getFirst().write(8 << 20, list, false);
            host.terminate();
            assertThat(host.await().exitCode()).as(host.errors()).isZero();
        }
        byte[] found = new byte[content.length];
        try (var file = new java.io.RandomAccessFile(image.toFile(), "r")) {
            file.seek(8 << 20);
            file.readFully(found);
        }
        assertThat(found).isEqualTo(content);
    }

    @Test
    void hostShouldStaySmallAfterServingAGuest() throws Exception {
        Path image = folder.resolve("disk.raw");
        Files.write(image, new byte[64 << 20]);
        try (var host = host(image.toString());
                var guest = StorageGuest.connect(socket(), GuestOptions.standard(true))) {
            assertGood(workload(guest, 0).run(2 * SECOND));
            Usage usage = Usage.of(host.pid());
            long own = usage.rssAnonBytes() + usage.rssFileBytes();
            System.out.printf(
                    "host: anonymous %d MiB, file %d MiB%n",
                    usage.rssAnonBytes() >> 20, usage.rssFileBytes() >> 20);
            assertThat(own).isLessThanOrEqualTo(256L << 20);
        }
    }

    private static long memfdMaps(ProcFs proc) throws IOException {
        return proc.maps().stream().filter(range -> range.name().contains("memfd:")).count();
    }

    private static String[] with(String[] prefix, String... command) {
        String[] all = java.util.Arrays.copyOf(prefix, prefix.length + command.length);
        System.arraycopy(command, 0, all, prefix.length, command.length);
        return all;
    }

    private static String command(String... words) throws Exception {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
