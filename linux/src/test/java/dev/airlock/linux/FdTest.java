package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class FdTest {
    private static Fd open() throws LinuxException {
        return FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR);
    }

    @Test
    void shouldCloseOnceAndOnlyOnce() throws IOException {
        Fd fd = open();
        int raw = fd.raw();
        fd.close();
        try (Fd successor = open()) {
            // The lowest free number, unless another thread of the JVM has just taken it.
            Assumptions.assumeTrue(successor.raw() == raw, "the number was not reused");
            fd.close();
            assertThat(Descriptors.open()).containsEntry(raw, "/dev/null");
        }
    }

    @Test
    void shouldThrowWhenUsedAfterClose() throws IOException {
        Fd fd = open();
        fd.close();
        assertThat(fd.isOpen()).isFalse();
        assertThatThrownBy(fd::raw)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("/dev/null");
        assertThatThrownBy(fd::duplicate).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> FileIo.size(fd)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldStayOpenForACallInProgressAndCloseAfterIt() throws IOException {
        Fd fd = open();
        int raw = fd.acquire();
        fd.close();
        assertThat(fd.tryAcquire()).isFalse();
        assertThat(Descriptors.open()).containsKey(raw);
        fd.release();
        assertThat(Descriptors.open()).doesNotContainEntry(raw, "/dev/null");
    }

    @Test
    void shouldDuplicateIntoADescriptorOfItsOwn() throws IOException {
        try (Fd fd = open();
                Fd copy = fd.duplicate()) {
            assertThat(copy.raw()).isNotEqualTo(fd.raw());
            assertThat(Descriptors.isCloseOnExec(fd)).isTrue();
            assertThat(Descriptors.isCloseOnExec(copy)).isTrue();
            fd.close();
            assertThat(Descriptors.open()).containsEntry(copy.raw(), "/dev/null");
        }
    }

    @Test
    void shouldRefuseToAdoptANumberThatIsNoDescriptor() {
        assertThatThrownBy(() -> Fd.adopt(-1, "nothing"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("raw=-1 what=nothing");
    }

    @Test
    void shouldNeverLetACallReachAReusedNumberWhileOthersClose() throws Exception {
        // Each round races users against the close; whoever gets hold must see its own file, never
        // another.
        AtomicInteger foreign = new AtomicInteger();
        AtomicInteger seen = new AtomicInteger();
        for (int round = 0; round < 300; round++) {
            Fd fd = Memfd.create("mine", 4096);
            List<Thread> users = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                users.add(Thread.ofPlatform().start(() -> useUntilClosed(fd, seen, foreign)));
            }
            fd.close();
            // Takes the number at once if it was free too early.
            try (Fd other = open()) {
                assertThat(other.isOpen()).isTrue();
                for (Thread user : users) {
                    user.join();
                }
            }
        }
        assertThat(foreign.get()).isZero();
    }

    private static void useUntilClosed(Fd fd, AtomicInteger seen, AtomicInteger foreign) {
        try {
            while (true) {
                if (FileIo.stat(fd).sizeBytes() == 4096) {
                    seen.incrementAndGet();
                } else {
                    foreign.incrementAndGet();
                }
            }
        } catch (IllegalStateException closed) {
            return;
        } catch (LinuxException badDescriptor) {
            foreign.incrementAndGet();
        }
    }
}
