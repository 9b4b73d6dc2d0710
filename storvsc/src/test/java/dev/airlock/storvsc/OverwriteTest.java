package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SrbStatus;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Reads whose slots are not filled first, since the caller vouches for the buffer. */
class OverwriteTest {
    private static final int BYTES = 4096;
    private static final byte OLD = 0x11;
    private static final byte OTHERS = 0x5A;
    private static final byte NEW = 0x77;

    /** Takes writes as they come, and reads only in part. */
    private static FakeHost.Script answering(int written, int srbStatus) {
        return (host, command) -> {
            if (command.opcode() == 0x2A) {
                host.good(command, BYTES);
            } else {
                byte[] data = new byte[BYTES];
                Arrays.fill(data, NEW);
                command.writeData(data, 0, written);
                host.complete(command, srbStatus, ScsiStatus.GOOD, written);
            }
        };
    }

    /** What a buffer holds after a read into slots that held somebody else's data before. */
    private static byte[] readAfterOthers(Rig rig) {
        byte[] content = new byte[BYTES];
        long others = rig.allocate(BYTES, 0);
        Arrays.fill(content, OTHERS);
        rig.fill(others, content);
        ScsiRequest write = Rig.read10(0, others, BYTES);
        write.prepare(0, 0, 0, DataDirection.TO_DEVICE).cdbLength(10).addData(others, BYTES);
        dev.airlock.scsi.Cdb.encode(
                write.cdb(), 0, dev.airlock.scsi.ScsiCommand.WRITE_10, 0, BYTES / 512);
        assertThat(rig.adapter.submit(write)).isEqualTo(SubmitResult.ACCEPTED);
        rig.settle();

        long buffer = rig.allocate(BYTES, 0);
        Arrays.fill(content, OLD);
        rig.fill(buffer, content);
        ScsiRequest read = Rig.read10(0, buffer, BYTES).mappingAttributes(DmaAttributes.OVERWRITE);
        assertThat(rig.adapter.submit(read)).isEqualTo(SubmitResult.ACCEPTED);
        rig.settle();
        assertThat(read.outcome()).isEqualTo(Outcome.ANSWERED);
        assertThat(rig.slotsInUse()).isZero();
        return rig.read(buffer, BYTES);
    }

    private static byte[] newThenOld(int written) {
        byte[] expected = new byte[BYTES];
        Arrays.fill(expected, OLD);
        Arrays.fill(expected, 0, written, NEW);
        return expected;
    }

    @Test
    void shouldHandOutEverythingThatTheHostHasWritten() {
        try (Rig rig = Rig.with(answering(BYTES, SrbStatus.SUCCESS)).open()) {
            assertThat(readAfterOthers(rig)).isEqualTo(newThenOld(BYTES));
        }
    }

    @Test
    void shouldNotHandOutSlotsThatTheHostHasNotWritten() {
        try (Rig rig = Rig.with(answering(1024, SrbStatus.SUCCESS)).open()) {
            assertThat(readAfterOthers(rig)).isEqualTo(newThenOld(1024));
        }
    }

    @Test
    void shouldHandOutNothingOfACommandThatFailed() {
        try (Rig rig = Rig.with(answering(1024, SrbStatus.ERROR)).open()) {
            assertThat(readAfterOthers(rig)).isEqualTo(newThenOld(0));
        }
    }

    @Test
    void shouldFillTheSlotsWhenTheMappingDoesNotHonourTheAttribute() {
        Rig.Setup setup = Rig.with(answering(1024, SrbStatus.SUCCESS));
        setup.options.mapping(PerPageMapping::new);
        try (Rig rig = setup.open()) {
            assertThat(readAfterOthers(rig)).isEqualTo(newThenOld(1024));
        }
    }
}
