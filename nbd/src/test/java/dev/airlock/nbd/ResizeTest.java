package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.Transmission;
import java.io.EOFException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk whose size changes while clients have it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ResizeTest {
    private static final int MIB = 1 << 20;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldRefuseWhatIsBeyondTheNewEndAndShowNewClientsTheNewSize(boolean isolated)
            throws Exception {
        try (Rig rig = Rig.open(isolated, "mem:8M,name=m");
                NbdClient old = rig.connect(NbdClient.Mode.STRUCTURED)) {
            assertThat(old.size).isEqualTo(8 * MIB);
            assertThat(old.write(6 * MIB, new byte[4096], 0)).isZero();

            rig.resize("m", 4 * MIB);
            // At once, whatever the guest has noticed by then; unaligned and across the end too.
            assertThat(old.write(6 * MIB, new byte[4096], 0)).isEqualTo(NbdError.ENOSPC);
            assertThat(old.write(4 * MIB - 100, new byte[200], 0)).isEqualTo(NbdError.ENOSPC);
            assertThat(old.command(Transmission.CMD_WRITE_ZEROES, 0, 5 * MIB, 4096))
                    .isEqualTo(NbdError.ENOSPC);
            assertThat(old.command(Transmission.CMD_TRIM, 0, 5 * MIB, 4096))
                    .isEqualTo(NbdError.EINVAL);
            old.send(Transmission.CMD_READ, 0, 7, 6 * MIB, 4096);
            assertThat(old.reply(4096).error()).isEqualTo(NbdError.EINVAL);
            assertThat(old.write(4 * MIB - 4096, new byte[4096], 0)).isZero();
            awaitNewClientsSee(rig, 4 * MIB);

            rig.resize("m", 16 * MIB);
            awaitNewClientsSee(rig, 16 * MIB);
            try (NbdClient fresh = rig.connect(NbdClient.Mode.STRUCTURED)) {
                // What was lost with the smaller size does not come back.
                assertThat(fresh.readBytes(6 * MIB, 4096)).containsOnly(0);
                assertThat(fresh.write(16 * MIB - 10, new byte[] {1, 2, 3}, 0)).isZero();
                assertThat(fresh.readBytes(16 * MIB - 10, 3)).containsExactly(1, 2, 3);
            }
            assertThat(old.readBytes(0, 512)).containsOnly(0);
        }
    }

    /** The host's word reaches the guest by a thread of its own. */
    private static void awaitNewClientsSee(Rig rig, long bytes) throws Exception {
        long seen = -1;
        while (seen != bytes) {
            try (NbdClient client = rig.connect(NbdClient.Mode.STRUCTURED)) {
                seen = client.size;
            } catch (EOFException tooMany) {
                // Those before have not quite left yet.
            }
            Thread.onSpinWait();
        }
    }
}
