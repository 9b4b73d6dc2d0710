package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Guest pages of 4, 16 and 64 KiB over Hyper-V pages of 4 KiB. */
class GuestPageTest {
    private static final int HV_PAGE = 4096;

    private final TestGuest guest = TestGuest.isolated(8 * TestGuest.MIB, 8 * TestGuest.MIB);
    private final long gpa = guest.allocate(512 << 10, 0);

    @AfterEach
    void closeGuest() {
        guest.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldMapAnyPartOfAGuestPage(int pageBytes) {
        DmaLimits limits = DmaLimits.STORVSC.withGuestPageBytes(pageBytes);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, TestGuest.SMALL, limits)) {
            for (int offset = 0; offset < pageBytes; offset += 509) {
                int bytes = Math.min(pageBytes - offset, 5000);
                guest.fill(gpa + offset, bytes, offset);
                long dma = mapper.mapPage(gpa, offset, bytes, FROM_DEVICE, NONE);
                assertThat(dma & HV_PAGE - 1).as("in the Hyper-V page").isEqualTo(offset & 4095);
                assertThat(guest.isFilled(dma, bytes, offset)).isTrue();
                guest.fill(dma, bytes, offset + 1);
                mapper.unmapPage(dma, bytes, FROM_DEVICE, NONE);
                assertThat(guest.isFilled(gpa + offset, bytes, offset + 1)).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldKeepTheOffsetInTheGuestPageWhenTheMaskSaysSo(int pageBytes) {
        DmaLimits limits =
                DmaLimits.STORVSC.withGuestPageBytes(pageBytes).withMinAlignMask(pageBytes - 1);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, TestGuest.SMALL, limits)) {
            for (int offset = 0; offset < pageBytes; offset += 1021) {
                long dma = mapper.mapPage(gpa + pageBytes, offset, pageBytes, TO_DEVICE, NONE);
                assertThat(dma & pageBytes - 1).isEqualTo(offset);
                mapper.unmapPage(dma, pageBytes, TO_DEVICE, NONE);
            }
            assertThat(mapper.maxMappingBytes()).isEqualTo((256 << 10) - pageBytes);
        }
    }

    /** What storvsc does with a list: its DMA ranges are walked a Hyper-V page at a time. */
    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldMapEntriesOfGuestPagesSoThatOneRangeOfPfnsCoversThem(int pageBytes) {
        DmaLimits limits = DmaLimits.STORVSC.withGuestPageBytes(pageBytes);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, TestGuest.SMALL, limits)) {
            Scatterlist list = new Scatterlist(3);
            list.add(gpa + pageBytes - 1536, 1536);
            list.add(gpa + 3L * pageBytes, pageBytes);
            list.add(gpa + 5L * pageBytes, 512);
            assertThat(mapper.mapSg(list, TO_DEVICE, NONE)).isEqualTo(3);
            assertThat(list.dmaAddress(0) + list.dmaBytes(0) & 4095).as("no gap").isZero();
            assertThat(list.dmaAddress(1) & 4095).isZero();
            assertThat(list.dmaBytes(1)).isEqualTo(pageBytes);
            assertThat(list.dmaAddress(2) & 4095).isZero();
            mapper.unmapSg(list, TO_DEVICE, NONE);
        }
    }

    /** Visibility is a property of a Hyper-V page, also inside a larger guest page. */
    @ParameterizedTest
    @ValueSource(ints = {16384, 65536})
    void shouldMapDirectlyWhatIsVisibleOfAGuestPage(int pageBytes) {
        long privateBytes = 1 << 20;
        try (TestGuest mixed = TestGuest.isolated(privateBytes + HV_PAGE, 4 * TestGuest.MIB)) {
            DmaLimits limits = DmaLimits.STORVSC.withGuestPageBytes(pageBytes);
            SwiotlbOptions options = SwiotlbOptions.DEFAULTS.withPoolBytes(TestGuest.MIB);
            try (DmaMapper mapper = DmaMapper.forGuest(mixed.memory, options, limits)) {
                long direct = mapper.mapPage(privateBytes, HV_PAGE, HV_PAGE, TO_DEVICE, NONE);
                assertThat(direct).isEqualTo(privateBytes + HV_PAGE);
                long bounced = mapper.mapPage(privateBytes, HV_PAGE - 1, 2, TO_DEVICE, NONE);
                assertThat(mapper.isBounced(bounced)).isTrue();
                mapper.unmapPage(bounced, 2, TO_DEVICE, NONE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 16384, 65536})
    void shouldRefuseWhatIsNotAPageOrNotInIt(int pageBytes) {
        DmaLimits limits = DmaLimits.STORVSC.withGuestPageBytes(pageBytes);
        try (DmaMapper mapper = DmaMapper.forGuest(guest.memory, TestGuest.SMALL, limits)) {
            assertThatThrownBy(() -> mapper.mapPage(gpa + 2048, 0, 1, TO_DEVICE, NONE))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> mapper.mapPage(gpa, pageBytes, 1, TO_DEVICE, NONE))
                    .hasMessageContaining("guestPageBytes=" + pageBytes);
            assertThatThrownBy(() -> mapper.mapPage(gpa, -1, 1, TO_DEVICE, NONE))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
