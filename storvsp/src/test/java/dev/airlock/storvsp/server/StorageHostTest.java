package dev.airlock.storvsp.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.storvsp.GatedDisk;
import dev.airlock.storvsp.ScriptedGuest;
import dev.airlock.storvsp.ScriptedGuest.Answer;
import dev.airlock.vmbus.host.HostLimits;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The time-out is for a host that hangs; nothing here takes a second. */
@Timeout(60)
class StorageHostTest {
    @TempDir Path directory;
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final GatedDisk slow = new GatedDisk(1 << 20, true);

    @Test
    void shouldServeAGuestOverItsSocket() throws IOException {
        try (StorageHost host = start(options().disk(DiskSpec.parse("mem:1M,name=data")));
                SocketGuest guest = new SocketGuest(host.socket())) {
            writeAndReadBack(guest, 0);

            assertThat(host.disks()).hasSize(1);
            DiskStatus disk = host.disks().getFirst();
            assertThat(disk.name()).isEqualTo("data");
            assertThat(disk.sizeBytes()).isEqualTo(1 << 20);
            assertThat(disk.guests()).containsExactly("guest1");
            assertThat(disk.io().bytesWritten()).isEqualTo(4096);
            GuestStatus status = host.guests().getFirst();
            assertThat(status.pid()).isEqualTo(ProcessHandle.current().pid());
            assertThat(status.protocolVersion()).isEqualTo(0x0602);
            assertThat(status.visiblePages()).isEqualTo(guest.memory().visiblePageCount());
            assertThat(status.controlFaults()).isZero();
            assertThat(status.statistics().io().bytesRead()).isEqualTo(4096);
        }
        assertThat(log).anyMatch(line -> line.startsWith("guest1: connected"));
        assertThat(log).contains("guest1: gone");
    }

