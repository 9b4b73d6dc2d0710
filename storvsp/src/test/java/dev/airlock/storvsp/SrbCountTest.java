package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.Disk;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.scsi.ScsiCommand;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SrbCountTest {
    private static final int READ = ScsiCommand.READ_10.opcode();
    private static final int WRITE = ScsiCommand.WRITE_10.opcode();

    @Test
    void shouldPutEachSizeIntoTheSmallestClassThatHoldsIt() {
        assertThat(SrbCount.classOf(0)).isZero();
        for (long bytes = 1; bytes < 1L << 33; bytes = bytes < 5000 ? bytes + 1 : bytes * 5 / 3) {
            SrbCount of = new SrbCount(0, SrbCount.classOf(bytes), 1);
            boolean isLast = of.sizeClass() == SrbCount.CLASSES - 1;
            assertThat(isLast || bytes <= of.bytesMax()).as("bytes=%d %s", bytes, of).isTrue();
            assertThat(bytes)
                    .as("bytes=%d %s", bytes, of)
                    .isGreaterThan(new SrbCount(0, of.sizeClass() - 1, 1).bytesMax());
        }
        assertThat(new SrbCount(0, SrbCount.classOf(4096), 1).bytesMax()).isEqualTo(4096);
        assertThat(SrbCount.classOf(0xFFFF_FFFFL)).isEqualTo(SrbCount.CLASSES - 1);
        assertThatThrownBy(() -> new SrbCount(256, 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SrbCount(0, SrbCount.CLASSES, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldCountWhatWasAskedForOnAllChannelsWhateverBecameOfIt() throws IOException {
        try (Disk disk = new MemoryDisk(1 << 20, 512, false);
                LoopbackGuest guest =
                        new LoopbackGuest(
                                new TestUnits(disk).device("g", StorvspOptions.defaults()))) {
            ScriptedGuest primary = guest.open();
            primary.negotiate();
            ScriptedGuest second = guest.open();
            long gpa = guest.allocate(64 << 10);
            transfer(primary, 0, true, gpa, 4096);
            transfer(primary, 0, false, gpa, 4096);
            transfer(second, 0, false, gpa, 2560);
            transfer(second, 0, false, gpa, 65536);
            // There is no such unit, and no such memory.
            transfer(primary, 5, false, gpa, 512);
            transfer(second, 0, false, 1L << 40, 512);

            List<SrbCount> expected =
                    List.of(
                            new SrbCount(READ, SrbCount.classOf(512), 2),
                            new SrbCount(READ, SrbCount.classOf(4096), 2),
                            new SrbCount(READ, SrbCount.classOf(65536), 1),
                            new SrbCount(WRITE, SrbCount.classOf(4096), 1));
            assertThat(guest.device().statistics().srbs()).isEqualTo(expected);
            guest.closeChannel(1);
            assertThat(guest.device().statistics().srbs()).isEqualTo(expected);
        }
    }

    private static void transfer(
            ScriptedGuest channel, int lun, boolean write, long gpa, int bytes) {
        channel.sendTransfer(1, lun, write, 0, gpa, bytes);
        channel.receive();
    }
}
