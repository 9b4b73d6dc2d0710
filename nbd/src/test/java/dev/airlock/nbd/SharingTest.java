package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several connections to one disk. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SharingTest {
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldKeepNeighboursOfUnalignedWrites(int sector) throws Exception {
        int clients = 4;
        int rounds = 300;
        int stride = 100;
        try (Rig rig = Rig.open(true, "mem:1M,name=m,sector=" + sector);
                ExecutorService threads = Executors.newFixedThreadPool(clients)) {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int own = i;
                Callable<Void> work =
                        () -> {
                            // Every client has its own bytes in the same few sectors.
                            try (NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
                                for (int round = 1; round <= rounds; round++) {
                                    byte[] mine = new byte[stride];
                                    java.util.Arrays.fill(mine, (byte) round);
                                    for (int k = 0; k < 8; k++) {
                                        long at = (long) (k * clients + own) * stride;
                                        boolean zero = round % 7 == 0;
                                        int error =
                                                zero
                                                        ? client.command(6, 0, at, stride)
                                                        : client.write(at, mine, 0);
                                        assertThat(error).isZero();
                                        byte[] read = client.readBytes(at, stride);
                                        assertThat(read).containsOnly(zero ? 0 : round);
                                    }
                                }
                            }
                            return null;
                        };
                writers.add(threads.submit(work));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
    }

    @Test
    void shouldLeaveNothingOfAClientInTheBuffersOfTheNext() throws Exception {
        long secret = 0x5ec2_e75e_c2e7_5ec2L;
        // More than what stays in memory, so that the rest is given back.
        java.nio.ByteBuffer data = java.nio.ByteBuffer.allocate(6 << 20);
        data.order(java.nio.ByteOrder.nativeOrder());
        while (data.hasRemaining()) {
            data.putLong(secret);
        }
        try (Rig rig = Rig.open(true, "mem:8M,name=m")) {
            java.util.concurrent.CountDownLatch left = new java.util.concurrent.CountDownLatch(1);
            rig.server.whenLastLeft(left::countDown);
            try (NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
                assertThat(client.write(0, data.array(), 0)).isZero();
                assertThat(rig.isInGuestMemory(secret)).isTrue();
            }
            assertThat(left.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(rig.isInGuestMemory(secret)).isFalse();
        }
    }

    @Test
    void shouldRefuseClientsBeyondTheLimitInOneLineEach() throws Exception {
        try (Rig rig = Rig.open(options -> options.withConnectionsMax(2), "mem:1M,name=m")) {
            NbdClient first = rig.connect(NbdClient.Mode.SIMPLE);
            try (NbdClient second = rig.connect(NbdClient.Mode.SIMPLE)) {
                assertThat(second.readBytes(0, 512)).containsOnly(0);
                org.assertj.core.api.Assertions.assertThatThrownBy(
                                () -> rig.connect(NbdClient.Mode.SIMPLE))
                        .isInstanceOf(java.io.IOException.class);
                assertThat(rig.log.poll(10, TimeUnit.SECONDS)).contains("2 already");
                assertThat(first.readBytes(0, 512)).containsOnly(0);
            } finally {
                first.close();
            }
        }
    }

    @Test
    void shouldAnswerErrorsWhileTheHostIsGoneAndGoOnWithTheNextOne() throws Exception {
        java.nio.file.Path file = java.nio.file.Files.createTempFile("nbd", ".img");
        try {
            java.nio.file.Files.write(file, new byte[1 << 20]);
            try (Rig rig = Rig.open(true, file + ",name=f");
                    NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
                byte[] data = new byte[4096];
                java.util.Arrays.fill(data, (byte) 5);
                assertThat(client.write(0, data, 0)).isZero();
                rig.killHost();
                int error = client.write(8192, data, 0);
                assertThat(error).isIn(5, 108);
                rig.restartHost();
                assertThat(client.readBytes(0, 4096)).containsOnly(5);
                // The first host may have lost what was not flushed: that flush must not succeed.
                assertThat(client.command(3, 0, 0, 0)).isEqualTo(5);
                assertThat(client.write(8192, data, 0)).isZero();
                assertThat(client.command(3, 0, 0, 0)).isZero();
                assertThat(client.readBytes(8192, 4096)).containsOnly(5);
            }
        } finally {
            java.nio.file.Files.delete(file);
        }
    }
}
