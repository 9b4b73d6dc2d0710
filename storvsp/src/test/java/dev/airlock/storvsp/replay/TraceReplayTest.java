package dev.airlock.storvsp.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.airlock.disk.DiskException;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.IoVector;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsitarget.DiskIdentity;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LogicalUnitOptions;
import dev.airlock.storvsp.StorvspDevice;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.storvsp.replay.Recording.Event;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.OfferChannel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * Recordings of the Linux driver, played to our host: it answers in the same order with the same
 * bytes, wherever those do not depend on what a target offers.
 */
@Timeout(60)
class TraceReplayTest {
    private static final int DISK_BYTES = 64 << 20;
    private static final int INQUIRY = 0x12;
    private static final int MODE_SENSE_6 = 0x1A;
    private static final int READ_10 = 0x28;
    private static final int WRITE_10 = 0x2A;
    private static final ValueLayout.OfInt U32_BIG =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** What the disk holds, by the replayer's account. */
    private final ByteBuffer content =
            ByteBuffer.allocate(DISK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    @TestFactory
    List<DynamicTest> shouldAnswerARecordedGuestAsTheRecordedHostDid() throws IOException {
        List<Path> files = Recording.all();
        assumeFalse(files.isEmpty(), "no recordings beside the project");
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : files) {
            tests.add(dynamicTest(file.getFileName().toString(), () -> replay(file)));
        }
        return tests;
    }

    private void replay(Path file) throws Exception {
        Recording recording = Recording.read(file);
        try (UnixSocket.Pair sockets = UnixSocket.pair();
                MemoryDisk disk = patternedDisk()) {
            LogicalUnit unit =
                    new LogicalUnit(
                            disk, DiskIdentity.ofSerial("trace"), LogicalUnitOptions.defaults());
            StorvspDevice device =
                    new StorvspDevice(
                            "recorded", StorvspOptions.defaults(), new OneUnit(unit), line -> {});
            List<String> reports = new ArrayList<>();
            HostBus bus =
                    new HostBus(sockets.left(), HostLimits.DEFAULT, List.of(device), reports::add);
            Thread serving = Thread.ofPlatform().start(bus::serve);
            try (Replayer guest = new Replayer(sockets.right(), recording)) {
                play(recording, guest);
                assertThat(device.statistics().invalidPackets()).isZero();
                assertThat(device.statistics().io().failed()).isZero();
            } finally {
                bus.close();
                serving.join();
            }
            assertThat(reports).isEmpty();
        }
    }

    private record OneUnit(LogicalUnit unit) implements StorvspDevice.Owner {
        @Override
        public void connected(StorvspDevice device) {
            device.attach(0, unit);
        }

        @Override
        public void disconnected(StorvspDevice device) {}
    }

    private void play(Recording recording, Replayer guest) throws IOException {
        MemorySegment asked = MemorySegment.NULL;
        int packets = 0;
        for (Event event : recording.events()) {
            switch (event.kind()) {
                case CONTROL_FROM_GUEST -> guest.post(event.message());
                case CONTROL_FROM_HOST -> compareMessages(event, guest.receiveMessage());
                case PACKET_FROM_GUEST -> {
                    asked = event.bytes();
                    prepareMemory(asked, guest);
                    guest.send(asked);
                }
                case PACKET_FROM_HOST -> {
                    compareAnswers(event, asked, guest.receive());
                    checkData(event, asked, guest);
                    packets++;
                }
            }
        }
        assertThat(packets).isGreaterThan(100);
    }

    private static void compareMessages(Event recorded, ControlMessage ours) {
        if (ours instanceof OfferChannel offer) {
            // Instance and connection id are the host's own choice.
            OfferChannel theirs = (OfferChannel) recorded.message();
            assertThat(offer.offer().interfaceType()).isEqualTo(theirs.offer().interfaceType());
            assertThat(offer.offer().relid()).isEqualTo(theirs.offer().relid());
            assertThat(offer.offer().subchannelIndex()).isZero();
        } else {
            MemorySegment bytes = Arena.ofAuto().allocate(ours.encodedBytes(), 8);
            ours.encode(bytes, 0);
            assertThat(hex(bytes)).as("line %d", recorded.line()).isEqualTo(hex(recorded.bytes()));
        }
    }

