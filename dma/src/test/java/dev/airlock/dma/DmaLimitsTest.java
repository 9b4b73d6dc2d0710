package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DmaLimitsTest {
    @Test
    void shouldKeepOffsetsInHyperVPagesForStorvsc() {
        assertThat(DmaLimits.STORVSC.minAlignMask()).isEqualTo(4095);
        assertThat(DmaLimits.STORVSC.dmaMask()).isEqualTo(-1L);
    }

    @Test
    void shouldReachNoFurtherThanTheMask() {
        DmaLimits limits = DmaLimits.UNLIMITED.withDmaMask(DmaLimits.MASK_32_BIT);
        assertThat(limits.reaches(0xFFFF_F000L, 4096)).isTrue();
        assertThat(limits.reaches(0xFFFF_F000L, 4097)).isFalse();
        assertThat(limits.reaches(1L << 32, 1)).isFalse();
        assertThat(DmaLimits.UNLIMITED.reaches(1L << 52, 4096)).isTrue();
    }

    @Test
    void shouldNotReachAcrossASegmentBoundary() {
        DmaLimits limits = DmaLimits.UNLIMITED.withSegmentBoundaryMask(0xFFFF);
        assertThat(limits.reaches(0x1_0000, 0x1_0000)).isTrue();
        assertThat(limits.reaches(0x1_0001, 0x1_0000)).isFalse();
    }

    @Test
    void shouldNotReachMoreThanTheLargestSegment() {
        DmaLimits limits = DmaLimits.UNLIMITED.withMaxSegmentBytes(8192);
        assertThat(limits.reaches(0, 8192)).isTrue();
        assertThat(limits.reaches(0, 8193)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldTakeTheGuestPageSizesOfLinux(int bytes) {
        assertThatCode(() -> DmaLimits.STORVSC.withGuestPageBytes(bytes))
                .doesNotThrowAnyException();
    }

    @Test
    void shouldNameTheLimitThatIsWrong() {
        DmaLimits ok = DmaLimits.STORVSC;
        assertThatThrownBy(() -> ok.withDmaMask(0xF0)).hasMessageContaining("dmaMask=0xf0");
        assertThatThrownBy(() -> ok.withMinAlignMask(-1)).hasMessageContaining("minAlignMask");
        assertThatThrownBy(() -> ok.withMinAlignMask(1 << 20)).hasMessageContaining("minAlignMask");
        assertThatThrownBy(() -> ok.withAllocAlignMask(4096))
                .hasMessageContaining("allocAlignMask");
        assertThatThrownBy(() -> ok.withSegmentBoundaryMask(2047))
                .hasMessageContaining("segmentBoundaryMask=0x7ff must be at least 4095");
        assertThatThrownBy(() -> ok.withSegmentBoundaryMask(0x1_0000))
                .hasMessageContaining("segmentBoundaryMask");
        assertThatThrownBy(() -> ok.withMaxSegmentBytes(0)).hasMessageContaining("maxSegmentBytes");
        assertThatThrownBy(() -> ok.withGuestPageBytes(8192))
                .hasMessageContaining("guestPageBytes");
    }

    @Test
    void shouldTakeMasksThatAreNotContiguous() {
        assertThat(DmaLimits.STORVSC.withMinAlignMask(0xA05).minAlignMask()).isEqualTo(0xA05);
    }
}
