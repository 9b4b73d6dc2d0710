package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskLimits;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.ScsiCommand;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class OperationCodesTest {

    private static final int RCTD = 0x80;

    private final TestGuest guest = TestGuest.withBlocks(512, 1024);

    private byte[] report(int options, int opcode, int serviceAction) {
        byte[] data =
                guest.command(ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES, 0, 65535)
                        .bits(2, options)
                        .bits(3, opcode)
                        .bits(4, serviceAction >>> 8)
                        .bits(5, serviceAction & 0xFF)
                        .receive(65535);
        return data;
    }

    @Test
    void shouldListEveryCommandAndDescribeEachAsItIsListed() {
        for (int rctd : new int[] {0, RCTD}) {
            byte[] all = report(rctd, 0, 0);
            MemorySegment list = MemorySegment.ofArray(all);
            assertThat(BigEndian.u32(list, 0)).isEqualTo(all.length - 4);
            int commands = 0;
            int descriptorBytes = rctd == 0 ? 8 : 20;
            for (int at = 4; at < all.length; at += descriptorBytes) {
                int opcode = BigEndian.u8(list, at);
                int action = BigEndian.u16(list, at + 2);
                boolean has = (BigEndian.u8(list, at + 5) & 1) != 0;
                assertThat((BigEndian.u8(list, at + 5) & 2) != 0).isEqualTo(rctd != 0);
                assertThat(rctd == 0 ? 10 : BigEndian.u16(list, at + 8)).isEqualTo(10);
                assertThat(has || action == 0).isTrue();
                describeOne(opcode, action, has, BigEndian.u16(list, at + 6), rctd);
                commands++;
            }
            assertThat(commands).isEqualTo(SupportedCommands.inOrder().length).isEqualTo(30);
        }
    }

    private void describeOne(int opcode, int action, boolean has, int cdbBytes, int rctd) {
        report(1 | rctd, opcode, action);
        if (has) {
            guest.invalidField(2, 2);
        } else {
            guest.succeeded();
        }
        report(2 | rctd, opcode, action);
        if (has) {
            guest.succeeded();
        } else {
            guest.invalidField(2, 2);
        }
        MemorySegment one = MemorySegment.ofArray(report(3 | rctd, opcode, action));
        guest.succeeded();
        assertThat(one.byteSize()).isEqualTo(4 + cdbBytes + (rctd == 0 ? 0 : 12));
        assertThat(BigEndian.u8(one, 1)).isEqualTo(rctd == 0 ? 3 : 0x83);
        assertThat(BigEndian.u16(one, 2)).isEqualTo(cdbBytes);
        assertThat(BigEndian.u8(one, 4)).isEqualTo(opcode);
        if (has) {
            assertThat(BigEndian.u8(one, 5) & 0x1F).isEqualTo(action);
        }
    }

    @Test
    void shouldShowTheBitsThatItLooksAt() {
        assertThat(HexFormat.of().formatHex(report(1, 0x28, 0)))
                .isEqualTo("0003000a" + "2818ffffffff00ffff04");
        assertThat(HexFormat.of().formatHex(report(1, 0x08, 0)))
                .isEqualTo("00030006" + "081fffffff04");
        assertThat(HexFormat.of().formatHex(report(1, 0x2F, 0)))
                .isEqualTo("0003000a" + "2f16ffffffff00ffff04");
        assertThat(HexFormat.of().formatHex(report(2, 0x9E, 0x10)))
                .isEqualTo("00030010" + "9e100000000000000000ffffffff0004");
    }

    @Test
    void shouldSayWhatIsNotSupported() {
        assertThat(report(1, 0x04, 0)).containsExactly(0, 1, 0, 0);
        assertThat(report(2, 0x9E, 0x11)).containsExactly(0, 1, 0, 0);
        assertThat(report(2, 0x9E, 0x110)).containsExactly(0, 1, 0, 0);
        assertThat(report(3, 0x28, 1)).containsExactly(0, 1, 0, 0);
        assertThat(report(3, 0xC0, 0)).containsExactly(0, 1, 0, 0);
        for (int reserved = 4; reserved < 8; reserved++) {
            report(reserved, 0x28, 0);
            guest.invalidField(2, 2);
        }
        guest.disk.limits = new DiskLimits(0, 1, false, 1 << 20, true);
        TestGuest full = new TestGuest(guest.disk);
        assertThat(
                        full.command(ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES, 0, 100)
                                .bits(2, 1)
                                .bits(3, 0x42)
                                .receive(100))
                .containsExactly(0, 1, 0, 0);
    }
}
