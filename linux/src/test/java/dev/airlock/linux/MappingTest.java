package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class MappingTest {
    private static final long PAGE = Mapping.PAGE_BYTES;

    @Test
    void shouldShareAMemfdBetweenTwoMappings() throws LinuxException {
        try (Fd memfd = Memfd.create("shared", 4 * PAGE);
                Mapping whole = Mapping.shared(memfd, 0, 4 * PAGE);
                Mapping part = Mapping.shared(memfd, PAGE, PAGE)) {
            memfd.close();
            whole.segment().set(JAVA_LONG, PAGE + 8, 42);
            assertThat(part.segment().get(JAVA_LONG, 8)).isEqualTo(42);
            assertThat(part.bytes()).isEqualTo(PAGE);
        }
    }

    @Test
    void shouldPlacePiecesInsideAReservation() throws LinuxException {
        try (Fd memfd = Memfd.create("pieces", 4 * PAGE);
                Mapping direct = Mapping.shared(memfd, 0, 4 * PAGE);
                Mapping reservation = Mapping.reserve(8 * PAGE)) {
            reservation.mapAnonymous(0, 2 * PAGE);
            reservation.mapShared(2 * PAGE, memfd, 3 * PAGE, PAGE);
            reservation.mapShared(3 * PAGE, memfd, 0, PAGE);
            direct.segment().set(JAVA_LONG, 3 * PAGE, 3);
            direct.segment().set(JAVA_LONG, 0, 7);

            assertThat(reservation.segment().get(JAVA_LONG, PAGE)).isZero();
            assertThat(reservation.segment().get(JAVA_LONG, 2 * PAGE)).isEqualTo(3);
            assertThat(reservation.segment().get(JAVA_LONG, 3 * PAGE)).isEqualTo(7);
        }
    }

    @Test
    void shouldLeavePrivateMemoryOutOfCoreDumps() throws IOException {
        try (Mapping mapping = Mapping.anonymous(64 * PAGE);
                Mapping reservation = Mapping.reserve(64 * PAGE)) {
            reservation.mapAnonymous(0, 32 * PAGE);
            assertThat(vmFlags(mapping.segment().address())).contains("dd");
            assertThat(vmFlags(reservation.segment().address())).contains("dd");
        }
    }

    @Test
    void shouldUnmapAndRefuseAccessAfterClose() throws IOException {
        // Found by its name, since the JVM may reuse the addresses at once.
        try (Fd memfd = Memfd.create("unmapped-by-close", PAGE)) {
            Mapping mapping = Mapping.shared(memfd, 0, PAGE);
            mapping.segment().set(JAVA_BYTE, 0, (byte) 1);
            assertThat(Files.readString(Path.of("/proc/self/maps"))).contains("unmapped-by-close");
            mapping.close();
            mapping.close();

            assertThat(mapping.isOpen()).isFalse();
            assertThat(Files.readString(Path.of("/proc/self/maps")))
                    .doesNotContain("unmapped-by-close");
            assertThatThrownBy(() -> mapping.segment().get(JAVA_BYTE, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void shouldRefusePlacesOutsideAReservation() throws LinuxException {
        try (Mapping reservation = Mapping.reserve(4 * PAGE);
                Mapping ordinary = Mapping.anonymous(4 * PAGE)) {
            assertRefused(() -> reservation.mapAnonymous(4 * PAGE, PAGE));
            assertRefused(() -> reservation.mapAnonymous(PAGE, 4 * PAGE));
            assertRefused(() -> reservation.mapAnonymous(0, 0));
            assertRefused(() -> reservation.mapAnonymous(-PAGE, PAGE));
            assertRefused(() -> reservation.mapAnonymous(PAGE, Long.MAX_VALUE & -PAGE));
            assertRefused(() -> reservation.mapAnonymous(1, PAGE));
            assertThatThrownBy(() -> ordinary.mapAnonymous(0, PAGE))
                    .isInstanceOf(IllegalStateException.class);
            reservation.close();
            assertThatThrownBy(() -> reservation.mapAnonymous(0, PAGE))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void shouldNameSizeAndErrnoWhenTheKernelRefuses() {
        assertThatThrownBy(() -> Mapping.reserve(1L << 50))
                .isInstanceOf(LinuxException.class)
                .hasMessage("mmap bytes=1125899906842624 offset=0 errno=12 ENOMEM");
        assertThatThrownBy(() -> Mapping.anonymous(0))
                .isInstanceOf(LinuxException.class)
                .hasMessageContaining("EINVAL");
    }

    private static void assertRefused(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }

    /** Flags of the area that begins at an address, from /proc/self/smaps. */
    private static List<String> vmFlags(long address) throws IOException {
        boolean inArea = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                String[] range = line.substring(0, line.indexOf(' ')).split("-");
                long from = Long.parseUnsignedLong(range[0], 16);
                inArea = from <= address && address < Long.parseUnsignedLong(range[1], 16);
            } else if (inArea && line.startsWith("VmFlags:")) {
                return List.of(line.substring(8).strip().split(" "));
            }
        }
        throw new AssertionError("nothing mapped at " + Long.toHexString(address));
    }
}
