package dev.airlock.lab.workload;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class AreaTest {
    private static final int SECTOR = 512;
    private final MemorySegment memory = Arena.ofAuto().allocate(8 * SECTOR + 16);

    private Area area(Baseline baseline) {
        return new Area(baseline, 42, 1000, 8, SECTOR);
    }

    @Test
    void shouldAcceptWhatWasWritten() {
        Area area = area(Baseline.ZEROES);
        area.prepareWrite(2, 4, memory, 3);
        assertThat(area.wrongBytes(2, 4, memory, 3)).isZero();
        assertThat(area.isWritten(2)).isTrue();
        assertThat(area.isWritten(6)).isFalse();
    }

    @Test
    void shouldCountEachWrongByteOfAWrittenSector() {
        Area area = area(Baseline.ZEROES);
        area.prepareWrite(0, 1, memory, 0);
        for (int at : new int[] {0, 7, 8, 511}) {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) ~memory.get(ValueLayout.JAVA_BYTE, at));
        }
        assertThat(area.wrongBytes(0, 1, memory, 0)).isEqualTo(4);
    }

    @Test
    void shouldTellAnOlderWriteAndANeighbourFromTheSector() {
        Area area = area(Baseline.ZEROES);
        area.prepareWrite(0, 2, memory, 0);
        MemorySegment old = Arena.ofAuto().allocate(SECTOR);
        old.copyFrom(memory.asSlice(0, SECTOR));
        assertThat(area.wrongBytes(1, 1, old, 0)).as("neighbour's data").isGreaterThan(SECTOR / 2);
        area.prepareWrite(0, 1, memory, 0);
        assertThat(area.wrongBytes(0, 1, old, 0)).as("stale data").isGreaterThan(SECTOR / 2);
    }

    @Test
    void shouldExpectZeroesAfterWriteZeroesAndOnANewDisk() {
        Area area = area(Baseline.ZEROES);
        memory.fill((byte) 0);
        assertThat(area.wrongBytes(0, 8, memory, 0)).isZero();
        area.prepareWrite(0, 1, memory, 0);
        area.zeroed(0, 1);
        assertThat(area.wrongBytes(0, 1, memory, 0)).isGreaterThan(SECTOR - 16);
        memory.fill((byte) 0);
        assertThat(area.wrongBytes(0, 1, memory, 0)).isZero();
        memory.set(ValueLayout.JAVA_BYTE, SECTOR + 5, (byte) 1);
        assertThat(area.wrongBytes(1, 1, memory, SECTOR)).as("untouched sector").isEqualTo(SECTOR);
    }

    @Test
    void shouldHoldUnknownContentsAgainstTheirFirstRead() {
        Area area = area(Baseline.FIRST_READ);
        memory.fill((byte) 7);
        assertThat(area.wrongBytes(0, 8, memory, 0)).isZero();
        memory.set(ValueLayout.JAVA_BYTE, 3 * SECTOR, (byte) 8);
        assertThat(area.wrongBytes(0, 8, memory, 0)).isEqualTo(SECTOR);
    }
}
