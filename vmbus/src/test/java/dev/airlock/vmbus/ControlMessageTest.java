package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlAssembly;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.GpadlWords;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ControlMessageTest {
    private static final Guid A = Guid.parse("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");
    private static final Guid B = new Guid(0x0102030405060708L, 0x1112131415161718L);

    private static final List<ControlMessage> ONE_OF_EACH =
            List.of(
                    new OfferChannel(
                            new Offer(
                                    A,
                                    B,
                                    1,
                                    2,
                                    UserData.of(new byte[] {3, 4}),
                                    5,
                                    6,
                                    7,
                                    8,
                                    9,
                                    10,
                                    11)),
                    new RescindChannelOffer(12),
                    new RequestOffers(),
                    new AllOffersDelivered(),
                    new OpenChannel(13, 14, 15, -1, 16, UserData.of(new byte[120])),
                    new OpenChannelResult(17, 18, ControlMessage.STATUS_UNSUCCESSFUL),
                    new CloseChannel(19),
                    new GpadlHeader(20, 21, 16, 1, GpadlWords.of(new long[] {4096, 99}, 0, 2)),
                    new GpadlBody(22, 23, GpadlWords.of(new long[] {5, 6, 7}, 0, 3)),
                    new GpadlCreated(24, 25, 26),
                    new GpadlTeardown(27, 28),
                    new GpadlTorndown(29),
                    new RelidReleased(30),
                    new InitiateContact(VmbusVersion.V5_3.number(), 31, 2, 32L << 33, 34L << 35),
                    new VersionResponse(1, 0, 35),
                    new Unload(),
                    new UnloadResponse(),
                    new TlConnectRequest(A, B),
                    new ModifyChannel(36, 37),
                    new TlConnectResult(A, B, ControlMessage.STATUS_CONNECTION_REFUSED),
                    new ModifyChannelResponse(38, 39));

    @Test
    void shouldDecodeWhatItEncodedForEveryType() {
        assertThat(ONE_OF_EACH)
                .extracting(ControlMessage::type)
                .containsExactly(MessageType.values());
        for (ControlMessage message : ONE_OF_EACH) {
            byte[] bytes = message.toBytes();
            assertThat(bytes).hasSizeLessThanOrEqualTo(ControlMessage.MAX_BYTES);
            assertThat(decode(bytes, bytes.length)).isEqualTo(message);
            assertThat(message.describe()).startsWith(message.type().name());
        }
    }

    @Test
    void shouldHaveTheSizesOfTheLinuxStructures() {
        // sizeof of each structure in include/linux/hyperv.h, packed
        assertThat(ONE_OF_EACH.stream().mapToInt(m -> m.type().minBytes()))
                .containsExactly(
                        196, 12, 8, 8, 148, 20, 12, 20, 16, 20, 16, 12, 12, 40, 16, 8, 8, 40, 16,
                        44, 16);
    }

    @Test
    void shouldRejectEveryTruncation() {
        for (ControlMessage message : ONE_OF_EACH) {
            byte[] bytes = message.toBytes();
            for (int length = 0; length < message.type().minBytes(); length++) {
                assertThat(decode(bytes, length)).isNull();
            }
        }
    }

    @Test
    void shouldRejectUnknownTypesAndOversize() {
        for (int type : new int[] {0, 18, 19, 20, 25, -1, Integer.MIN_VALUE}) {
            byte[] bytes = new byte[ControlMessage.MAX_BYTES];
            MemorySegment.ofArray(bytes)
                    .set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 0, type);
            assertThat(decode(bytes, bytes.length)).as("type=%d", type).isNull();
        }
        byte[] large = new byte[ControlMessage.MAX_BYTES + 1];
        large[0] = 3;
        assertThat(decode(large, large.length)).isNull();
    }

    @Test
    void shouldIgnoreWhatFollowsAMessage() {
        byte[] bytes = java.util.Arrays.copyOf(new CloseChannel(7).toBytes(), 40);
        assertThat(decode(bytes, 40)).isEqualTo(new CloseChannel(7));
    }

    @Test
    void shouldCarryAnyGpadlThroughHeaderAndBodies() {
        Random random = new Random(Seed.get());
        for (int pages : new int[] {1, 2, 26, 27, 53, 54, 55, 64, 1000, Gpadl.MAX_PAGES}) {
            long[] pfns = random.longs(pages).toArray();
            List<ControlMessage> messages = Gpadl.messages(3, 77, pfns);
            Gpadl gpadl = requireNonNull(assemble(messages));
            assertThat(gpadl.wholePages()).containsExactly(pfns);
            assertThat(messages)
                    .allMatch(m -> m.encodedBytes() <= ControlMessage.MAX_BYTES)
                    .allMatch(m -> m.equals(decode(m.toBytes(), m.encodedBytes())));
        }
        assertThatThrownBy(() -> Gpadl.messages(1, 1, new long[Gpadl.MAX_PAGES + 1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldAcceptGpadlOfSeveralRangesWithOffsets() {
        // 100 bytes at 4090 touch two pages; 4096 at 0 one.
        Gpadl gpadl = requireNonNull(assemble(2, 4090L << 32 | 100, 11, 22, 4096, 33));
        assertThat(gpadl.pageCount()).isEqualTo(3);
        assertThat(gpadl.ranges().getFirst().pfns()).containsExactly(11, 22);
        assertThat(gpadl.ranges().getFirst().byteOffset()).isEqualTo(4090);
        assertThat(gpadl.wholePages()).isNull();
    }

    @Test
    void shouldRejectGpadlThatDoesNotAddUp() {
        assertThat(assemble(1, 8192, 11)).as("a PFN is missing").isNull();
        assertThat(assemble(1, 4096, 11, 22)).as("a PFN is left over").isNull();
        assertThat(assemble(2, 4096, 11)).as("a range is missing").isNull();
        assertThat(assemble(0, 4096, 11)).as("no range").isNull();
        assertThat(assemble(1)).as("no words").isNull();
        assertThat(assemble(1, 0)).as("an empty range").isNull();
        assertThat(assemble(1, 4096L << 32 | 1, 11)).as("an offset beyond the page").isNull();
        assertThat(assemble(1, -1L, 11)).as("counts of 2^32 - 1").isNull();
        assertThat(assemble(0xFFFF, 4096, 11)).as("65535 ranges").isNull();
        GpadlAssembly assembly =
                new GpadlAssembly(
                        new GpadlHeader(1, 2, 24, 1, GpadlWords.of(new long[] {8192}, 0, 1)));
        assembly.add(new GpadlBody(0, 2, GpadlWords.of(new long[] {1, 2, 3}, 0, 3)));
        assertThat(assembly.isComplete()).isTrue();
        assertThat(assembly.finish()).as("more words than announced").isNull();
    }

    @Test
    void shouldPrintAndParseGuids() {
        assertThat(Guid.parse(A.toString())).isEqualTo(A);
        assertThat(B.toString()).isEqualTo("05060708-0304-0102-1817-161514131211");
        assertThat(Guid.parse(B.toString())).isEqualTo(B);
        assertThatThrownBy(() -> Guid.parse("ba6163d9-04a1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("text=ba6163d9-04a1");
    }

    @Test
    void shouldKnowVersions() {
        assertThat(VmbusVersion.V5_3.number()).isEqualTo(0x50003);
        assertThat(VmbusVersion.supported(0x50002)).isEqualTo(VmbusVersion.V5_2);
        assertThat(VmbusVersion.supported(VmbusVersion.V6_0.number())).isNull();
        assertThat(VmbusVersion.supported(0x50001)).isNull();
        assertThat(VmbusVersion.V5_2.answersModifyChannel()).isFalse();
    }

    private static @Nullable Gpadl assemble(int ranges, long... words) {
        return new GpadlAssembly(
                        new GpadlHeader(
                                1,
                                2,
                                words.length * Long.BYTES,
                                ranges,
                                GpadlWords.of(words, 0, words.length)))
                .finish();
    }

    private static @Nullable Gpadl assemble(List<ControlMessage> messages) {
        GpadlAssembly assembly = new GpadlAssembly((GpadlHeader) messages.getFirst());
        for (ControlMessage message : messages.subList(1, messages.size())) {
            assertThat(assembly.isComplete()).isFalse();
            assembly.add((GpadlBody) message);
        }
        assertThat(assembly.isComplete()).isTrue();
        return assembly.finish();
    }

    private static @Nullable ControlMessage decode(byte[] bytes, int length) {
        return ControlMessage.decode(MemorySegment.ofArray(bytes), 0, length);
    }
}
