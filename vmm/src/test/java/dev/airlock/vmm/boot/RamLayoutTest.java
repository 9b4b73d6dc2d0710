package dev.airlock.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.vmm.boot.MemoryRange.Type;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RamLayoutTest {

    private static final long GIB = 1L << 30;

    @Test
    void shouldKeepMemoryInOnePieceUpToTheHole() throws BootException {
        assertThat(RamLayout.of(3 * GIB)).isEqualTo(new RamLayout(3 * GIB, 0));
    }

    @Test
    void shouldGoOnAt4Gib() throws BootException {
        RamLayout layout = RamLayout.of(5 * GIB);

        assertThat(layout).isEqualTo(new RamLayout(3 * GIB, 2 * GIB));
        assertThat(layout.ramBytes()).isEqualTo(5 * GIB);
        assertThat(layout.e820().getLast()).isEqualTo(new MemoryRange(4 * GIB, 2 * GIB, Type.RAM));
    }

    @ParameterizedTest
    @ValueSource(longs = {64L << 20, 1 << 30, 3 * GIB, 7 * GIB})
    void shouldTellRangesInOrderWithoutOverlap(long bytes) throws BootException {
        List<MemoryRange> ranges = RamLayout.of(bytes).e820();

        for (int i = 1; i < ranges.size(); i++) {
            assertThat(ranges.get(i).gpa()).isGreaterThanOrEqualTo(ranges.get(i - 1).end());
        }
        long ram =
                ranges.stream()
                        .filter(range -> range.type() == Type.RAM)
                        .mapToLong(MemoryRange::bytes)
                        .sum();
        assertThat(ram).isEqualTo(bytes - 0x6_0000);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 62L << 20, (64L << 20) + 4096})
    void shouldRefuseAnOddSize(long bytes) {
        assertThatThrownBy(() -> RamLayout.of(bytes))
                .isInstanceOf(BootException.class)
                .hasMessageContaining("at least 64 MiB, and a multiple of 2 MiB");
    }
}
