package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.nbd.wire.Negotiation;
import dev.airlock.nbd.wire.Transmission;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fixed newstyle negotiation, option by option, right and wrong. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HandshakeTest {
    private static final byte[] NOTHING = {};

    @SuppressWarnings("NullAway.Init") // by each test
    private Rig rig;

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private NbdClient greet() throws Exception {
        rig = Rig.open(true, "mem:1M,name=one", "mem:2M,name=two,ro");
        return NbdClient.greet(rig.socket, NbdClient.Mode.SIMPLE);
    }

    @Test
    void shouldListExportsInOrder() throws Exception {
        try (NbdClient client = greet()) {
            List<NbdClient.OptionReply> replies = client.option(Negotiation.OPT_LIST, NOTHING);
            assertThat(replies).hasSize(3);
            assertThat(name(replies.get(0))).isEqualTo("one");
            assertThat(name(replies.get(1))).isEqualTo("two");
            assertThat(type(client.option(Negotiation.OPT_LIST, new byte[1])))
                    .isEqualTo(Negotiation.REP_ERR_INVALID);
        }
    }

    private static String name(NbdClient.OptionReply reply) {
        byte[] bytes = new byte[reply.data().getInt()];
        reply.data().get(bytes);
        return new String(bytes, UTF_8);
    }

    private static int type(List<NbdClient.OptionReply> replies) {
        return replies.getLast().type();
    }

    @Test
    void shouldTellWhatIsAskedOfAnExport() throws Exception {
        try (NbdClient client = greet()) {
            List<NbdClient.OptionReply> replies =
                    client.option(
                            Negotiation.OPT_INFO,
                            NbdClient.info(
                                    "two",
                                    Negotiation.INFO_NAME,
                                    Negotiation.INFO_BLOCK_SIZE,
                                    999,
                                    Negotiation.INFO_DESCRIPTION));
            assertThat(type(replies)).isEqualTo(Negotiation.REP_ACK);
            ByteBuffer export = replies.get(0).data();
            assertThat(export.getShort()).isEqualTo((short) Negotiation.INFO_EXPORT);
            assertThat(export.getLong()).isEqualTo(2 << 20);
            assertThat(export.getShort() & Transmission.READ_ONLY).isNotZero();
            ByteBuffer sizes = replies.get(3).data();
            assertThat(sizes.getShort()).isEqualTo((short) Negotiation.INFO_BLOCK_SIZE);
            assertThat(sizes.getInt()).isEqualTo(1);
            assertThat(sizes.getInt()).isEqualTo(4096);
            assertThat(sizes.getInt()).isEqualTo(32 << 20);
            // Asking is not entering.
            assertThat(type(client.option(Negotiation.OPT_GO, NbdClient.info("one"))))
                    .isEqualTo(Negotiation.REP_ACK);
            assertThat(client.readBytes(0, 10)).containsOnly(0);
        }
    }

    @Test
    void shouldRefuseWhatIsMalformedAndListenOn() throws Exception {
        try (NbdClient client = greet()) {
            assertThat(type(client.option(Negotiation.OPT_INFO, NbdClient.info("three"))))
                    .isEqualTo(Negotiation.REP_ERR_UNKNOWN);
            assertThat(type(client.option(Negotiation.OPT_GO, new byte[3])))
                    .isEqualTo(Negotiation.REP_ERR_INVALID);
            byte[] tooLong = NbdClient.info("one");
            tooLong[3] = 100;
            assertThat(type(client.option(Negotiation.OPT_GO, tooLong)))
                    .isEqualTo(Negotiation.REP_ERR_INVALID);
            byte[] negative = NbdClient.info("one");
            negative[0] = -1;
            assertThat(type(client.option(Negotiation.OPT_GO, negative)))
                    .isEqualTo(Negotiation.REP_ERR_INVALID);
            assertThat(type(client.option(Negotiation.OPT_GO, new byte[100_000])))
                    .isEqualTo(Negotiation.REP_ERR_TOO_BIG);
            assertThat(type(client.option(1234, new byte[17])))
                    .isEqualTo(Negotiation.REP_ERR_UNSUP);
            assertThat(type(client.option(Negotiation.OPT_STARTTLS, NOTHING)))
                    .isEqualTo(Negotiation.REP_ERR_POLICY);
            assertThat(
                            type(
                                    client.option(
                                            Negotiation.OPT_SET_META_CONTEXT,
                                            NbdClient.context("one", "base:allocation"))))
                    .isEqualTo(Negotiation.REP_ERR_INVALID);
            assertThat(type(client.option(Negotiation.OPT_GO, NbdClient.info(""))))
                    .isEqualTo(Negotiation.REP_ACK);
        }
    }

    @Test
    void shouldOfferTheAllocationContext() throws Exception {
        try (NbdClient client = greet()) {
            assertThat(type(client.option(Negotiation.OPT_EXTENDED_HEADERS, NOTHING)))
                    .isEqualTo(Negotiation.REP_ACK);
            assertThat(type(client.option(Negotiation.OPT_STRUCTURED_REPLY, NOTHING)))
                    .isEqualTo(Negotiation.REP_ERR_EXT_HEADER_REQD);
            int list = Negotiation.OPT_LIST_META_CONTEXT;
            assertThat(client.option(list, NbdClient.context("one"))).hasSize(2);
            assertThat(client.option(list, NbdClient.context("one", "base:"))).hasSize(2);
            assertThat(client.option(list, NbdClient.context("one", "x-other:"))).hasSize(1);
            int set = Negotiation.OPT_SET_META_CONTEXT;
            assertThat(client.option(set, NbdClient.context("one", "base:"))).hasSize(1);
            assertThat(client.option(set, NbdClient.context("one", "base:allocation"))).hasSize(2);
            assertThat(type(client.option(set, NbdClient.context("three", "base:allocation"))))
                    .isEqualTo(Negotiation.REP_ERR_UNKNOWN);
        }
    }

    @Test
    void shouldLetInByNameAloneAsOldClientsDo() throws Exception {
        try (NbdClient client = greet()) {
            client.sendOption(Negotiation.OPT_EXPORT_NAME, 3, "two".getBytes(UTF_8));
            assertThat(client.read(10).getLong()).isEqualTo(2 << 20);
            assertThat(client.readBytes(512, 512)).containsOnly(0);
        }
        try (NbdClient client = NbdClient.greet(rig.socket, NbdClient.Mode.SIMPLE)) {
            client.sendOption(Negotiation.OPT_EXPORT_NAME, 5, "three".getBytes(UTF_8));
            assertThat(client.isEnded()).isTrue();
            assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("\"three\"");
        }
    }

    @Test
    void shouldAcknowledgeAbort() throws Exception {
        try (NbdClient client = greet()) {
            assertThat(type(client.option(Negotiation.OPT_ABORT, NOTHING)))
                    .isEqualTo(Negotiation.REP_ACK);
            assertThat(client.isEnded()).isTrue();
            assertThat(rig.logged()).isEmpty();
        }
    }

    @Test
    void shouldEndAHandshakeThatTakesTooLong() throws Exception {
        rig = Rig.open(options -> options.withHandshakeTimeoutMs(200), "mem:1M,name=m");
        try (NbdClient client = NbdClient.greet(rig.socket, NbdClient.Mode.SIMPLE)) {
            assertThat(client.isEnded()).isTrue();
            assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("in time");
        }
        // Once let in, a client may be silent for as long as it likes.
        try (NbdClient client = rig.connect(NbdClient.Mode.SIMPLE)) {
            TimeUnit.MILLISECONDS.sleep(400);
            assertThat(client.readBytes(0, 1)).containsExactly(0);
        }
    }

    @Test
    void shouldEndWithNonsense() throws Exception {
        try (NbdClient client = greet()) {
            client.write(ByteBuffer.allocate(16));
            assertThat(client.isEnded()).isTrue();
            assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("wrong magic");
        }
        try (NbdClient client = NbdClient.greet(rig.socket, NbdClient.Mode.SIMPLE)) {
            client.sendOption(Negotiation.OPT_LIST, Integer.MAX_VALUE, NOTHING);
            assertThat(client.isEnded()).isTrue();
            assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("bytes");
        }
    }

    @Test
    void shouldEndClientsWhenTheServerEnds() throws Exception {
        try (NbdClient shaking = greet();
                NbdClient serving = rig.connect(NbdClient.Mode.STRUCTURED)) {
            assertThat(serving.readBytes(0, 512)).containsOnly(0);
            rig.server.close();
            assertThat(serving.isEnded()).isTrue();
            assertThat(shaking.isEnded()).isTrue();
            assertThatThrownBy(() -> rig.connect(NbdClient.Mode.SIMPLE))
                    .isInstanceOf(IOException.class);
        }
    }
}
