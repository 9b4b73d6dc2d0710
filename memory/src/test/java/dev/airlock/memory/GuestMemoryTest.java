package dev.airlock.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class GuestMemoryTest {
    private static final long PAGE = HvPage.SIZE;

    @Test
    void shouldKeepPrivateMemoryOutOfEveryDescriptor() throws LinuxException {
        try (GuestMemory guest = GuestMemory.isolated(8 * PAGE, 4 * PAGE)) {
            assertThat(guest.isIsolated()).isTrue();
            assertThat(guest.privatePageCount()).isEqualTo(8);
            assertThat(guest.visiblePageCount()).isEqualTo(4);
            assertThat(guest.sharedRegions()).hasSize(1);
            SharedRegion region = guest.sharedRegions().getFirst();
            assertThat(region.gpa()).isEqualTo(8 * PAGE);
            assertThat(region.bytes()).isEqualTo(4 * PAGE);
            Memfd.requireSealed(region.memfd(), region.offset() + region.bytes());

            guest.bytes().asSlice(0, 8 * PAGE).fill((byte) 0xCA);
            guest.bytes().asSlice(8 * PAGE, 4 * PAGE).fill((byte) 0x11);
            try (Mapping host = Mapping.shared(region.memfd(), 0, 4 * PAGE)) {
                for (byte b : host.segment().toArray(JAVA_BYTE)) {
                    assertThat(b).isEqualTo((byte) 0x11);
                }
            }
        }
    }

    @Test
    void shouldTellVisibleFromPrivateRanges() throws LinuxException {
        try (GuestMemory guest = GuestMemory.isolated(8 * PAGE, 4 * PAGE)) {
            assertThat(guest.isVisible(8 * PAGE, 4 * PAGE)).isTrue();
            assertThat(guest.isVisible(12 * PAGE - 1, 1)).isTrue();
            assertThat(guest.isVisible(8 * PAGE - 1, 1)).isFalse();
            assertThat(guest.isVisible(8 * PAGE - 1, 2)).isFalse();
            assertThat(guest.isVisible(8 * PAGE, 4 * PAGE + 1)).isFalse();
            assertThat(guest.isVisible(12 * PAGE, 1)).isFalse();
            assertThat(guest.isVisible(8 * PAGE, 0)).isFalse();
            assertThat(guest.isVisible(-1, 1)).isFalse();
            assertThat(guest.isVisible(8 * PAGE, Long.MAX_VALUE)).isFalse();
        }
    }

    @Test
    void shouldAllocatePrivateAndVisiblePagesApart() throws LinuxException {
        try (GuestMemory guest = GuestMemory.isolated(8 * PAGE, 4 * PAGE)) {
            assertThat(guest.isVisible(guest.privatePages().allocate(7 * PAGE, PAGE), 7 * PAGE))
                    .isFalse();
            assertThat(guest.privatePages().allocate(1, 1)).isEqualTo(PageAllocator.NONE);
            assertThat(guest.isVisible(guest.visiblePages().allocate(4 * PAGE, PAGE), 4 * PAGE))
                    .isTrue();
        }
    }

    @Test
    void shouldShareAllMemoryOfAGuestThatIsNotIsolated() throws LinuxException {
        try (GuestMemory guest = GuestMemory.shared(8 * PAGE)) {
            assertThat(guest.isIsolated()).isFalse();
            assertThat(guest.privatePages()).isSameAs(guest.visiblePages());
            assertThat(guest.privatePageCount()).isZero();
            assertThat(guest.isVisible(0, 8 * PAGE)).isTrue();
            assertThat(guest.sharedRegions().getFirst().gpa()).isZero();
            assertThat(guest.privatePages().allocate(PAGE, PAGE)).isEqualTo(PAGE);
        }
    }

    @Test
    void shouldBeZeroedAndReadableToItsLastByte() throws LinuxException {
        try (GuestMemory guest = GuestMemory.isolated(4 * PAGE, 2 * PAGE)) {
            assertThat(guest.bytes().byteSize()).isEqualTo(6 * PAGE);
            for (long at = 0; at < 6 * PAGE; at += 8) {
                assertThat(guest.bytes().get(JAVA_LONG, at)).isZero();
            }
        }
    }

    @Test
    void shouldReleaseEverythingWhenClosed() throws IOException {
        GuestMemory guest = GuestMemory.isolated(8 * PAGE, 4 * PAGE);
        assertThat(Files.readString(Path.of("/proc/self/maps"))).contains("memfd:airlock-guest");
        guest.close();
        guest.close();
        assertThat(Files.readString(Path.of("/proc/self/maps")))
                .doesNotContain("memfd:airlock-guest");
        assertThat(guest.sharedRegions().getFirst().memfd().isOpen()).isFalse();
        assertThatThrownBy(() -> guest.bytes().get(JAVA_BYTE, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldRefuseSizesThatAreNotWholePages() {
        assertThatThrownBy(() -> GuestMemory.isolated(PAGE, PAGE))
                .hasMessageContaining("at least 2: privateBytes=4096");
        assertThatThrownBy(() -> GuestMemory.isolated(2 * PAGE, 0))
                .hasMessageContaining("at least 1: visibleBytes=0");
        assertThatThrownBy(() -> GuestMemory.isolated(2 * PAGE + 1, PAGE))
                .hasMessageContaining("privateBytes=8193");
        assertThatThrownBy(() -> GuestMemory.shared(-PAGE))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
