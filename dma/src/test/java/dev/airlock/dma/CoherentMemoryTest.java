package dev.airlock.dma;

import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaMapper.MAPPING_ERROR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that both sides see all the time. */
class CoherentMemoryTest {
    private static final int PAGE = 4096;

    private final TestGuest guest = TestGuest.isolated(2 * TestGuest.MIB, 2 * TestGuest.MIB);
    private final SwiotlbOptions options = SwiotlbOptions.DEFAULTS.withPoolBytes(TestGuest.MIB);

    @AfterEach
    void shouldReturnAllPages() {
        assertThat(guest.memory.visiblePages().usedPages()).isZero();
        guest.close();
    }

    @Test
    void shouldBeVisibleZeroedAndNeedNoBounce() {
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, options, DmaLimits.STORVSC)) {
            List<Long> dirtied = new ArrayList<>();
            long gpa;
            while ((gpa = mapper.allocateCoherent(3 * PAGE)) != MAPPING_ERROR) {
                guest.fill(gpa, 3 * PAGE, 0xFF);
                dirtied.add(gpa);
            }
            assertThat(dirtied).hasSize(TestGuest.MIB / (3 * PAGE));
            dirtied.forEach(each -> mapper.freeCoherent(each, 3 * PAGE));

            long ring = mapper.allocateCoherent(5 * PAGE - 100);
            assertThat(guest.memory.isVisible(ring, 5 * PAGE)).isTrue();
            assertThat(guest.isFilled(ring, 5 * PAGE, 0)).isTrue();
            assertThat(ring & PAGE - 1).isZero();
            long dma = mapper.mapSingle(ring + 10, 100, BIDIRECTIONAL, DmaAttributes.NONE);
            assertThat(dma).isEqualTo(ring + 10);
            mapper.unmapSingle(dma, 100, BIDIRECTIONAL, DmaAttributes.NONE);
            mapper.freeCoherent(ring, 5 * PAGE - 100);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldComeInWholeGuestPages(int pageBytes) {
        DmaLimits limits = DmaLimits.STORVSC.withGuestPageBytes(pageBytes);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, options, limits)) {
            int before = guest.memory.visiblePages().usedPages();
            long gpa = mapper.allocateCoherent(1);
            assertThat(gpa % pageBytes).isZero();
            assertThat(guest.memory.visiblePages().usedPages() - before)
                    .isEqualTo(pageBytes / PAGE);
            mapper.freeCoherent(gpa, 1);
        }
    }

    @Test
    void shouldNotBeGivenBeyondTheMask() {
        try (TestGuest shared = TestGuest.shared(2 * TestGuest.MIB)) {
            DmaMapper mapper =
                    new DirectMapper(shared.memory, DmaLimits.STORVSC.withDmaMask(0xFFFF));
            long gpa = mapper.allocateCoherent(8 * PAGE);
            assertThat(gpa).isBetween(0L, 0x8000L);
            assertThat(mapper.allocateCoherent(16 * PAGE)).isEqualTo(MAPPING_ERROR);
            mapper.freeCoherent(gpa, 8 * PAGE);
            assertThat(shared.memory.visiblePages().usedPages()).isZero();
        }
    }

    @Test
    void shouldRefuseSenselessSizesAndWrongFrees() {
        DmaMapper mapper = new DirectMapper(guest.memory, DmaLimits.STORVSC);
        assertThatThrownBy(() -> mapper.allocateCoherent(0)).hasMessageContaining("bytes=0");
        assertThatThrownBy(() -> mapper.allocateCoherent(-1)).hasMessageContaining("bytes=-1");
        long gpa = mapper.allocateCoherent(2 * PAGE);
        assertThatThrownBy(() -> mapper.freeCoherent(gpa, PAGE))
                .isInstanceOf(IllegalStateException.class);
        mapper.freeCoherent(gpa, 2 * PAGE);
        assertThatThrownBy(() -> mapper.freeCoherent(gpa, 2 * PAGE))
                .isInstanceOf(IllegalStateException.class);
    }
}
