package dev.airlock.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CdbTest {

    private final MemorySegment cdb = MemorySegment.ofArray(new byte[Cdb.BYTES]);

    @Test
    void shouldReadBackLbaAndCountOfEveryCommandAtItsExtremes() {
        for (ScsiCommand command : ScsiCommand.values()) {
            Cdb.encode(cdb, 0, command, command.maxLba(), command.maxCount());
            assertThat(ScsiCommand.of(cdb, 0)).isSameAs(command);
            assertThat(command.lba(cdb, 0)).as(command.text()).isEqualTo(command.maxLba());
            assertThat(command.count(cdb, 0)).as(command.text()).isEqualTo(command.maxCount());
        }
    }

    @Test
    void shouldAgreeWithTheGroupCodeOnTheLengthOfEveryCommand() {
        for (ScsiCommand command : ScsiCommand.values()) {
            assertThat(command.cdbBytes())
                    .as(command.text())
                    .isEqualTo(Cdb.lengthOf(command.opcode()));
            assertThat(command.countAt() + command.countBytes()).isLessThan(command.cdbBytes());
        }
    }

    @Test
    void shouldTakeAZeroCountOfSixByteReadsAs256Blocks() {
        Cdb.encode(cdb, 0, ScsiCommand.READ_6, 5, 256);
        assertThat(BigEndian.u8(cdb, 4)).isZero();
        assertThat(ScsiCommand.READ_6.count(cdb, 0)).isEqualTo(256);
    }

    @Test
    void shouldRefuseToEncodeWhatDoesNotFit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Cdb.encode(cdb, 0, ScsiCommand.READ_10, 1L << 32, 1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Cdb.encode(cdb, 0, ScsiCommand.WRITE_10, 0, 0x1_0000));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Cdb.encode(cdb, 0, ScsiCommand.WRITE_6, 1 << 21, 1));
    }

    @Test
    void shouldDescribeCommandsInTheStandardsWords() {
        Cdb.encode(cdb, 0, ScsiCommand.READ_10, 7, 8);
        Cdb.addFlags(cdb, 0, Cdb.FUA);
        assertThat(Cdb.describe(cdb, 0, 10)).isEqualTo("READ(10) lba=7 blocks=8 FUA");
        Cdb.encode(cdb, 0, ScsiCommand.READ_16, -1L, 8);
        assertThat(Cdb.describe(cdb, 0, 16))
                .isEqualTo("READ(16) lba=18446744073709551615 blocks=8");
        Cdb.encodeInquiryVpd(cdb, 0, 0x83, 255);
        assertThat(Cdb.describe(cdb, 0, 6)).isEqualTo("INQUIRY vpd=0x83 allocation=255");
        Cdb.encodeModeSense(cdb, 0, ScsiCommand.MODE_SENSE_6, 0x3F, false, 4);
        assertThat(Cdb.describe(cdb, 0, 6))
                .isEqualTo("MODE SENSE(6) page=0x3f current allocation=4");
        Cdb.encode(cdb, 0, ScsiCommand.READ_CAPACITY_16, 0, 32);
        assertThat(Cdb.describe(cdb, 0, 16)).isEqualTo("READ CAPACITY(16) allocation=32");
    }

    @Test
    void shouldDescribeAnyBytesInOneLine() {
        long seed = Long.getLong("airlock.seed", 20260102L);
        SplittableRandom random = new SplittableRandom(seed);
        byte[] bytes = new byte[Cdb.BYTES];
        for (int i = 0; i < 100_000; i++) {
            random.nextBytes(bytes);
            int length = random.nextInt(0, Cdb.BYTES + 1);
            String text = Cdb.describe(MemorySegment.ofArray(bytes), 0, length);
            assertThat(text)
                    .as("-Dairlock.seed=%d length=%d", seed, length)
                    .isNotBlank()
                    .doesNotContain("\n");
        }
    }
}
