package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyTest {

    private static final List<ScsiCommand> VERIFIES =
            List.of(ScsiCommand.VERIFY_10, ScsiCommand.VERIFY_12, ScsiCommand.VERIFY_16);
    private static final int BYTCHK_1 = 1 << 1;
    private static final int BYTCHK_3 = 3 << 1;
    private static final int BLOCKS = 256;

    private static byte[] fill(TestGuest guest, int block) {
        byte[] content = new byte[BLOCKS * block];
        new SplittableRandom(7).nextBytes(content);
        guest.disk.bytes.copyFrom(MemorySegment.ofArray(content));
        return content;
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldCompareEveryBlockAndNameTheOneThatDiffers(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        byte[] content = fill(guest, block);
        int blocks = 200;
        byte[] same = Arrays.copyOfRange(content, 8 * block, (8 + blocks) * block);
        SplittableRandom random = new SplittableRandom(8);
        for (ScsiCommand verify : VERIFIES) {
            guest.command(verify, 8, blocks)
                    .bits(1, BYTCHK_1 | Cdb.DPO)
                    .send(same)
                    .succeeded()
                    .moved(same.length);
            for (int i = 0; i < 50; i++) {
                int at = random.nextInt(same.length);
                same[at] ^= 0x10;
                guest.command(verify, 8, blocks).bits(1, BYTCHK_1).send(same);
                guest.failed(SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY);
                assertThat(Sense.information(guest.task.sense(), 0, guest.task.senseBytes()))
                        .isEqualTo(8 + at / block);
                guest.command(verify, 8, blocks).send(same).succeeded().moved(0);
                same[at] ^= 0x10;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldCompareAllBlocksWithOne(int block) {
        TestGuest guest = TestGuest.withBlocks(block, BLOCKS);
        byte[] one = new byte[block];
        new SplittableRandom(9).nextBytes(one);
        guest.command(ScsiCommand.WRITE_SAME_16, 0, BLOCKS).send(one).succeeded();
        guest.command(ScsiCommand.VERIFY_16, 0, BLOCKS)
                .bits(1, BYTCHK_3)
                .send(one)
                .succeeded()
                .moved(block);
        guest.disk.bytes.set(ValueLayout.JAVA_BYTE, 100L * block + 5, (byte) ~one[5]);
        guest.command(ScsiCommand.VERIFY_16, 0, BLOCKS).bits(1, BYTCHK_3).send(one);
        guest.failed(SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY);
        assertThat(Sense.information(guest.task.sense(), 0, Sense.BYTES)).isEqualTo(100);
    }

    @Test
    void shouldCheckFieldsRangeAndDataLength() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        for (ScsiCommand verify : VERIFIES) {
            guest.command(verify, 0, 1).bits(1, 2 << 1).send(new byte[512]).invalidField(1, 2);
            guest.command(verify, 0, 1).bits(1, 0x20).send(new byte[512]).invalidField(1, 7);
            guest.command(verify, BLOCKS, 1).send();
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
            guest.command(verify, BLOCKS + 1, 0).bits(1, BYTCHK_1).send();
            guest.failed(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
            guest.command(verify, 0, 0).bits(1, BYTCHK_1).send().succeeded();
            guest.command(verify, 0, 2).bits(1, BYTCHK_1).send(new byte[1023]);
            guest.failed(
                    SenseKey.ILLEGAL_REQUEST,
                    AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        TestGuest small =
                new TestGuest(
                        new TestDisk(512, 1024),
                        LogicalUnitOptions.defaults().withMaxTransferBytes(64 << 10));
        small.command(ScsiCommand.VERIFY_12, 0, 129).send().invalidField(6, -1);
    }

    @Test
    void shouldReportAMediumErrorWhenBlocksCannotBeRead() {
        TestGuest guest = TestGuest.withBlocks(512, BLOCKS);
        guest.disk.failReads = DiskException.Kind.IO;
        guest.command(ScsiCommand.VERIFY_10, 0, 1).send();
        guest.failed(SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR);
    }
}