    @Test
    void shouldServeSubchannelsThatTheGuestAsksFor() throws IOException {
        try (StorageHost host = start(options().disk(DiskSpec.parse("mem:1M")));
                SocketGuest guest = new SocketGuest(host.socket())) {
            guest.channel().control(VstorOperation.CREATE_SUB_CHANNELS, 2);
            long gpa = guest.allocate(4096);
            for (int i = 1; i <= 2; i++) {
                ScriptedGuest sub = guest.openNext();
                assertThat(sub.channel().subchannelIndex()).isEqualTo(i);
                sub.sendTransfer(i, 0, false, 0, gpa, 4096);
                assertThat(sub.receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            }
            assertThat(host.guests().getFirst().statistics().channels()).isEqualTo(3);
        }
    }

    @Test
    void shouldLetOneGuestAtATimeHaveAWritableDisk() throws IOException {
        HostOptions options =
                options()
                        .disk(DiskSpec.parse("mem:1M,name=mine"))
                        .disk(DiskSpec.parse("mem:1M,name=ours,shared"))
                        .disk(DiskSpec.parse("null:1M,name=frozen,ro"));
        try (StorageHost host = start(options)) {
            SocketGuest first = new SocketGuest(host.socket());
            try (SocketGuest second = new SocketGuest(host.socket())) {
                assertThat(testUnitReady(first, 0)).isEqualTo(SrbStatus.SUCCESS);
                assertThat(testUnitReady(second, 0)).isEqualTo(SrbStatus.INVALID_LUN);
                for (int lun = 1; lun <= 2; lun++) {
                    assertThat(testUnitReady(first, lun)).isEqualTo(SrbStatus.SUCCESS);
                    assertThat(testUnitReady(second, lun)).isEqualTo(SrbStatus.SUCCESS);
                }
                assertThat(log)
                        .contains(
                                "guest2: LUN 0 is absent: disk mine is writable and guest1 has it"
                                        + " (,shared would allow both)");
                first.close();

                Answer told = second.channel().receive();
                assertThat(told.operation()).isEqualTo(VstorOperation.ENUMERATE_BUS);
                assertThat(testUnitReady(second, 0)).isNotEqualTo(SrbStatus.INVALID_LUN);
                assertThat(host.disks().getFirst().guests()).containsExactly("guest2");
                assertThat(log)
                        .contains("guest2: LUN 0 is there now: disk mine was released by guest1");
            }
        }
    }

    @Test
    void shouldGiveTheNextGuestAUnitWithoutWhatTheLastOneHadSet() throws IOException {
        try (StorageHost host = start(options().disk(DiskSpec.parse("mem:1M")))) {
            try (SocketGuest first = new SocketGuest(host.socket())) {
                assertThat(write(first)).isEqualTo(SrbStatus.SUCCESS);
                protect(first);
                assertThat(write(first)).isNotEqualTo(SrbStatus.SUCCESS);
            }
            while (!host.disks().getFirst().guests().isEmpty()) {
                Thread.onSpinWait();
            }
            try (SocketGuest second = new SocketGuest(host.socket())) {
                assertThat(write(second)).isEqualTo(SrbStatus.SUCCESS);
            }
        }
    }

    @Test
    void shouldRefuseGuestsBeyondItsLimitAndNameIt() throws IOException {
        HostLimits one = new HostLimits(1, 16, 64, 4096, HostMemoryLimits.DEFAULT);
        try (StorageHost host = start(options().limits(one).disk(DiskSpec.parse("null:1M")));
                SocketGuest guest = new SocketGuest(host.socket())) {
            assertThatThrownBy(() -> new SocketGuest(host.socket()))
                    .isInstanceOf(IOException.class);
            assertThat(log).anyMatch(line -> line.contains("limit guestsMax=1 reached"));

            assertThat(testUnitReady(guest, 0)).isEqualTo(SrbStatus.SUCCESS);
        }
    }

    @Test
    void shouldShowItsSocketsToItsOwnUserOnlyAndRemoveThemAtTheEnd() throws IOException {
        Path control = directory.resolve("control");
        StorageHost host = start(options().control(control));
        for (Path path : List.of(host.socket(), control)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
        }
        host.close();

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void shouldReplaceAStaleSocketAndRefuseALiveOne() throws IOException {
        Path path = directory.resolve("host");
        UnixSocket.listen(path, 0600, 1).shutdown();
        StorageHost host = start(options());
        assertThatThrownBy(() -> start(options()))
                .isInstanceOf(HostException.class)
                .hasMessage("cannot listen at " + path + ": another process listens there");
        host.close();

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void shouldRefuseAPathThatIsNotASocketAndLeaveItAlone() throws IOException {
        Path path = Files.writeString(directory.resolve("host"), "precious");
        GatedDisk disk = new GatedDisk(1 << 20, true);
        assertThatThrownBy(() -> start(options().disk(new HostDisk("d", "d", disk, false))))
                .hasMessage("cannot listen at " + path + ": it exists and is not a socket");

        assertThat(path).hasContent("precious");
        assertThat(disk.isClosed()).isTrue();
    }

    @Test
    void shouldLeaveASocketThatIsNoLongerItsOwn() throws IOException {
        StorageHost host = start(options());
        Files.delete(host.socket());
        try (UnixSocket other = UnixSocket.listen(host.socket(), 0600, 1)) {
            host.close();

            assertThat(host.socket()).exists();
            assertThat(other.isOpen()).isTrue();
        }
    }

    @Test
    void shouldReleaseEverythingOfAGuestThatDiesWithIoUnderWay() throws Exception {
        slow.shut();
        HostOptions options =
                options()
                        .disk(new HostDisk("slow", "slow", slow, false))
                        .disk(DiskSpec.parse("mem:1M,name=shared,shared"));
        try (StorageHost host = start(options);
                SocketGuest other = new SocketGuest(host.socket());
                AutoCloseable last = slow::open) {
            other.channel().sendTransfer(1, 0, false, 0, other.allocate(4096), 4096);
            slow.awaitWaiting(1);
            String before = ProcessResources.snapshot();
            SocketGuest guest = new SocketGuest(host.socket());
            guest.channel().control(VstorOperation.CREATE_SUB_CHANNELS, 1);
            ScriptedGuest sub = guest.openNext();
            long gpa = guest.allocate(4096);
            for (int i = 0; i < 50; i++) {
                sub.sendTransfer(i, 1, true, 0, gpa, 4096);
            }
            assertThat(host.guests()).hasSize(2);
            guest.die();
            guest.close();
            awaitGuests(host, 1);

            assertThat(ProcessResources.snapshot()).isEqualTo(before);
            writeAndReadBack(other, 1);
            slow.open();
            assertThat(other.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        }
    }

    @Test
    void shouldWaitForIoIntoTheMemoryOfADeadGuestBeforeItsDiskGoesToTheNext() throws Exception {
        slow.shut();
        try (StorageHost host = start(options().disk(new HostDisk("slow", "slow", slow, false)));
                SocketGuest dying = new SocketGuest(host.socket());
                SocketGuest next = new SocketGuest(host.socket());
                AutoCloseable last = slow::open) {
            dying.channel().sendTransfer(1, 0, false, 0, dying.allocate(4096), 4096);
            slow.awaitWaiting(1);
            dying.die();
            // Answered by the host while it waits for the dead guest's read.
            assertThat(testUnitReady(next, 0)).isEqualTo(SrbStatus.INVALID_LUN);
            assertThat(host.guests()).hasSize(2);
            slow.open();

            assertThat(next.channel().receive().operation())
                    .isEqualTo(VstorOperation.ENUMERATE_BUS);
        }
    }

    @Test
    void shouldFinishIoUnderWayAndFlushTheDisksWhenItIsClosed() throws Exception {
        slow.shut();
        StorageHost host = start(options().disk(new HostDisk("slow", "slow", slow, false)));
        try (SocketGuest guest = new SocketGuest(host.socket())) {
            guest.channel().sendTransfer(1, 0, true, 0, guest.allocate(4096), 4096);
            slow.awaitWaiting(1);
            Thread closing =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    host.close();
                                } catch (IOException e) {
                                    throw new AssertionError(e);
                                }
                            });
            while (Files.exists(host.socket())) {
                Thread.onSpinWait();
            }
            assertThat(slow.isClosed()).isFalse();
            slow.open();
            closing.join();
            host.awaitClosed();

            assertThat(slow.flushes()).isEqualTo(1);
            assertThat(slow.isClosed()).isTrue();
        }
    }

    @Test
    void shouldSayWhatIsWrongWithItsOptions() throws IOException {
        assertThatThrownBy(() -> StorageHost.start(new HostOptions()))
                .hasMessageContaining("--socket PATH");
        Path path = directory.resolve("host");
        assertThatThrownBy(() -> start(options().control(path)))
                .hasMessageContaining("cannot be both");
        HostOptions twice =
                options()
                        .disk(DiskSpec.parse("mem:1M,name=a"))
                        .disk(DiskSpec.parse("null:1M,name=a"));
        assertThatThrownBy(() -> start(twice)).hasMessageContaining(",name=");
        assertThatThrownBy(() -> start(options().disk(DiskSpec.parse(directory + "/none"))))
                .isInstanceOf(IOException.class);

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void shouldNotStartWithADiskTwiceAndCloseWhatItOpened() {
        GatedDisk first = new GatedDisk(1 << 20, true);
        GatedDisk second = new GatedDisk(1 << 20, true);
        HostOptions options =
                options()
                        .disk(new HostDisk("same", "", first, false))
                        .disk(new HostDisk("same", "", second, false));
        assertThatThrownBy(() -> start(options)).hasMessageContaining("name=same");

        assertThat(first.isClosed()).isTrue();
        assertThat(second.isClosed()).isTrue();
    }

    @Test
    void shouldTakeNoMoreDisksThanThereAreLuns() throws IOException {
        try (StorageHost host = start(options())) {
            for (int i = 0; i < 64; i++) {
                assertThat(host.addDisk(disk("d" + i))).isEqualTo(i);
            }
            HostDisk tooMany = disk("last");
            assertThatThrownBy(() -> host.addDisk(tooMany)).hasMessageContaining("limit disks=64");
            tooMany.disk().close();
        }
    }

    private static HostDisk disk(String name) {
        return new HostDisk(name, "mem:1M", new MemoryDisk(1 << 20, 512, false), false);
    }

    private static void awaitGuests(StorageHost host, int count) {
        while (host.guests().size() != count) {
            Thread.onSpinWait();
        }
    }

    private static int testUnitReady(SocketGuest guest, int lun) {
        guest.channel().sendCommand(1, lun, 0, 0, 0, 0, 0, 0);
        return guest.channel().receive().srbStatus();
    }

    private static int write(SocketGuest guest) {
        guest.channel().sendTransfer(1, 0, true, 0, guest.allocate(4096), 4096);
        return guest.channel().receive().srbStatus();
    }

    /** Sets software write protection (SWP) in the control mode page, as it was otherwise. */
    private static void protect(SocketGuest guest) {
        long gpa = guest.allocate(4096);
        int pageAt = 4;
        int bytes = pageAt + 12;
        MemorySegment sense = guest.channel().gpaDirect(1, gpa, bytes);
        ScriptedGuest.srb(sense, 0, VstorSrb.DIRECTION_IN, bytes, 0x1A, 8, 0x0A, 0, bytes, 0);
        guest.channel().send();
        assertThat(guest.channel().receive().transferred()).isEqualTo(bytes);
        MemorySegment pages = guest.memory().bytes().asSlice(gpa, bytes);
        pages.asSlice(0, pageAt).fill((byte) 0);
        byte flags = pages.get(ValueLayout.JAVA_BYTE, pageAt + 4);
        pages.set(ValueLayout.JAVA_BYTE, pageAt + 4, (byte) (flags | 0x08));
        MemorySegment select = guest.channel().gpaDirect(2, gpa, bytes);
        ScriptedGuest.srb(select, 0, VstorSrb.DIRECTION_OUT, bytes, 0x15, 0x10, 0, 0, bytes, 0);
        guest.channel().send();
        assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
    }

    private static void writeAndReadBack(SocketGuest guest, int lun) {
        long gpa = guest.allocate(8192);
        ScriptedGuest.fillPattern(guest.memory(), gpa, 4096, 0x1234_0000);
        guest.channel().sendTransfer(101, lun, true, 16, gpa, 4096);
        assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        guest.channel().sendTransfer(102, lun, false, 16, gpa + 4096, 4096);
        assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
        assertThat(ScriptedGuest.mismatch(guest.memory(), gpa + 4096, 4096, 0x1234_0000))
                .isEqualTo(-1);
    }

    private HostOptions options() {
        return new HostOptions()
                .socket(directory.resolve("host"))
                .dropPrivileges(false)
                .log(log::add);
    }

    private static StorageHost start(HostOptions options) throws IOException {
        return StorageHost.start(options);
    }
}
