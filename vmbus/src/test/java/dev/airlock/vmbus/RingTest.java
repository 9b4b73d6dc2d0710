package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RingTest {
    private static final int DATA = 4096;

    private final MemorySegment ring =
            Arena.ofAuto().allocate(RingLayout.DATA_OFFSET + DATA, RingLayout.DATA_OFFSET);
    private final MemorySegment packet = MemorySegment.ofArray(new byte[DATA]);
    private final MemorySegment copy = MemorySegment.ofArray(new byte[DATA]);
    private RingWriter writer;
    private RingReader reader;

    @BeforeEach
    void attach() {
        writer = new RingWriter(ring);
        reader = new RingReader(ring);
    }

    @Test
    void shouldDeliverPacketOnlyAfterPublish() {
        assertThat(write(64, 7)).isTrue();
        assertThat(reader.read(copy, 0, DATA)).isZero();
        assertThat(writer.publish()).isEqualTo(RingWriter.SIGNAL);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(64);
        assertThat(PacketDescriptor.transactionId(copy, 0)).isEqualTo(7);
        assertThat(copy.asSlice(0, 64).mismatch(packet.asSlice(0, 64))).isEqualTo(-1);
        assertThat(reader.read(copy, 0, DATA)).isZero();
    }

    @Test
    void shouldPutPacketStartIntoTrailerAsLinuxDoes() {
        write(64, 1);
        write(32, 2);
        writer.publish();
        long trailer = ring.get(RingLayout.U64, RingLayout.DATA_OFFSET + 64 + 8 + 32);
        assertThat(trailer).isEqualTo(72L << 32);
        assertThat(word(RingLayout.WRITE_INDEX_OFFSET)).isEqualTo(72 + 40);
        assertThat(word(RingLayout.FEATURE_BITS_OFFSET)).isEqualTo(1);
    }

    @Test
    void shouldSignalOnlyWhenRingWasEmptyAndNotMasked() {
        write(16, 1);
        assertThat(writer.publish()).isEqualTo(RingWriter.SIGNAL);
        write(16, 2);
        assertThat(writer.publish()).isZero();
        drain();
        reader.maskInterrupts();
        write(16, 3);
        assertThat(writer.publish()).isZero();
        assertThat(reader.unmaskInterrupts()).isTrue();
        drain();
        assertThat(reader.unmaskInterrupts()).isFalse();
        write(16, 4);
        assertThat(writer.publish()).isEqualTo(RingWriter.SIGNAL);
        assertThat(writer.publish()).as("nothing new").isZero();
    }

    @Test
    void shouldRejectWriteWhenBufferFullAndNeverFillLastWord() {
        // 4096 = 4080 + 8 + 8: the largest packet leaves exactly the forbidden 8 bytes.
        assertThat(writer.maxPacketBytes()).isEqualTo(DATA - 16);
        assertThat(write(DATA - 16, 1)).isTrue();
        assertThat(write(16, 2)).isFalse();
        writer.publish();
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(DATA - 16);
        assertThat(write(16, 2)).as("space is not given back before consumed()").isFalse();
        reader.consumed();
        assertThat(write(16, 2)).isTrue();
    }

    @Test
    void shouldRejectPacketThatCouldNeverBeValid() {
        assertThatThrownBy(() -> write(DATA - 8, 1)).isInstanceOf(IllegalArgumentException.class);
        PacketDescriptor.encode(packet, 0, 6, 16, 64, 0, 1);
        assertThatThrownBy(() -> writer.write(packet, 0, 56))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bytes=56");
    }

    @Test
    void shouldAskForRoomAndBeSignalledOnceWhenItFits() {
        while (write(248, 1)) {}
        assertThat(writer.awaitRoom(1000)).isEqualTo(RingWriter.SIGNAL);
        assertThat(word(RingLayout.PENDING_SEND_SIZE_OFFSET)).isEqualTo(1008);
        int signals = 0;
        int packets = 0;
        while (reader.read(copy, 0, DATA) > 0) {
            packets++;
            if (reader.consumed()) {
                signals++;
                assertThat(writer.fits(1000)).isTrue();
            }
        }
        assertThat(packets).isEqualTo(15);
        assertThat(signals).isEqualTo(1);
        assertThat(write(1000, 2)).isTrue();
        assertThat(word(RingLayout.PENDING_SEND_SIZE_OFFSET)).isZero();
    }

    @Test
    void shouldNotArmWhenRoomIsThereAfterAll() {
        while (write(248, 1)) {}
        writer.publish();
        drain();
        assertThat(writer.awaitRoom(248)).isEqualTo(RingWriter.ROOM);
        assertThat(word(RingLayout.PENDING_SEND_SIZE_OFFSET)).isZero();
        assertThat(write(248, 2)).isTrue();
    }

    @Test
    void shouldNotSignalWaitingWriterThatDoesNotUseTheFeature() {
        while (write(248, 1)) {}
        writer.awaitRoom(1000);
        ring.set(RingLayout.U32, RingLayout.FEATURE_BITS_OFFSET, 0);
        while (reader.read(copy, 0, DATA) > 0) {
            assertThat(reader.consumed()).isFalse();
        }
    }

    @Test
    void shouldWithdrawTheRequestForRoom() {
        while (write(248, 1)) {}
        writer.awaitRoom(1000);
        writer.cancelAwaitRoom();
        assertThat(word(RingLayout.PENDING_SEND_SIZE_OFFSET)).isZero();
    }

    @Test
    void shouldResumeWhereTheIndicesStand() {
        write(64, 1);
        writer.publish();
        drain();
        RingWriter writer2 = new RingWriter(ring);
        RingReader reader2 = new RingReader(ring);
        PacketDescriptor.encode(packet, 0, 6, 16, 32, 0, 9);
        assertThat(writer2.write(packet, 0, 32)).isTrue();
        assertThat(writer2.publish()).isEqualTo(RingWriter.SIGNAL);
        assertThat(reader2.read(copy, 0, DATA)).isEqualTo(32);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, DATA, DATA + 8, -8, Integer.MIN_VALUE, 0x7FFFFFF8})
    void shouldFailForGoodOnWildWriteIndex(int index) {
        ring.set(RingLayout.U32, RingLayout.WRITE_INDEX_OFFSET, index);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        ring.set(RingLayout.U32, RingLayout.WRITE_INDEX_OFFSET, 0);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.fault()).isEqualTo(RingFault.WRITE_INDEX);
        assertThat(reader.describeFault())
                .contains("value=0x" + Integer.toHexString(index))
                .contains("dataBytes=4096");
        assertThat(reader.unmaskInterrupts()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {4, DATA, -8, Integer.MIN_VALUE})
    void shouldFailForGoodOnWildReadIndex(int index) {
        ring.set(RingLayout.U32, RingLayout.READ_INDEX_OFFSET, index);
        while (write(248, 1)) {}
        assertThat(writer.fault()).isEqualTo(RingFault.READ_INDEX);
        ring.set(RingLayout.U32, RingLayout.READ_INDEX_OFFSET, 0);
        assertThat(write(16, 1)).isFalse();
        assertThat(writer.awaitRoom(16) & RingWriter.ROOM).isZero();
        assertThat(word(RingLayout.PENDING_SEND_SIZE_OFFSET)).isZero();
    }

    @Test
    void shouldReportCorruptionFoundWhileUnmasking() {
        drain();
        ring.set(RingLayout.U32, RingLayout.WRITE_INDEX_OFFSET, 3);
        assertThat(reader.unmaskInterrupts()).isTrue();
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.unmaskInterrupts()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 9, 0xFFFF})
    void shouldFailOnPacketLengthOutsideWhatIsPublished(int len8) {
        write(64, 1);
        writer.publish();
        patchHeader(PacketDescriptor.LEN8_OFFSET, len8);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.fault()).isEqualTo(RingFault.PACKET_LENGTH);
        assertThat(reader.consumed()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 9})
    void shouldFailOnDataOffsetOutsideThePacket(int offset8) {
        write(64, 1);
        writer.publish();
        patchHeader(PacketDescriptor.OFFSET8_OFFSET, offset8);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.fault()).isEqualTo(RingFault.DATA_OFFSET);
    }

    @Test
    void shouldFailOnPacketLargerThanTheReaderAccepts() {
        write(64, 1);
        writer.publish();
        assertThat(reader.read(copy, 0, 56)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.fault()).isEqualTo(RingFault.PACKET_TOO_LARGE);
    }

    @Test
    void shouldRefuseToAttachAtWildIndices() {
        ring.set(RingLayout.U32, RingLayout.WRITE_INDEX_OFFSET, DATA);
        ring.set(RingLayout.U32, RingLayout.READ_INDEX_OFFSET, 12);
        writer = new RingWriter(ring);
        reader = new RingReader(ring);
        assertThat(write(16, 1)).isFalse();
        assertThat(writer.fault()).isEqualTo(RingFault.INITIAL_INDEX);
        assertThat(reader.read(copy, 0, DATA)).isEqualTo(RingReader.CORRUPT);
        assertThat(reader.fault()).isEqualTo(RingFault.INITIAL_INDEX);
    }

    /** Any mix of sizes, batches and wraps delivers every packet once, in order, byte for byte. */
    @Test
    void shouldDeliverEveryPacketInOrderForAnyMixOfSizesAndBatches() {
        long seed = Seed.get();
        Random random = new Random(seed);
        ArrayDeque<byte[]> expected = new ArrayDeque<>();
        long nextId = 0;
        int wraps = 0;
        int lastIndex = 0;
        for (int step = 0; step < 50_000; step++) {
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    int bytes = 16 + 8 * random.nextInt(random.nextInt(20) == 0 ? 200 : 20);
                    fill(random, bytes, nextId);
                    if (writer.write(packet, 0, bytes)) {
                        expected.add(
                                packet.asSlice(0, bytes)
                                        .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                        nextId++;
                    } else if (random.nextBoolean()) {
                        writer.awaitRoom(bytes);
                    }
                }
                case 2 -> writer.publish();
                default -> {
                    int batch = random.nextInt(8);
                    for (int i = 0; i < batch; i++) {
                        int bytes = reader.read(copy, 0, DATA);
                        assertThat(bytes).as("seed=%d step=%d", seed, step).isNotNegative();
                        if (bytes == 0) {
                            break;
                        }
                        byte[] want = expected.remove();
                        assertThat(copy.asSlice(0, bytes).mismatch(MemorySegment.ofArray(want)))
                                .as("seed=%d step=%d", seed, step)
                                .isEqualTo(-1);
                    }
                    reader.consumed();
                    int index = word(RingLayout.READ_INDEX_OFFSET);
                    wraps += index < lastIndex ? 1 : 0;
                    lastIndex = index;
                }
            }
        }
        writer.publish();
        while (reader.read(copy, 0, DATA) > 0) {
            expected.remove();
        }
        assertThat(expected).as("seed=%d", seed).isEmpty();
        assertThat(wraps).isGreaterThan(50);
    }

    /** Random words over the control page and headers: results stay in range and nothing throws. */
    @Test
    void shouldSurviveRandomCorruptionOfEverySharedByte() {
        long seed = Seed.get();
        Random random = new Random(seed);
        int faults = 0;
        for (int round = 0; round < 20_000; round++) {
            RingLayout.initialize(ring);
            attach();
            for (int step = 0; step < 20; step++) {
                switch (random.nextInt(5)) {
                    case 0 -> write(16 + 8 * random.nextInt(60), step);
                    case 1 -> writer.publish();
                    case 2 -> {
                        long at =
                                random.nextBoolean()
                                        ? 4L * random.nextInt(5)
                                        : RingLayout.DATA_OFFSET + 4L * random.nextInt(32);
                        ring.set(
                                RingLayout.U32,
                                at,
                                random.nextBoolean()
                                        ? random.nextInt()
                                        : 8 * random.nextInt(DATA / 8 + 2));
                    }
                    case 3 -> writer.awaitRoom(16 + 8 * random.nextInt(60));
                    default -> {
                        int bytes = reader.read(copy, 0, DATA);
                        assertThat(bytes).as("seed=%d", seed).isBetween(-1, DATA - 8);
                        reader.consumed();
                        reader.unmaskInterrupts();
                    }
                }
            }
            faults += reader.isFailed() ? 1 : 0;
        }
        assertThat(faults).as("seed=%d", seed).isGreaterThan(1000);
    }

    private void fill(Random random, int bytes, long id) {
        for (int i = 16; i < bytes; i++) {
            packet.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, bytes, 0, id);
    }

    private boolean write(int bytes, long id) {
        PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, bytes, 0, id);
        return writer.write(packet, 0, bytes);
    }

    private void drain() {
        while (reader.read(copy, 0, DATA) > 0) {}
        reader.consumed();
    }

    private int word(long at) {
        return ring.get(RingLayout.U32, at);
    }

    private void patchHeader(long at, int value) {
        ring.set(
                java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED,
                RingLayout.DATA_OFFSET + at,
                (short) value);
    }
}
