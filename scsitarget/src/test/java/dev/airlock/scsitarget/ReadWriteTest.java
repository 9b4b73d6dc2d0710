package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadWriteTest {

    private static final List<ScsiCommand> READS =
            List.of(
                    ScsiCommand.READ_6,
                    ScsiCommand.READ_10,
                    ScsiCommand.READ_12,
                    ScsiCommand.READ_16);
    private static final List<ScsiCommand> WRITES =
            List.of(
                    ScsiCommand.WRITE_6,
                    ScsiCommand.WRITE_10,
                    ScsiCommand.WRITE_12,
                    ScsiCommand.WRITE_16);
    private static final int BLOCKS = 64;

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(data);
        return data;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldReadBackWhatEveryKindOfWriteWrote(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        for (int i = 0; i < 4; i++) {
            byte[] written = random(3 * block);
            written[0] = (byte) i;
            guest.command(WRITES.get(i), BLOCKS - 3, 3).send(written).succeeded().moved(3L * block);
            for (ScsiCommand read : READS) {
                assertThat(guest.command(read, BLOCKS - 3, 3).receive(3 * block))
                        .isEqualTo(written);
                guest.succeeded().overrun(0);
            }
        }
    }

    @Test
    void shouldTakeZeroBlocksOfSixByteCommandsAs256() {
        TestGuest guest = TestGuest.withBlocks(512, 256);
        guest.command(ScsiCommand.WRITE_6, 0, 256).send(random(256 * 512)).succeeded();
        assertThat(guest.command(ScsiCommand.READ_6, 0, 256).receive(256 * 512))
                .isEqualTo(random(256 * 512));
    }

    @Test
    void shouldDoNothingForZeroBlocksButCheckTheAddress() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        for (ScsiCommand command :
                List.of(
                        ScsiCommand.READ_10,
                        ScsiCommand.READ_12,
                        ScsiCommand.READ_16,
                        ScsiCommand.WRITE_10,
                        ScsiCommand.WRITE_12,
                        ScsiCommand.WRITE_16)) {
            guest.command(command, 0, 0).send().succeeded().moved(0);
            guest.command(command, BLOCKS, 0).send().succeeded().moved(0);
            guest.command(command, BLOCKS + 1, 0).send();
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        }
        assertThat(guest.disk.writes).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldRefuseWhatLiesBeyondTheEnd(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        int shift = Integer.numberOfTrailingZeros(block);
        long[] lbas = {
            BLOCKS,
            BLOCKS - 1,
            1L << 63,
            1L << 64 - shift,
            1L << 63 - shift,
            -1L,
            -2L,
            Long.MAX_VALUE
        };
        for (long lba : lbas) {
            guest.command(ScsiCommand.READ_16, lba, 2).receive(2 * block);
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE).moved(0);
            guest.command(ScsiCommand.WRITE_16, lba, 2).send(random(2 * block));
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE).moved(0);
        }
        guest.command(ScsiCommand.READ_16, 0, 0xFFFF_FFFFL).send();
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        guest.command(ScsiCommand.READ_10, 0xFFFF_FFFFL, 1).receive(block);
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        assertThat(guest.disk.writes).isZero();
    }

    @Test
    void shouldRefuseMoreThanTheLargestTransferAndPointAtTheLength() {
        TestGuest guest =
                new TestGuest(
                        new TestDisk(512, 1024),
                        LogicalUnitOptions.defaults().withMaxTransferBytes(64 << 10));
        guest.command(ScsiCommand.READ_10, 0, 128).receive(128 * 512);
        guest.succeeded();
        guest.command(ScsiCommand.READ_10, 0, 129).receive(129 * 512);
        guest.invalidField(7, -1);
        guest.command(ScsiCommand.WRITE_16, 0, 129).send(random(129 * 512)).invalidField(10, -1);
        guest.command(ScsiCommand.READ_12, 0, 129).receive(129 * 512);
        guest.invalidField(6, -1);
    }

    @Test
    void shouldRefuseProtectionInformation() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        for (int protect = 1; protect < 8; protect++) {
            for (ScsiCommand command :
                    List.of(ScsiCommand.READ_10, ScsiCommand.READ_12, ScsiCommand.READ_16)) {
                guest.command(command, 0, 1).bits(1, protect << 5).receive(512);
                guest.invalidField(1, 7);
            }
            for (ScsiCommand command :
                    List.of(ScsiCommand.WRITE_10, ScsiCommand.WRITE_12, ScsiCommand.WRITE_16)) {
                guest.command(command, 0, 1)
                        .bits(1, protect << 5)
                        .send(random(512))
                        .invalidField(1, 7);
            }
        }
    }

    @Test
    void shouldMakeForcedWritesDurableAndFlushBeforeForcedReads() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        guest.command(ScsiCommand.WRITE_10, 0, 1).bits(1, Cdb.DPO).send(random(512)).succeeded();
        assertThat(guest.disk.forcedWrites).isZero();
        guest.command(ScsiCommand.WRITE_10, 0, 1)
                .bits(1, Cdb.FUA | Cdb.DPO)
                .send(random(512))
                .succeeded();
        assertThat(guest.disk.forcedWrites).isEqualTo(1);
        guest.command(ScsiCommand.READ_16, 0, 1).bits(1, Cdb.FUA).receive(512);
        guest.succeeded();
        assertThat(guest.disk.flushes).isEqualTo(1);
        // Byte 1 of the six-byte CDB is part of the LBA.
        guest.disk.pretendSectors(1 << 20);
        guest.command(ScsiCommand.WRITE_6, 0x08_0000, 1).send(random(512)).succeeded();
        assertThat(guest.disk.forcedWrites).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldReadToTheByteIntoABufferThatIsTooSmall(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        byte[] written = random(2 * block);
        guest.command(ScsiCommand.WRITE_10, 0, 2).send(written).succeeded();
        for (int room : new int[] {0, 1, 200, block - 1, block, block + 1, 2 * block - 1}) {
            byte[] read = guest.command(ScsiCommand.READ_10, 0, 2).receive(room);
            assertThat(read).isEqualTo(Arrays.copyOf(written, room));
            guest.good().moved(room).overrun(2L * block - room);
        }
    }

    @Test
    void shouldReportHowMuchOfALargerBufferWasUsed() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        assertThat(guest.command(ScsiCommand.READ_10, 0, 1).receive(10_000)).hasSize(512);
        guest.succeeded().moved(512).overrun(0);
        guest.command(ScsiCommand.WRITE_10, 1, 1).send(random(10_000)).succeeded().moved(512);
        assertThat(guest.diskBytes(512, 512)).isEqualTo(Arrays.copyOf(random(10_000), 512));
        assertThat(guest.diskBytes(1024, 512)).containsOnly(0);
    }

    @Test
    void shouldWriteNothingWhenTheBufferHoldsLessThanTheCdbSays() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        for (int given : new int[] {1, 200, 512, 1023}) {
            guest.command(ScsiCommand.WRITE_10, 0, 2).send(random(given));
            guest.failed(
                            SenseKey.ILLEGAL_REQUEST,
                            AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
                    .moved(0);
        }
        guest.command(ScsiCommand.WRITE_10, 0, 1).send();
        guest.failed(
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        assertThat(guest.disk.writes).isZero();
    }

    @Test
    void shouldNotTouchABufferOfTheWrongDirection() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        byte[] mine = random(512);
        guest.command(ScsiCommand.READ_10, 0, 1).send(mine).good().moved(0).overrun(512);
        assertThat(guest.sentBytes(512)).isEqualTo(mine);
        guest.command(ScsiCommand.WRITE_10, 0, 1).receive(512);
        guest.failed(
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
    }

    @Test
    void shouldProtectAReadOnlyDisk() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        guest.disk.readOnly = true;
        TestGuest reader = new TestGuest(guest.disk);
        for (ScsiCommand write : WRITES) {
            reader.command(write, 0, 1).send(random(512));
            reader.failed(SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED).moved(0);
        }
        reader.command(ScsiCommand.READ_10, 0, 1).receive(512);
        reader.succeeded();
        reader.command(ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0).send().succeeded();
    }

    @Test
    void shouldFlushForSynchronizeCacheAndCheckItsRange() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        guest.command(ScsiCommand.SYNCHRONIZE_CACHE_10, 0, 0).send().succeeded();
        guest.command(ScsiCommand.SYNCHRONIZE_CACHE_16, BLOCKS - 1, 1)
                .bits(1, Cdb.SYNC_IMMED)
                .send()
                .succeeded();
        assertThat(guest.disk.flushes).isEqualTo(2);
        guest.command(ScsiCommand.SYNCHRONIZE_CACHE_10, BLOCKS + 1, 0).send();
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        guest.command(ScsiCommand.SYNCHRONIZE_CACHE_16, -1, 1).send();
        guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
        assertThat(guest.disk.flushes).isEqualTo(2);
    }
}
