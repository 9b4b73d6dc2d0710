package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ScatterlistTest {
    private final Scatterlist list = new Scatterlist(2);

    @Test
    void shouldHoldEntriesInOrderUntilFull() {
        assertThat(list.add(0x5000, 512)).isTrue();
        assertThat(list.add(0x1000, Integer.MAX_VALUE)).isTrue();
        assertThat(list.add(0x9000, 1)).isFalse();

        assertThat(list.entries()).isEqualTo(2);
        assertThat(list.gpa(0)).isEqualTo(0x5000);
        assertThat(list.bytes(0)).isEqualTo(512);
        assertThat(list.gpa(1)).isEqualTo(0x1000);
        assertThat(list.totalBytes()).isEqualTo(512L + Integer.MAX_VALUE);
    }

    @Test
    void shouldBeReusableAfterClear() {
        list.add(0x5000, 512);
        list.clear();
        assertThat(list.entries()).isZero();
        assertThat(list.totalBytes()).isZero();
        assertThat(list.add(0x6000, 8)).isTrue();
        assertThat(list.gpa(0)).isEqualTo(0x6000);
    }

    @Test
    void shouldRefuseEntriesOfAnEarlierUse() {
        list.add(0x5000, 512);
        list.clear();
        assertThatThrownBy(() -> list.gpa(0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> list.dmaAddress(0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> list.bytes(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shouldRefuseEmptyAndNegativeRanges() {
        assertThatThrownBy(() -> list.add(0x5000, 0)).hasMessageContaining("bytes=0");
        assertThatThrownBy(() -> list.add(-4096, 1)).hasMessageContaining("gpa=0x");
        assertThatThrownBy(() -> new Scatterlist(0)).hasMessageContaining("capacity=0");
    }

    @Test
    void shouldBeFrozenWhileMapped() {
        list.add(0x5000, 512);
        list.appendDma(0x5000, 512);
        assertThat(list.isMapped()).isTrue();
        assertThatThrownBy(list::clear).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> list.add(0x7000, 1)).isInstanceOf(IllegalStateException.class);
        list.clearDma();
        assertThat(list.isMapped()).isFalse();
        list.clear();
    }
}
