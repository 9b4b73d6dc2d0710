package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GpaDirectPacketTest {
    private final MemorySegment packet = MemorySegment.ofArray(new byte[8192]);

    @ParameterizedTest
    @CsvSource({
        "4096, 0, 1",
        "4096, 1, 2",
        "1, 4095, 1",
        "2, 4095, 2",
        "512, 3584, 1",
        "1048576, 0, 256",
        "1048576, 512, 257",
        "0, 0, 0"
    })
    void shouldAcceptExactlyThePagesThatTheRangeTouches(int bytes, int offset, int pages) {
        int payloadAt = GpaDirectPacket.encode(packet, 0, bytes, offset, pages, 52, 1, 7);
        int size = GpaDirectPacket.packetBytes(pages, 52);
        assertThat(payloadAt).isEqualTo(32 + 8 * pages);
        assertThat(size).isEqualTo(payloadAt + 56);
        assertThat(PacketDescriptor.packetBytes(packet, 0)).isEqualTo(size);
        assertThat(GpaDirectPacket.validatedPageCount(packet, 0, size)).isEqualTo(pages);
        if (pages > 0) {
            GpaDirectPacket.encode(packet, 0, bytes, offset, pages - 1, 52, 1, 7);
            assertThat(GpaDirectPacket.validatedPageCount(packet, 0, size)).isEqualTo(-1);
        }
    }

    @Test
    void shouldRejectLyingCounts() {
        int size = GpaDirectPacket.packetBytes(1, 52);
        long[][] lies = {
            {GpaDirectPacket.RANGE_COUNT_OFFSET, 0},
            {GpaDirectPacket.RANGE_COUNT_OFFSET, 2},
            {GpaDirectPacket.RANGE_COUNT_OFFSET, -1},
            {GpaDirectPacket.BYTE_COUNT_OFFSET, -1},
            {GpaDirectPacket.BYTE_COUNT_OFFSET, 4097},
            {GpaDirectPacket.BYTE_OFFSET_OFFSET, 4096},
            {GpaDirectPacket.BYTE_OFFSET_OFFSET, -1},
        };
        for (long[] lie : lies) {
            GpaDirectPacket.encode(packet, 0, 4096, 0, 1, 52, 1, 7);
            packet.set(ValueLayout.JAVA_INT_UNALIGNED, lie[0], (int) lie[1]);
            assertThat(GpaDirectPacket.validatedPageCount(packet, 0, size))
                    .as("offset=%d value=%d", lie[0], lie[1])
                    .isEqualTo(-1);
        }
        assertThat(GpaDirectPacket.validatedPageCount(packet, 0, 24)).isEqualTo(-1);
    }
}
