package dev.airlock.storvsp.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.DiskSpec;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.storvsp.ScriptedGuest;
import dev.airlock.storvsp.server.ControlMessage.MalformedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ControlTest {
    @TempDir Path directory;
    private final List<String> log = new CopyOnWriteArrayList<>();
    private Path control;
    private StorageHost host;
    private ControlClient client;

    @BeforeEach
    void start() throws IOException {
        control = directory.resolve("control");
        host =
                StorageHost.start(
                        new HostOptions()
                                .socket(directory.resolve("host"))
                                .control(control)
                                .disk(DiskSpec.parse("mem:1M,name=first"))
                                .dropPrivileges(false)
                                .log(log::add));
        client = ControlClient.connect(control);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        host.close();
    }

    @Test
    void shouldAskNobodyToShutDownWhereNobodyHasTheServiceForIt() throws IOException {
        assertThat(client.shutDownGuests()).isZero();
    }

    @Test
    void shouldListDisksAndGuests() throws IOException {
        try (SocketGuest guest = new SocketGuest(host.socket())) {
            long gpa = guest.allocate(4096);
            guest.channel().sendTransfer(1, 0, false, 0, gpa, 4096);
            assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);

            assertThat(client.disks()).isEqualTo(host.disks());
            assertThat(client.guests()).isEqualTo(host.guests());
            assertThat(client.disks().getFirst().guests()).containsExactly("guest1");
            assertThat(client.guests().getFirst().statistics().io().bytesRead()).isEqualTo(4096);
        }
    }

    @Test
    void shouldAddAFileThatTheClientOpenedAndRemoveItAgain() throws IOException {
        Path image = image("added.img", 1 << 20);
        try (SocketGuest guest = new SocketGuest(host.socket())) {
            ScriptedGuest channel = guest.channel();
            DiskStatus added = client.addDisk(DiskSpec.parse(image.toString()));
            assertThat(added.lun()).isEqualTo(1);
            assertThat(added.name()).isEqualTo("added.img");
            assertThat(added.sizeBytes()).isEqualTo(1 << 20);
            assertThat(added.guests()).containsExactly("guest1");
            assertThat(channel.receive().operation()).isEqualTo(VstorOperation.ENUMERATE_BUS);
            long gpa = guest.allocate(4096);
            ScriptedGuest.fillPattern(guest.memory(), gpa, 4096, 42);
            // The new unit says so once.
            channel.sendCommand(1, 1, 0, 0, 0, 0, 0, 0);
            assertThat(channel.receive().scsiStatus()).isEqualTo(2);
            channel.sendTransfer(2, 1, true, 8, gpa, 4096);
            assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            // Its writer's lock came with it.
            assertThatThrownBy(() -> DiskSpec.parse(image.toString()).open().close())
                    .isInstanceOf(IOException.class);

            client.removeDisk("added.img");
            assertThat(channel.receive().operation()).isEqualTo(VstorOperation.REMOVE_DEVICE);
            channel.sendCommand(3, 1, 0, 0, 0, 0, 0, 0);
            assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.INVALID_LUN);
            assertThat(client.disks()).hasSize(1);
        }
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(4096);
            assertThat(Long.reverseBytes(file.readLong())).isEqualTo(42);
        }
        DiskSpec.parse(image.toString()).open().close();
    }

    @Test
    void shouldResizeADiskAndTellItsGuests() throws IOException {
        try (SocketGuest guest = new SocketGuest(host.socket())) {
            ScriptedGuest channel = guest.channel();
            assertThat(client.resizeDisk("first", 3 << 20).sizeBytes()).isEqualTo(3 << 20);
            assertThat(channel.receive().operation()).isEqualTo(VstorOperation.ENUMERATE_BUS);
            // CAPACITY DATA HAS CHANGED, once.
            channel.sendCommand(1, 0, 0, 0, 0, 0, 0, 0);
            assertThat(channel.receive().scsiStatus()).isEqualTo(2);
            long gpa = guest.allocate(4096);
            channel.sendTransfer(2, 0, true, (3 << 11) - 8, gpa, 4096);
            assertThat(channel.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        }
    }

    @Test
    void shouldTakeOverTheSizeOfAFileThatOthersChanged() throws IOException {
        Path image = image("other.img", 1 << 20);
        client.addDisk(DiskSpec.parse(image.toString()));
        assertThat(client.rescanDisk("other.img").sizeBytes()).isEqualTo(1 << 20);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((2 << 20) + 100);
        }
        assertThat(client.disks().getLast().sizeBytes()).isEqualTo(1 << 20);
        assertThat(client.rescanDisk("other.img").sizeBytes()).isEqualTo(2 << 20);
    }

    @Test
    void shouldSayWhyADiskIsNotResized() {
        assertThatThrownBy(() -> client.resizeDisk("none", 512)).hasMessageContaining("none");
        assertThatThrownBy(() -> client.rescanDisk("none")).hasMessageContaining("none");
        assertThatThrownBy(() -> client.resizeDisk("first", 1000)).hasMessageContaining("1000");
        assertThatThrownBy(() -> client.resizeDisk("first", -512)).hasMessageContaining("-512");
        assertThat(host.disks().getFirst().sizeBytes()).isEqualTo(1 << 20);
    }

    @Test
    void shouldAddADiskInMemoryAtTheLowestFreeLun() throws IOException {
        assertThat(client.addDisk(DiskSpec.parse("mem:1M,name=a")).lun()).isEqualTo(1);
        assertThat(client.addDisk(DiskSpec.parse("null:1M,name=b")).lun()).isEqualTo(2);
        client.removeDisk("a");
        assertThat(client.addDisk(DiskSpec.parse("mem:2M,sector=4096,name=c")).lun()).isEqualTo(1);

        assertThat(client.disks()).extracting(DiskStatus::name).containsExactly("first", "c", "b");
    }

    @Test
    void shouldRefuseWithOneLineWhatCannotBeDone() throws IOException {
        assertThatThrownBy(() -> client.addDisk(DiskSpec.parse("mem:1M,name=first")))
                .isInstanceOf(HostException.class)
                .hasMessageContaining("name=first");
        assertThatThrownBy(() -> client.removeDisk("nobody"))
                .isInstanceOf(HostException.class)
                .hasMessage("no disk of this name: name=nobody");
        assertThatThrownBy(() -> ControlClient.connect(directory.resolve("none")))
                .isInstanceOf(HostException.class)
                .hasMessageContaining("no host listens at");

        assertThat(client.disks()).hasSize(1);
    }

    @Test
    void shouldNotOpenAPathForAClientThatPassedNoDescriptor() throws Exception {
        Path image = image("secret.img", 1 << 20);
        try (RawClient raw = new RawClient(control)) {
            ControlMessage answer =
                    raw.ask(ControlMessage.of("add").with("spec", image.toString()).encode());
            assertThat(answer.verb()).isEqualTo("error");
        }
        assertThat(client.disks()).hasSize(1);
    }

    @Test
    void shouldRefuseDescriptorsThatAreNotWhatTheSpecSaysAndCloseThem() throws Exception {
        Path image = image("x.img", 1 << 20);
        Path odd = image("odd.img", 1000);
        // An answer shows that the host has taken the connection.
        client.disks();
        String before = ProcessResources.snapshot();
        try (RawClient raw = new RawClient(control);
                Fd folder = FileIo.open(directory, FileIo.O_RDONLY | FileIo.O_DIRECTORY);
                Fd readOnly = FileIo.open(image, FileIo.O_RDONLY);
                Fd oddSize = FileIo.open(odd, FileIo.O_RDWR);
                Fd appending = FileIo.open(image, FileIo.O_RDWR | FileIo.O_APPEND);
                UnixSocket.Pair sockets = UnixSocket.pair()) {
            byte[] add = ControlMessage.of("add").with("spec", image.toString()).encode();
            for (Fd wrong : List.of(folder, readOnly, oddSize, appending)) {
                assertThat(raw.ask(add, wrong).verb()).as("%s", wrong).isEqualTo("error");
            }
            byte[] memory = ControlMessage.of("add").with("spec", "mem:1M").encode();
            assertThat(raw.ask(memory, readOnly).verb()).isEqualTo("error");
            assertThat(raw.ask(add, readOnly, appending).verb()).isEqualTo("error");
            assertThat(sockets.left().isOpen()).isTrue();
        }
        assertThat(client.disks()).hasSize(1);
        // The connection's own end is closed by its thread.
        while (!ProcessResources.snapshot().equals(before)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void shouldSurviveAnythingSentToItsControlSocket() throws Exception {
        try (RawClient raw = new RawClient(control)) {
            for (String line :
                    List.of(
                            "nonsense",
                            "add",
                            "add\tspec=%",
                            "add\tspec=mem:1E999",
                            "add\tspec=",
                            "remove",
                            "LIST",
                            "list\tx",
                            "\0\0\0\0",
                            "a".repeat(60_000))) {
                byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
                assertThat(raw.ask(bytes).verb()).isEqualTo("error");
            }
            assertThat(raw.ask("list".getBytes(StandardCharsets.UTF_8)).verb()).isEqualTo("disk");
        }
        assertThat(client.disks()).hasSize(1);
    }

    @Test
    void shouldEndWhileAClientIsConnected() throws IOException {
        host.close();

        assertThatThrownBy(() -> client.disks()).isInstanceOf(IOException.class);
    }

    private Path image(String name, int bytes) throws IOException {
        return Files.write(directory.resolve(name), new byte[bytes]);
    }

    /** Sends bytes as they are; takes the first message of each answer. */
    private static final class RawClient implements AutoCloseable {
        private final UnixSocket socket;
        private final MemorySegment buffer = Arena.ofAuto().allocate(ControlMessage.BYTES_MAX);

        private RawClient(Path path) throws IOException {
            socket = UnixSocket.connect(path, 5_000);
        }

        private ControlMessage ask(byte[] bytes, Fd... descriptors)
                throws IOException, MalformedException {
            socket.send(bytes, bytes.length, descriptors);
            try (ReceivedMessage answer = socket.receive(buffer, 15_000)) {
                return ControlMessage.decode(
                        buffer.asSlice(0, answer.length()).toArray(ValueLayout.JAVA_BYTE));
            }
        }

        @Override
        public void close() {
            socket.close();
        }
    }
}
