package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.testkit.Allocation;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class CpuAndUsageTest {
    @Test
    void shouldRunWhereItIsPinned() throws Exception {
        for (int cpu : Cpu.available()) {
            var pinned =
                    onItsOwnThread(() -> {
                        Cpu.pin(cpu);
                        return new int[][] {{Cpu.current()}, Cpu.available()};
                    });
            assertThat(pinned[0]).containsExactly(cpu);
            assertThat(pinned[1]).containsExactly(cpu);
        }
    }

    @Test
    void shouldRefuseProcessorsThatDoNotExist() {
        assertThatThrownBy(() -> Cpu.pin(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Cpu.pin(8191))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("cpu=8191");
    }

    @Test
    void shouldNotAllocateWhenAskedForTheProcessor() {
        Allocation.assertNone(() -> {
            if (Cpu.current() < 0 || Usage.selfCpuNanos() <= 0) {
                throw new AssertionError();
            }
        });
    }

    @Test
    void shouldCountProcessorTimeOfThisProcess() throws LinuxException {
        long self = ProcessHandle.current().pid();
        long before = Usage.cpuNanos(self);
        long spinUntil = before + 2_000_000;
        while (Usage.selfCpuNanos() < spinUntil) {
            Thread.onSpinWait();
        }
        assertThat(Usage.cpuNanos(self)).isGreaterThanOrEqualTo(spinUntil);
        assertThat(Usage.self().cpuNanos()).isGreaterThanOrEqualTo(spinUntil);
    }

    @Test
    void shouldTellOwnFromSharedMemory() throws LinuxException {
        Usage before = Usage.self();
        long bytes = 32 << 20;
        try (Fd memfd = Memfd.create("usage", bytes);
                Mapping shared = Mapping.shared(memfd, 0, bytes)) {
            shared.segment().fill((byte) 1);
            Usage after = Usage.self();
            assertThat(after.rssShmemBytes() - before.rssShmemBytes())
                    .isBetween(bytes * 9 / 10, bytes * 2);
            assertThat(after.rssAnonBytes()).isPositive();
            assertThat(after.rssFileBytes()).isPositive();
        }
    }

    @Test
    void shouldMeasureAnotherProcessUntilItHasGone() throws IOException, InterruptedException {
        Process child = new ProcessBuilder("cat").start();
        assertThat(Usage.of(child.pid()).cpuNanos()).isPositive();
        child.destroyForcibly();
        child.waitFor();
        assertThatThrownBy(() -> Usage.of(child.pid()))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
        assertThatThrownBy(() -> Usage.cpuNanos(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldCountChildrenOnceTheyHaveEnded() throws IOException, InterruptedException {
        long before = Usage.childrenCpuNanos();
        String busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        assertThat(new ProcessBuilder("sh", "-c", busy).start().waitFor()).isZero();
        assertThat(Usage.childrenCpuNanos() - before).isBetween(1_000_000L, 60_000_000_000L);
    }

    private interface Task<T> {
        T run() throws LinuxException;
    }

    private static <T> T onItsOwnThread(Task<T> task)
            throws ExecutionException, InterruptedException {
        return CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return task.run();
                            } catch (LinuxException e) {
                                throw new AssertionError(e);
                            }
                        },
                        runnable -> Thread.ofPlatform().start(runnable))
                .get();
    }
}
