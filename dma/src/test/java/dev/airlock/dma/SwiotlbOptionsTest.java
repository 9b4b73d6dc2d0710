package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SwiotlbOptionsTest {
    @Test
    void shouldDefaultToLinuxSizes() {
        SwiotlbOptions options = SwiotlbOptions.DEFAULTS;
        assertThat(options.slotBytes()).isEqualTo(2048);
        assertThat(options.segmentSlots()).isEqualTo(128);
        assertThat(options.segmentBytes()).isEqualTo(256 << 10);
        assertThat((long) options.slots() * options.slotBytes()).isEqualTo(64L << 20);
        assertThat(options.mode()).isEqualTo(SwiotlbMode.AUTO);
        assertThat(options.checked()).isFalse();
    }

    @Test
    void shouldCountPoolBytesInSlots() {
        SwiotlbOptions options =
                SwiotlbOptions.DEFAULTS.withPoolBytes(1 << 20).withGrowth(3 << 20, (1 << 20) + 1);
        assertThat(options.slots()).isEqualTo(512);
        assertThat(options.maxSlots()).isEqualTo(1536);
        assertThat(options.growthSlots()).isEqualTo(513);
    }

    @Test
    void shouldNameTheOptionThatIsWrong() {
        SwiotlbOptions ok = SwiotlbOptions.DEFAULTS;
        assertThatThrownBy(() -> ok.withSlots(3000, 128)).hasMessageContaining("slotBytes=3000");
        assertThatThrownBy(() -> ok.withSlots(256, 128)).hasMessageContaining("slotBytes=256");
        assertThatThrownBy(() -> ok.withSlots(2048, 256)).hasMessageContaining("segmentSlots=256");
        assertThatThrownBy(() -> ok.withSlots(2048, 1)).hasMessageContaining("segmentSlots=1");
        assertThatThrownBy(() -> ok.withPoolBytes(0)).hasMessageContaining("bytes=0");
        assertThatThrownBy(() -> ok.withPoolBytes(1L << 40)).hasMessageContaining("64 GiB");
        assertThatThrownBy(() -> ok.withAreas(-1)).hasMessageContaining("areas=-1");
        assertThatThrownBy(() -> ok.withAreas(1025)).hasMessageContaining("areas=1025");
    }
}
