package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.Transmission;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each request of the transmission phase, in each form of header, over a real host. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RequestTest {
    private static final int SIZE = 48 << 20;

    @SuppressWarnings("NullAway.Init") // by each test
    private Rig rig;

    @AfterEach
    void close() throws Exception {
        if (rig != null) {
            rig.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "SIMPLE, true, 512", "STRUCTURED, true, 512", "EXTENDED, true, 4096",
        "SIMPLE, false, 4096", "STRUCTURED, false, 512", "EXTENDED, false, 512"
    })
    void shouldBehaveLikeAnArrayOfBytes(NbdClient.Mode mode, boolean isolated, int sector)
            throws Exception {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        rig = Rig.open(isolated, "mem:8M,name=m,sector=" + sector);
        byte[] model = new byte[8 << 20];
        try (NbdClient client = rig.connect(mode)) {
            assertThat(client.size).isEqualTo(model.length);
            for (int i = 0; i < 400; i++) {
                int length = 1 + random.nextInt(i % 50 == 0 ? 3 << 20 : 20_000);
                int offset = random.nextInt(model.length - length + 1);
                if (i % 3 == 0) {
                    length = (length + 4095) & -4096;
                    offset = Math.min(offset & -4096, model.length - length);
                }
                switch (random.nextInt(4)) {
                    case 0 -> {
                        byte[] data = new byte[length];
                        random.nextBytes(data);
                        int fua = random.nextInt(10) == 0 ? Transmission.FLAG_FUA : 0;
                        assertThat(client.write(offset, data, fua)).isZero();
                        System.arraycopy(data, 0, model, offset, length);
                    }
                    case 1 -> {
                        int hole = random.nextBoolean() ? Transmission.FLAG_NO_HOLE : 0;
                        assertThat(client.command(6, hole, offset, length)).isZero();
                        Arrays.fill(model, offset, offset + length, (byte) 0);
                    }
                    default ->
                            assertThat(client.readBytes(offset, length))
                                    .as("operation=%d offset=%d length=%d", i, offset, length)
                                    .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
                }
            }
            assertThat(client.command(Transmission.CMD_FLUSH, 0, 0, 0)).isZero();
            byte[] whole = client.readBytes(0, model.length);
            assertThat(Arrays.mismatch(whole, model)).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource(NbdClient.Mode.class)
    void shouldTakeTheLargestRequestsAtAnyOffset(NbdClient.Mode mode) throws Exception {
        rig = Rig.open(true, "mem:48M,name=m");
        byte[] data = new byte[32 << 20];
        new Random(7).nextBytes(data);
        try (NbdClient client = rig.connect(mode)) {
            assertThat(client.write(12_345, data, 0)).isZero();
            assertThat(Arrays.equals(client.readBytes(12_345, data.length), data)).isTrue();
            client.send(Transmission.CMD_READ, 0, 9, 0, data.length + 1);
            assertThat(client.reply(0).error()).isEqualTo(NbdError.EINVAL);
            byte[] more = new byte[data.length + 1];
            assertThat(client.write(0, more, 0)).isEqualTo(NbdError.EINVAL);
            assertThat(Arrays.equals(client.readBytes(12_345, data.length), data)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(NbdClient.Mode.class)
    void shouldAnswerErrorsAndGoOn(NbdClient.Mode mode) throws Exception {
        rig = Rig.open(true, "mem:48M,name=m");
        try (NbdClient client = rig.connect(mode)) {
            assertThat(client.command(Transmission.CMD_READ, 0, SIZE, 512))
                    .isEqualTo(NbdError.EINVAL);
            assertThat(client.command(Transmission.CMD_READ, 0, -1, 1)).isEqualTo(NbdError.EINVAL);
            assertThat(client.write(SIZE - 100, new byte[512], 0)).isEqualTo(NbdError.ENOSPC);
            assertThat(client.command(Transmission.CMD_WRITE_ZEROES, 0, SIZE, 1))
                    .isEqualTo(NbdError.ENOSPC);
            assertThat(client.command(Transmission.CMD_TRIM, 0, SIZE - 1, 2))
                    .isEqualTo(NbdError.EINVAL);
            assertThat(client.command(Transmission.CMD_FLUSH, 0, 1, 0)).isEqualTo(NbdError.EINVAL);
            assertThat(client.command(77, 0, 0, 0)).isEqualTo(NbdError.EINVAL);
            assertThat(client.command(Transmission.CMD_READ, 1 << 9, 0, 512))
                    .isEqualTo(NbdError.EINVAL);
            assertThat(client.command(Transmission.CMD_TRIM, Transmission.FLAG_DF, 0, 512))
                    .isEqualTo(NbdError.EINVAL);
            assertThat(client.command(Transmission.CMD_CACHE, 0, 3, 5 << 20)).isZero();
            assertThat(client.command(Transmission.CMD_TRIM, Transmission.FLAG_FUA, 100, 1 << 20))
                    .isZero();
            assertThat(client.command(Transmission.CMD_TRIM, 0, 0, 0)).isZero();
            assertThat(client.readBytes(SIZE - 1, 1)).containsExactly(0);
        }
    }

    @Test
    void shouldTakeAnExtendedWriteWithoutThePayloadFlagAsQemuSendsIt() throws Exception {
        try (Rig rig = Rig.open(true, "mem:1M,name=m");
                NbdClient client = rig.connect(NbdClient.Mode.EXTENDED)) {
            byte[] data = new byte[5000];
            Arrays.fill(data, (byte) 7);
            ByteBuffer request = client.request(Transmission.CMD_WRITE, 0, 9, 100, 5000, data);
            // Flags: bytes 4 and 5.
            request.putShort(4, (short) 0);
            client.write(request);
            assertThat(client.reply(0).error()).isZero();
            assertThat(client.readBytes(100, 5000)).isEqualTo(data);
        }
    }

    @Test
    void shouldTellHolesAndDataApart() throws Exception {
        rig = Rig.open(true, "mem:48M,name=m");
        for (NbdClient.Mode mode : List.of(NbdClient.Mode.STRUCTURED, NbdClient.Mode.EXTENDED)) {
            try (NbdClient client = rig.connect(mode)) {
                byte[] data = new byte[1 << 20];
                Arrays.fill(data, (byte) 1);
                assertThat(client.write(8 << 20, data, 0)).isZero();
                List<NbdClient.Extent> all = client.status(0, SIZE, 0);
                assertThat(all)
                        .containsExactly(
                                new NbdClient.Extent(8 << 20, 3),
                                new NbdClient.Extent(1 << 20, 0),
                                new NbdClient.Extent(SIZE - (9 << 20), 3));
                int one = Transmission.FLAG_REQ_ONE;
                assertThat(client.status(777, 1000, one))
                        .containsExactly(new NbdClient.Extent(1000, 3));
                assertThat(client.status(8 << 20, 4 << 20, one))
                        .containsExactly(new NbdClient.Extent(1 << 20, 0));
                assertThat(client.command(Transmission.CMD_BLOCK_STATUS, 0, SIZE, 1))
                        .isEqualTo(NbdError.EINVAL);
            }
        }
    }

    @Test
    void shouldNotTellTheStatusThatWasNotNegotiated() throws Exception {
        rig = Rig.open(true, "mem:1M,name=m");
        try (NbdClient client = rig.connect(NbdClient.Mode.SIMPLE)) {
            assertThat(client.command(Transmission.CMD_BLOCK_STATUS, 0, 0, 512))
                    .isEqualTo(NbdError.EINVAL);
        }
    }

    @Test
    void shouldZeroFastOnlyWhereBlocksAreGivenBack() throws Exception {
        rig = Rig.open(true, "mem:4M,name=m");
        try (NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
            int fast = Transmission.FLAG_FAST_ZERO;
            assertThat(client.command(Transmission.CMD_WRITE_ZEROES, fast, 0, 1 << 20)).isZero();
            assertThat(
                            client.command(
                                    Transmission.CMD_WRITE_ZEROES,
                                    fast | Transmission.FLAG_NO_HOLE,
                                    0,
                                    1 << 20))
                    .isEqualTo(NbdError.ENOTSUP);
        }
    }

    @Test
    void shouldChangeNothingThatIsReadOnly() throws Exception {
        rig = Rig.open(options -> options.withReadOnly(true), "mem:4M,name=m");
        try (NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
            assertThat(client.flags & Transmission.READ_ONLY).isNotZero();
            assertThat(client.write(0, new byte[512], 0)).isEqualTo(NbdError.EPERM);
            assertThat(client.command(Transmission.CMD_TRIM, 0, 0, 512)).isEqualTo(NbdError.EPERM);
            assertThat(client.command(Transmission.CMD_WRITE_ZEROES, 0, 0, 512))
                    .isEqualTo(NbdError.EPERM);
            assertThat(client.command(Transmission.CMD_FLUSH, 0, 0, 0)).isZero();
            assertThat(client.readBytes(0, 512)).containsOnly(0);
        }
    }

    @ParameterizedTest
    @EnumSource(NbdClient.Mode.class)
    void shouldServeManyRequestsSentAtOnceAndOnlyThenTheDisconnect(NbdClient.Mode mode)
            throws Exception {
        rig = Rig.open(true, "mem:48M,name=m");
        try (NbdClient client = rig.connect(mode)) {
            int count = 500;
            ByteBuffer all = ByteBuffer.allocate(count * (32 + 4096) + 32);
            for (int i = 0; i < count; i++) {
                byte[] data = new byte[4096];
                Arrays.fill(data, (byte) i);
                all.put(client.request(Transmission.CMD_WRITE, 0, i, i * 4096L, 4096, data));
            }
            all.put(client.request(Transmission.CMD_DISC, 0, 0, 0, 0, new byte[0]));
            client.write(all.flip());
            Set<Long> cookies = new HashSet<>();
            for (int i = 0; i < count; i++) {
                NbdClient.Reply reply = client.reply(0);
                assertThat(reply.error()).isZero();
                cookies.add(reply.cookie());
            }
            assertThat(cookies).hasSize(count);
            assertThat(client.isEnded()).isTrue();
        }
        try (NbdClient client = rig.connect(mode)) {
            byte[] read = client.readBytes(0, 500 * 4096);
            for (int i = 0; i < read.length; i++) {
                if (read[i] != (byte) (i >> 12)) {
                    assertThat(read[i]).as("byte %d", i).isEqualTo((byte) (i >> 12));
                }
            }
        }
    }

    @Test
    void shouldSlowDownAClientThatDoesNotReadAndStillServeOthers() throws Exception {
        rig = Rig.open(true, "mem:48M,name=m");
        try (NbdClient lazy = rig.connect(NbdClient.Mode.SIMPLE);
                NbdClient other = rig.connect(NbdClient.Mode.SIMPLE)) {
            // More than slots, buffers and sockets hold: none of it is read.
            for (int i = 0; i < 60; i++) {
                lazy.send(Transmission.CMD_READ, 0, i, 0, 4 << 20);
            }
            assertThat(other.readBytes(0, 4 << 20)).hasSize(4 << 20);
            for (int i = 0; i < 60; i++) {
                assertThat(lazy.reply(4 << 20).error()).isZero();
            }
        }
    }

    @Test
    void shouldDisconnectWhoSendsNonsenseAndSayItInOneLine() throws Exception {
        rig = Rig.open(true, "mem:4M,name=m");
        try (NbdClient client = rig.connect(NbdClient.Mode.SIMPLE)) {
            client.write(ByteBuffer.allocate(28).putInt(0xdeadbeef).position(28).flip());
            assertThat(client.isEnded()).isTrue();
        }
        assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("wrong magic");
        try (NbdClient client = rig.connect(NbdClient.Mode.EXTENDED)) {
            client.send(Transmission.CMD_WRITE, 0, 1, 0, 1L << 40);
            assertThat(client.isEnded()).isTrue();
        }
        assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("announced a payload");
        try (NbdClient client = rig.connect(NbdClient.Mode.SIMPLE)) {
            assertThat(client.readBytes(0, 512)).containsOnly(0);
        }
        assertThat(rig.log).isEmpty();
    }

    @Test
    void shouldSurviveClientsThatVanishAnywhere() throws Exception {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        rig = Rig.open(true, "mem:48M,name=m");
        for (int i = 0; i < 100; i++) {
            NbdClient.Mode mode = NbdClient.Mode.values()[random.nextInt(3)];
            try (NbdClient client = greetPatiently(mode)) {
                if (random.nextInt(4) > 0) {
                    client.agree("");
                    ByteBuffer some = ByteBuffer.allocate(1 << 20);
                    for (int k = 0; k < 3; k++) {
                        byte[] data = new byte[1 + random.nextInt(200_000)];
                        some.put(client.request(1, 0, k, random.nextInt(1000), data.length, data));
                        some.put(client.request(0, 0, k, 0, 1 << 20, new byte[0]));
                    }
                    some.flip().limit(random.nextInt(some.remaining()) + 1);
                    client.write(some);
                }
            }
        }
        try (NbdClient client = greetPatiently(NbdClient.Mode.SIMPLE)) {
            client.agree("");
            assertThat(client.readBytes(4 << 20, 4096)).containsOnly(0);
        }
    }

    /** Those before may still be counted, and then this one is refused. */
    private NbdClient greetPatiently(NbdClient.Mode mode) {
        while (true) {
            try {
                return NbdClient.greet(rig.socket, mode);
            } catch (IOException full) {
                Thread.onSpinWait();
            }
        }
    }
}