    /** Every byte is the same but what a host chooses itself and what depends on its pages. */
    private static void compareAnswers(Event recorded, MemorySegment asked, MemorySegment ours) {
        MemorySegment expected = Arena.ofAuto().allocate(recorded.size(), 8);
        expected.copyFrom(recorded.bytes());
        int at = PacketDescriptor.BYTES;
        int operation = operation(asked);
        if (operation == VstorOperation.QUERY_PROPERTIES) {
            // Subchannels and the largest transfer.
            MemorySegment.copy(ours, at + 12, expected, at + 12, 24);
        } else if (operation == VstorOperation.EXECUTE_SRB && dependsOnPages(asked)) {
            VstorSrb.dataTransferLength(expected, at, VstorSrb.dataTransferLength(ours, at));
        }
        assertThat(hex(ours)).as("line %d", recorded.line()).isEqualTo(hex(expected));
    }

    private static boolean dependsOnPages(MemorySegment asked) {
        int at = PacketDescriptor.dataOffset(asked, 0);
        int opcode = asked.get(ValueLayout.JAVA_BYTE, at + VstorSrb.CDB_OFFSET) & 0xFF;
        boolean vital = (asked.get(ValueLayout.JAVA_BYTE, at + VstorSrb.CDB_OFFSET + 1) & 1) != 0;
        return opcode == MODE_SENSE_6 || opcode == INQUIRY && vital;
    }

    /** Data for a write, which the recording does not hold; something else before a read. */
    private void prepareMemory(MemorySegment packet, Replayer guest) {
        long[] pfns = Recording.dataPfns(packet);
        if (pfns.length == 0) {
            return;
        }
        int bytes = (int) GpaDirectPacket.byteCount(packet, 0);
        int inPage = (int) GpaDirectPacket.byteOffset(packet, 0);
        byte[] data = new byte[bytes];
        if (opcode(packet) == WRITE_10) {
            long seed = PacketDescriptor.transactionId(packet, 0) << 32;
            for (int i = 0; i < bytes; i += 8) {
                ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putLong(i, seed + i);
            }
            content.put(diskOffset(packet), data);
        } else {
            Arrays.fill(data, (byte) 0xEE);
        }
        guest.fill(pfns, inPage, data);
    }

    private void checkData(Event recorded, MemorySegment packet, Replayer guest) {
        if (opcode(packet) != READ_10) {
            return;
        }
        int bytes = (int) GpaDirectPacket.byteCount(packet, 0);
        int inPage = (int) GpaDirectPacket.byteOffset(packet, 0);
        byte[] read = guest.fetch(Recording.dataPfns(packet), inPage, bytes);
        byte[] expected = new byte[bytes];
        content.get(diskOffset(packet), expected);
        assertThat(Arrays.mismatch(read, expected)).as("line %d", recorded.line()).isEqualTo(-1);
    }

    private static int operation(MemorySegment packet) {
        return packet.get(ValueLayout.JAVA_INT_UNALIGNED, PacketDescriptor.dataOffset(packet, 0));
    }

    private static int opcode(MemorySegment packet) {
        if (operation(packet) != VstorOperation.EXECUTE_SRB) {
            return -1;
        }
        int at = PacketDescriptor.dataOffset(packet, 0);
        return packet.get(ValueLayout.JAVA_BYTE, at + VstorSrb.CDB_OFFSET) & 0xFF;
    }

    private static int diskOffset(MemorySegment packet) {
        int at = PacketDescriptor.dataOffset(packet, 0);
        return packet.get(U32_BIG, at + VstorSrb.CDB_OFFSET + 2) * 512;
    }

    private static String hex(MemorySegment bytes) {
        return HexFormat.of().formatHex(bytes.toArray(ValueLayout.JAVA_BYTE));
    }

    /** Each 8-byte word holds its own byte offset, as on the recorded disk. */
    private MemoryDisk patternedDisk() throws DiskException {
        for (int i = 0; i < DISK_BYTES; i += 8) {
            content.putLong(i, i);
        }
        MemoryDisk disk = new MemoryDisk(DISK_BYTES, 512, false);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(DISK_BYTES, 4096);
            all.copyFrom(MemorySegment.ofBuffer(content));
            IoVector vector = new IoVector(1);
            vector.add(all, 0, DISK_BYTES);
            disk.write(0, vector, false);
        }
        return disk;
    }
}
