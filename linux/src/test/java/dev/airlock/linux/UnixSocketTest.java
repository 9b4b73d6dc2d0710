package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class UnixSocketTest {
    private static final Executor THREADS = task -> Thread.ofPlatform().daemon().start(task);

    @TempDir Path directory;

    private final MemorySegment buffer = Arena.ofAuto().allocate(256);

    @Test
    void shouldCarryMessagesWithTheirBoundaries() throws IOException {
        try (var pair = UnixSocket.pair()) {
            pair.left().send(bytes("one"));
            pair.left().send(bytes("three"));

            assertThat(receive(pair.right())).isEqualTo("one");
            assertThat(receive(pair.right())).isEqualTo("three");
        }
    }

    @Test
    void shouldPassDescriptorsInTheirOrder() throws IOException {
        try (var pair = UnixSocket.pair();
                Fd small = Memfd.create("small", 4096);
                Fd large = Memfd.create("large", 8192)) {
            pair.right().send(bytes("fds"), small, large);

            try (var message = pair.left().receive(buffer, 0)) {
                assertThat(message.fdCount()).isEqualTo(2);
                try (Fd first = message.takeFd();
                        Fd second = message.takeFd()) {
                    assertThat(FileIo.size(first)).isEqualTo(4096);
                    assertThat(FileIo.size(second)).isEqualTo(8192);
                    assertThat(first.raw()).isNotEqualTo(small.raw());
                    assertThat(Descriptors.isCloseOnExec(first)).isTrue();
                }
            }
        }
    }

    @Test
    void shouldCloseDescriptorsThatAreNotTaken() throws IOException {
        try (var pair = UnixSocket.pair();
                Fd memfd = Memfd.create("untaken", 4096)) {
            var before = Descriptors.open();
            pair.left().send(bytes("fds"), memfd, memfd, memfd);
            try (var message = pair.right().receive(buffer, 0)) {
                message.takeFd().close();
                assertThat(Descriptors.open()).hasSize(before.size() + 2);
            }
            assertThat(Descriptors.open()).isEqualTo(before);
        }
    }

    @Test
    void shouldRefuseToSendMoreDescriptorsThanTheLimit() throws IOException {
        try (var pair = UnixSocket.pair();
                Fd memfd = Memfd.create("many", 4096)) {
            Fd[] many = new Fd[UnixSocket.FDS_MAX + 1];
            Arrays.fill(many, memfd);
            assertThatThrownBy(() -> pair.left().send(bytes("many"), many))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("fds=9 max=8");
        }
    }

    @Test
    void shouldFailWithoutLeakWhenThePeerSendsMoreDescriptorsThanTheLimit() throws IOException {
        try (var pair = UnixSocket.pair();
                Fd memfd = Memfd.create("many", 4096)) {
            var before = Descriptors.open();
            sendUnchecked(pair.left(), memfd, 20);

            assertThatThrownBy(() -> pair.right().receive(buffer, 0))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("EMSGSIZE");
            assertThat(Descriptors.open()).isEqualTo(before);
        }
    }

    @Test
    void shouldFailWithoutLeakWhenAMessageIsLongerThanTheBuffer() throws IOException {
        try (var pair = UnixSocket.pair();
                Fd memfd = Memfd.create("long", 4096)) {
            var before = Descriptors.open();
            pair.left().send(bytes("x".repeat(257)), memfd);

            assertThatThrownBy(() -> pair.right().receive(buffer, 0))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("longer than buffer");
            assertThat(Descriptors.open()).isEqualTo(before);
        }
    }

    @Test
    void shouldReportTheEndAfterTheLastMessage() throws IOException {
        try (var pair = UnixSocket.pair()) {
            pair.left().send(bytes("last"));
            pair.left().close();

            assertThat(receive(pair.right())).isEqualTo("last");
            try (var end = pair.right().receive(buffer, -1)) {
                assertThat(end.isClosed()).isTrue();
                assertThat(end.isMessage()).isFalse();
                assertThat(end.length()).isZero();
            }
        }
    }

    @Test
    void shouldTimeOutWhenNothingComes() throws IOException {
        try (var pair = UnixSocket.pair();
                var listener = UnixSocket.listen(directory.resolve("s"), 0600, 4)) {
            try (var nothing = pair.left().receive(buffer, 1)) {
                assertThat(nothing.isTimedOut()).isTrue();
            }
            assertThat(listener.accept(1)).isNull();
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void shouldFailToSendToAPeerThatHasGone() throws IOException {
        try (var pair = UnixSocket.pair()) {
            pair.right().close();
            assertThatThrownBy(() -> pair.left().send(bytes("lost")))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("EPIPE");
        }
    }

    @Test
    void shouldTimeOutWhenThePeerDoesNotRead() throws IOException {
        try (var pair = UnixSocket.pair()) {
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    pair.left().send(buffer, 5);
                                }
                            })
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
        }
    }

    @Test
    void shouldWakeABlockedReceiverWhenClosed() throws Exception {
        for (int round = 0; round < 50; round++) {
            try (var pair = UnixSocket.pair()) {
                var receiver = CompletableFuture.supplyAsync(() -> isClosed(pair.left()), THREADS);
                Descriptors.spinUntilUsed(pair.left().fd(), round);
                pair.left().close();
                assertThat(receiver.get(10, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void shouldWakeABlockedSenderWhenShutDown() throws Exception {
        try (var pair = UnixSocket.pair()) {
            var full = new CompletableFuture<Void>();
            var sender =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    for (int i = 0; ; i++) {
                                        if (i == 10) {
                                            full.complete(null);
                                        }
                                        pair.left().send(buffer, -1);
                                    }
                                } catch (LinuxException e) {
                                    return e.errno();
                                }
                            },
                            THREADS);
            full.get(10, TimeUnit.SECONDS);
            pair.left().shutdown();
            assertThat(sender.get(10, TimeUnit.SECONDS)).isEqualTo(Errno.EPIPE);
        }
    }

    @Test
    void shouldWakeEveryBlockedAcceptWhenShutDown() throws Exception {
        try (var listener = UnixSocket.listen(directory.resolve("s"), 0600, 4)) {
            List<CompletableFuture<Boolean>> acceptors = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                acceptors.add(
                        CompletableFuture.supplyAsync(
                                () -> {
                                    try {
                                        return listener.accept(-1) == null;
                                    } catch (LinuxException e) {
                                        throw new AssertionError(e);
                                    }
                                },
                                THREADS));
            }
            Descriptors.spinUntilUsed(listener.fd(), 0);
            listener.shutdown();
            for (var acceptor : acceptors) {
                assertThat(acceptor.get(10, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void shouldAcceptConnectionsAndTellWhoThePeerIs() throws IOException {
        Path path = directory.resolve("s");
        try (var listener = UnixSocket.listen(path, 0600, 4);
                var client = UnixSocket.connect(path, 1000);
                var server = accepted(listener)) {
            int self = (int) ProcessHandle.current().pid();
            assertThat(server.peerCredentials().pid()).isEqualTo(self);
            assertThat(client.peerCredentials()).isEqualTo(server.peerCredentials());
            assertThat(Files.getPosixFilePermissions(path))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        }
    }

    @Test
    void shouldRemoveThePathAndNothingElseWhenClosed() throws IOException {
        Path path = directory.resolve("s");
        UnixSocket.listen(path, 0600, 4).close();
        try (var files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void shouldNotRemoveAPathThatAnotherTookOver() throws IOException {
        Path path = directory.resolve("s");
        var listener = UnixSocket.listen(path, 0600, 4);
        Files.delete(path);
        try (var successor = UnixSocket.listen(path, 0600, 4)) {
            listener.close();
            assertThat(path).exists();
            assertThat(successor.isOpen()).isTrue();
        }
    }

    @Test
    void shouldReplaceAStaleSocketButNotALiveOne() throws IOException {
        Path path = directory.resolve("s");
        var stale = UnixSocket.listen(path, 0600, 4);
        stale.fd().close(); // as if its process had been killed: the name stays
        assertThat(path).exists();

        try (var listener = UnixSocket.listen(path, 0600, 4)) {
            assertThatThrownBy(() -> UnixSocket.listen(path, 0600, 4))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("EADDRINUSE")
                    .hasMessageContaining(path.toString());
            try (var client = UnixSocket.connect(path, 1000)) {
                assertThat(client.isOpen()).isTrue();
            }
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void shouldNotReplaceAFileThatIsNoSocket() throws IOException {
        Path path = Files.writeString(directory.resolve("data"), "precious");
        var before = Descriptors.open();
        assertThatThrownBy(() -> UnixSocket.listen(path, 0600, 4))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("EEXIST");
        assertThat(path).hasContent("precious");
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    @Test
    void shouldNameThePathAndItsLimitWhenItIsTooLong() throws IOException {
        Path path = directory.resolve("n".repeat(108));
        var before = Descriptors.open();
        assertThatThrownBy(() -> UnixSocket.listen(path, 0600, 4))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("max=107");
        assertThatThrownBy(() -> UnixSocket.connect(path, 10))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("max=107");
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    @Test
    void shouldFailToConnectWhereNobodyListens() throws IOException {
        var before = Descriptors.open();
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("absent"), 10))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    @Test
    void shouldTimeOutConnectingWhenTheBacklogIsFull() throws IOException {
        Path path = directory.resolve("s");
        List<UnixSocket> clients = new ArrayList<>();
        try (var listener = UnixSocket.listen(path, 0600, 0)) {
            assertThatThrownBy(
                            () -> {
                                while (listener.isOpen()) {
                                    clients.add(UnixSocket.connect(path, 5));
                                }
                            })
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
        } finally {
            clients.forEach(UnixSocket::close);
        }
        assertThat(clients).isNotEmpty();
    }

    @Test
    void shouldLeaveNoDescriptorOpenAfterUse() throws IOException {
        Path path = directory.resolve("s");
        var before = Descriptors.open();
        for (int i = 0; i < 20; i++) {
            try (var listener = UnixSocket.listen(path, 0600, 4);
                    var client = UnixSocket.connect(path, 1000);
                    var server = accepted(listener)) {
                client.send(bytes("hello"));
                assertThat(receive(server)).isEqualTo("hello");
            }
        }
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    private boolean isClosed(UnixSocket socket) {
        try (var message = socket.receive(Arena.ofAuto().allocate(16), -1)) {
            return message.isClosed();
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    /** What a peer that does not use this class could send. */
    private static void sendUnchecked(UnixSocket from, Fd fd, int times) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocateFrom("many");
            var header = new MessageHeader(arena, data, times);
            int[] raw = new int[times];
            Arrays.fill(raw, fd.raw());
            header.putFds(raw);
            assertThat(SocketCalls.sendmsg(from.fd().raw(), header.segment, 0))
                    .isEqualTo(data.byteSize());
        }
    }

    private static UnixSocket accepted(UnixSocket listener) throws LinuxException {
        return Objects.requireNonNull(listener.accept(5000), "no connection came");
    }

    private String receive(UnixSocket from) throws LinuxException {
        try (var message = from.receive(buffer, 1000)) {
            assertThat(message.isMessage()).isTrue();
            byte[] copy = buffer.asSlice(0, message.length()).toArray(ValueLayout.JAVA_BYTE);
            return new String(copy, StandardCharsets.UTF_8);
        }
    }

    private static MemorySegment bytes(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
    }
}
