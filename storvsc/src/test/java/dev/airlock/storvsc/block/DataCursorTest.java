package dev.airlock.storvsc.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.DataDirection;
import dev.airlock.storvsc.ScsiRequest;
import dev.airlock.storvsc.Seed;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DataCursorTest {
    private final ScsiRequest command = new ScsiRequest(600);
    private final DataCursor cursor = new DataCursor();

    private int next(int maxBytes, int sectorBytes) {
        command.prepare(0, 0, 0, DataDirection.FROM_DEVICE);
        return cursor.next(maxBytes, sectorBytes, command);
    }

    private static Scatterlist list(long... gpasAndBytes) {
        Scatterlist list = new Scatterlist(Math.max(1, gpasAndBytes.length / 2));
        for (int i = 0; i < gpasAndBytes.length; i += 2) {
            list.add(gpasAndBytes[i], (int) gpasAndBytes[i + 1]);
        }
        return list;
    }

    @Test
    void shouldTakeAListWithoutGapsWhole() {
        cursor.start(list(0x1200, 0xE00, 0x8000, 0x1000, 0x4000, 0x200));
        assertThat(next(1 << 20, 512)).isEqualTo(0x2000);
        assertThat(next(1 << 20, 512)).isZero();
    }

    @Test
    void shouldCutAtTheLargestTransferAndGoOnInTheMiddleOfAnEntry() {
        cursor.start(list(0x1200, 0x10000));
        assertThat(next(0x6000, 512)).isEqualTo(0x6000);
        assertThat(next(0x6000, 512)).isEqualTo(0x6000);
        assertThat(next(0x6000, 512)).isEqualTo(0x4000);
        assertThat(next(0x6000, 512)).isZero();
    }

    @Test
    void shouldCutWhereTheNextEntryBeginsOffAPage() {
        cursor.start(list(0x1000, 0x1000, 0x5200, 0x400));
        assertThat(next(1 << 20, 512)).isEqualTo(0x1000);
        assertThat(next(1 << 20, 512)).isEqualTo(0x400);
    }

    @Test
    void shouldCutWhereAnEntryEndsOffAPage() {
        cursor.start(list(0x1000, 0x200, 0x5000, 0x400));
        assertThat(next(1 << 20, 512)).isEqualTo(0x200);
        assertThat(next(1 << 20, 512)).isEqualTo(0x400);
    }

    @Test
    void shouldJoinEntriesThatFollowEachOther() {
        cursor.start(list(0x1000, 0x200, 0x1200, 0x200, 0x1400, 0xC00, 0x2000, 0x100));
        assertThat(next(1 << 20, 256)).isEqualTo(0x1100);
        assertThat(command.dataBytes()).isEqualTo(0x1100);
    }

    @Test
    void shouldRefuseAGapInsideASector() {
        cursor.start(list(0x1000, 0x100, 0x5000, 0x300));
        assertThat(next(1 << 20, 512)).isEqualTo(DataCursor.UNCUTTABLE);
        cursor.start(list(0x1000, 0x300, 0x5000, 0x300));
        assertThat(next(1 << 20, 512)).isEqualTo(0x200);
        assertThat(next(1 << 20, 512)).isEqualTo(DataCursor.UNCUTTABLE);
    }

    @Test
    void shouldGoBackToBeforeTheLastPiece() {
        cursor.start(list(0x1000, 0x8000));
        assertThat(next(0x2000, 512)).isEqualTo(0x2000);
        assertThat(next(0x2000, 512)).isEqualTo(0x2000);
        cursor.rewind();
        assertThat(next(0x1000, 512)).isEqualTo(0x1000);
        assertThat(next(0x8000, 512)).isEqualTo(0x5000);
    }

    @Test
    void shouldCutAnyListIntoPiecesThatAreOneRangeAndLoseNothing() {
        Random random = new Random(Seed.get());
        for (int round = 0; round < 2_000; round++) {
            int entries = 1 + random.nextInt(12);
            Scatterlist list = new Scatterlist(entries);
            for (int i = 0; i < entries; i++) {
                long gpa = (1 + random.nextInt(64)) * 4096L + 512L * random.nextInt(8);
                list.add(gpa, 512 * (1 + random.nextInt(24)));
            }
            int most = 512 * (1 + random.nextInt(64));
            cursor.start(list);
            long at = 0;
            int bytes = next(most, 512);
            while (bytes > 0) {
                assertThat(bytes).isLessThanOrEqualTo(most);
                assertThat(bytes % 512).isZero();
                assertThat(command.dataBytes()).isEqualTo(bytes);
                for (int byteAt = 0; byteAt < bytes; byteAt += 512) {
                    assertThat(gpaOf(command.data(), byteAt)).isEqualTo(gpaOf(list, at + byteAt));
                }
                assertThat(dev.airlock.storvsc.GpaRangeLayout.isOneRange(command.data())).isTrue();
                at += bytes;
                bytes = next(most, 512);
            }
            assertThat(bytes).isZero();
            assertThat(at).isEqualTo(list.totalBytes());
        }
    }

    private static long gpaOf(Scatterlist list, long byteAt) {
        long left = byteAt;
        int entry = 0;
        while (left >= list.bytes(entry)) {
            left -= list.bytes(entry++);
        }
        return list.gpa(entry) + left;
    }
}
