package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random commands, mostly almost right, against a model of the disk: no exception escapes, sense
 * data are well-formed, a buffer is touched only as far as told, and the disk holds what the model
 * says.
 */
class FuzzTest {

    private static final int ROUNDS = Integer.getInteger("airlock.fuzz.rounds", 400_000);

    @ParameterizedTest
    @CsvSource({"512, 64", "4096, 8"})
    void shouldSurviveAnyCommandAndKeepTheDiskExact(int block, int blocks) {
        long seed = Long.getLong("airlock.seed", 20260104L);
        CommandFuzzer fuzzer = new CommandFuzzer(seed, block, blocks);
        TestGuest guest = fuzzer.guest;
        for (int round = 0; round < ROUNDS; round++) {
            fuzzer.next();
            guest.itl()
                    .execute(
                            guest.cdb(),
                            0,
                            fuzzer.cdbBytes,
                            fuzzer.direction,
                            guest.data(),
                            guest.task);
            try {
                check(fuzzer);
            } catch (AssertionError | RuntimeException e) {
                String replay =
                        "-Dairlock.seed=" + seed + " block=" + block + " round=" + round + " ";
                throw new AssertionError(
                        replay
                                + Cdb.describe(guest.cdb(), 0, Math.min(fuzzer.cdbBytes, Cdb.BYTES))
                                + ": "
                                + e.getMessage(),
                        e);
            }
            if (round % 64 == 63) {
                fuzzer.settle();
            }
        }
        // The model is of use only where commands succeed: at least so many of the reads and writes
        // do.
        assertThat(fuzzer.goodReads).isGreaterThan(ROUNDS / 50);
        assertThat(fuzzer.goodChanges).isGreaterThan(ROUNDS / 50);
    }

    private static void check(CommandFuzzer fuzzer) {
        TestGuest guest = fuzzer.guest;
        ScsiTask task = guest.task;
        if (guest.unit.bugs() != 0) {
            throw new AssertionError("bug", guest.unit.firstBug());
        }
        boolean good = task.scsiStatus() == ScsiStatus.GOOD;
        if (good) {
            require(task.senseBytes() == 0, "sense with GOOD");
            boolean overrun = task.srbStatus() == SrbStatus.DATA_OVERRUN;
            require(overrun == (task.overrunBytes() > 0), "overrun");
            require(overrun || task.srbStatus() == SrbStatus.SUCCESS, "srb");
        } else {
            require(task.scsiStatus() == ScsiStatus.CHECK_CONDITION, "status");
            require(task.srbStatus() == (SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID), "srb");
            checkSense(task);
        }
        require(
                task.transferredBytes() >= 0
                        && task.transferredBytes() <= guest.data().totalBytes(),
                "transferred");
        int untouchedFrom =
                fuzzer.direction == VstorSrb.DIRECTION_IN ? (int) task.transferredBytes() : 0;
        require(fuzzer.isBufferAsSentFrom(untouchedFrom), "buffer touched from " + untouchedFrom);
        fuzzer.compareWithModel(good);
    }

    private static void checkSense(ScsiTask task) {
        MemorySegment sense = task.sense();
        require(task.senseBytes() == Sense.BYTES && Sense.isValid(sense, 0, Sense.BYTES), "sense");
        require(sense.get(ValueLayout.JAVA_BYTE, 7) == Sense.BYTES - 8, "additional sense length");
        int key = Sense.key(sense, 0);
        require(
                key == SenseKey.ILLEGAL_REQUEST
                        || key == SenseKey.DATA_PROTECT
                        || key == SenseKey.NOT_READY
                        || key == SenseKey.UNIT_ATTENTION
                        || key == SenseKey.MISCOMPARE,
                "key " + key);
        require(!AdditionalSense.name(Sense.additionalSense(sense, 0)).startsWith("asc="), "code");
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** What the command is, whatever its bytes say about service actions. */
    static boolean isReadOrWrite(ScsiCommand command) {
        return switch (command) {
            case READ_6, READ_10, READ_12, READ_16, WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> true;
            default -> false;
        };
    }
}
