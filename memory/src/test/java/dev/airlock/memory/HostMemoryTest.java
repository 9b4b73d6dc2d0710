package dev.airlock.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Memfd;
import dev.airlock.testkit.Allocation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostMemoryTest {
    private static final long PRIVATE_PAGES = 16;
    private static final long VISIBLE_PAGES = 64;
    private static final HostMemoryLimits LIMITS = new HostMemoryLimits(3, 100, 32, 8);

    @TempDir Path directory;

    private GuestMemory guest;
    private HostMemory host;
    private final IoVector out = new IoVector(64);

    HostMemoryTest() throws LinuxException {
        guest = GuestMemory.isolated(PRIVATE_PAGES * HvPage.SIZE, VISIBLE_PAGES * HvPage.SIZE);
        host = new HostMemory(LIMITS);
    }

    @BeforeEach
    void share() throws IOException {
        for (SharedRegion region : guest.sharedRegions()) {
            host.addRegion(region.gpa(), region.bytes(), region.memfd(), region.offset());
        }
    }

    @AfterEach
    void close() {
        host.close();
        guest.close();
    }

    @Test
    void shouldSeeTheVisiblePagesAndNoOthers() {
        assertThat(host.visiblePageCount()).isEqualTo(VISIBLE_PAGES);
        assertThat(host.isVisible(PRIVATE_PAGES)).isTrue();
        assertThat(host.isVisible(PRIVATE_PAGES + VISIBLE_PAGES - 1)).isTrue();
        assertThat(host.isVisible(PRIVATE_PAGES - 1)).isFalse();
        assertThat(host.isVisible(PRIVATE_PAGES + VISIBLE_PAGES)).isFalse();
        assertThat(host.isVisible(-1)).isFalse();
        assertThat(host.isVisible(Long.MIN_VALUE)).isFalse();
    }

    @Test
    void shouldTranslateToTheSameBytesTheGuestSees() {
        long gpa = 20 * HvPage.SIZE + 1536;
        guest.bytes().set(ValueLayout.JAVA_INT_UNALIGNED, gpa, 0x12345678);

        assertThat(translate(1536, 4, 20)).isTrue();
        assertThat(out.segment(0).get(ValueLayout.JAVA_INT_UNALIGNED, out.offset(0)))
                .isEqualTo(0x12345678);

        out.fill(0, 4, (byte) 0x55);
        assertThat(guest.bytes().get(ValueLayout.JAVA_INT_UNALIGNED, gpa)).isEqualTo(0x55555555);
    }

    @Test
    void shouldJoinNeighbouringPagesAndKeepOthersApart() {
        assertThat(translate(512, 3 * HvPage.SIZE, 20, 21, 40, 41)).isTrue();

        assertThat(out.count()).isEqualTo(2);
        assertThat(out.offset(0)).isEqualTo(4 * HvPage.SIZE + 512);
        assertThat(out.length(0)).isEqualTo(2 * HvPage.SIZE - 512);
        assertThat(out.offset(1)).isEqualTo(24 * HvPage.SIZE);
        assertThat(out.length(1)).isEqualTo(HvPage.SIZE + 512);
        assertThat(out.totalBytes()).isEqualTo(3 * HvPage.SIZE);
    }

    @Test
    void shouldRefuseARangeWithOnePageThatIsNotVisible() {
        assertThat(translate(0, 3 * HvPage.SIZE, 20, 21, PRIVATE_PAGES - 1)).isFalse();
        assertThat(out.count()).isZero();
        assertThat(translate(0, 2 * HvPage.SIZE, 79, 80)).isFalse();
        assertThat(translate(0, 1, -1)).isFalse();
        assertThat(translate(0, 1, Long.MIN_VALUE + 20)).isFalse();
        assertThat(translate(0, 1, (1L << 52) + 20)).isFalse();
    }

    @Test
    void shouldRefuseNumbersThatDoNotAgree() {
        assertThat(translate(0, HvPage.SIZE + 1, 20)).as("too few pages").isFalse();
        assertThat(translate(0, HvPage.SIZE, 20, 21)).as("too many pages").isFalse();
        assertThat(translate(1, HvPage.SIZE, 20)).as("offset needs one more").isFalse();
        assertThat(translate(HvPage.SIZE, 1, 20)).as("offset beyond the page").isFalse();
        assertThat(translate(-1, 1, 20)).as("negative offset").isFalse();
        assertThat(translate(0, -1, 20)).as("negative length").isFalse();
        assertThat(translate(4095, Integer.MAX_VALUE, 20)).as("huge length").isFalse();
        assertThat(host.translate(pfns(20), 8, 1, 0, 1, out)).as("beyond the packet").isFalse();
        assertThat(host.translate(pfns(20), -8, 1, 0, 1, out)).as("before the packet").isFalse();
        assertThat(host.translate(pfns(20), 0, -1, 0, 1, out)).as("negative pages").isFalse();
    }

    @Test
    void shouldTranslateAnEmptyRangeToNothing() {
        assertThat(host.translate(pfns(), 0, 0, 17, 0, out)).isTrue();
        assertThat(out.totalBytes()).isZero();
    }

    @Test
    void shouldRefuseARangeOfMoreRunsThanTheVectorHolds() {
        IoVector small = new IoVector(1);
        assertThat(host.translate(pfns(20, 30), 0, 2, 0, 2 * HvPage.SIZE, small)).isFalse();
        assertThat(small.count()).isZero();
    }

    @Test
    void shouldTranslateAcrossRegions() throws IOException {
        try (Fd more = Memfd.create("more", 8 * HvPage.SIZE)) {
            host.addRegion(
                    (PRIVATE_PAGES + VISIBLE_PAGES) * HvPage.SIZE,
                    4 * HvPage.SIZE,
                    more,
                    4 * HvPage.SIZE);
        }
        assertThat(translate(0, 4 * HvPage.SIZE, 79, 80, 20, 83)).isTrue();
        assertThat(out.count()).isEqualTo(4);
        assertThat(host.visiblePageCount()).isEqualTo(VISIBLE_PAGES + 4);
        assertThat(host.isVisible(84)).isFalse();
    }

    @Test
    void shouldMapScatteredPagesAsOnePiece() throws IOException {
        long[] pfns = {30, 31, 20, 79, 78, 30};
        try (var view = host.mapPages(pfns)) {
            for (int i = 0; i < pfns.length; i++) {
                guest.bytes().set(ValueLayout.JAVA_LONG, pfns[i] * HvPage.SIZE + 8, pfns[i]);
            }
            for (int i = 0; i < pfns.length; i++) {
                assertThat(view.segment().get(ValueLayout.JAVA_LONG, (long) i * HvPage.SIZE + 8))
                        .isEqualTo(pfns[i]);
            }
            host.close();
            assertThat(view.segment().get(ValueLayout.JAVA_LONG, 8)).isEqualTo(30);
        }
    }

    @Test
    void shouldRefuseViewsBeyondTheLimits() {
        assertRefused(() -> host.mapPages(new long[0]), "mappingPagesMax=32 pages=0");
        long[] many = new long[33];
        Arrays.setAll(many, i -> 20 + i);
        assertRefused(() -> host.mapPages(many), "mappingPagesMax=32 pages=33");
        long[] scattered = new long[9];
        Arrays.setAll(scattered, i -> 20 + 2L * i);
        assertRefused(() -> host.mapPages(scattered), "mappingRunsMax=8 runs=9");
        assertRefused(() -> host.mapPages(new long[] {20, 15}), "page is not visible: pfn=0xf");
    }

    @Test
    void shouldRefuseRegionsThatAreMalformedOrBeyondTheLimits() throws IOException {
        try (Fd fd = Memfd.create("region", 40 * HvPage.SIZE)) {
            assertRefused(() -> host.addRegion(1, HvPage.SIZE, fd, 0), "whole pages");
            assertRefused(() -> host.addRegion(0, 1, fd, 0), "whole pages");
            assertRefused(() -> host.addRegion(0, 0, fd, 0), "whole pages");
            assertRefused(() -> host.addRegion(0, HvPage.SIZE, fd, 1), "whole pages");
            assertRefused(() -> host.addRegion(-HvPage.SIZE, HvPage.SIZE, fd, 0), "whole pages");
            assertRefused(() -> host.addRegion(1L << 52, HvPage.SIZE, fd, 0), "address space");
            assertRefused(
                    () -> host.addRegion(0, HvPage.SIZE, fd, Long.MAX_VALUE & -HvPage.SIZE),
                    "address space");
            assertRefused(
                    () -> host.addRegion(15 * HvPage.SIZE, 2 * HvPage.SIZE, fd, 0), "overlaps");
            assertRefused(() -> host.addRegion(79 * HvPage.SIZE, HvPage.SIZE, fd, 0), "overlaps");
            assertRefused(
                    () -> host.addRegion(80 * HvPage.SIZE, 37 * HvPage.SIZE, fd, 0),
                    "pagesMax=100");
            assertRefused(
                    () -> host.addRegion(80 * HvPage.SIZE, 8 * HvPage.SIZE, fd, 33 * HvPage.SIZE),
                    "too small");

            host.addRegion(80 * HvPage.SIZE, HvPage.SIZE, fd, 0);
            host.addRegion(81 * HvPage.SIZE, HvPage.SIZE, fd, 0);
            assertRefused(
                    () -> host.addRegion(82 * HvPage.SIZE, HvPage.SIZE, fd, 0), "regionsMax=3");
        }
    }

    @Test
    void shouldRefuseARegionThatIsNoSealedMemfd() throws IOException {
        int flags = FileIo.O_RDWR | FileIo.O_CREAT;
        try (Fd file = FileIo.open(directory.resolve("file"), flags, 0600)) {
            FileIo.truncate(file, HvPage.SIZE);
            assertRefused(
                    () -> host.addRegion(0, HvPage.SIZE, file, 0), "not backed by a sealed memfd");
        }
        assertThat(host.isVisible(0)).isFalse();
    }

    @Test
    void shouldSeeOfAHiddenRegionOnlyWhatIsShown() throws IOException {
        long pfn = 1000;
        try (Fd memfd = Memfd.create("hidden", 16 * HvPage.SIZE)) {
            host.addRegion(pfn << HvPage.SHIFT, 16 * HvPage.SIZE, memfd, 0, false);
        }
        long before = host.visiblePageCount();
        assertThat(translate(pfn, 1)).isFalse();
        host.setVisible(pfn << HvPage.SHIFT, 3 * HvPage.SIZE, true);
        assertThat(host.visiblePageCount() - before).isEqualTo(3);
        assertThat(translate(pfn, 3)).isTrue();
        assertThat(translate(pfn, 4)).as("one page too many").isFalse();
        assertThat(translate(pfn + 2, 1)).isTrue();
        host.mapPages(new long[] {pfn, pfn + 2}).close();
        assertThatThrownBy(() -> host.mapPages(new long[] {pfn + 2, pfn + 3}))
                .isInstanceOf(MemoryRefusedException.class);

        host.setVisible(pfn + 1 << HvPage.SHIFT, HvPage.SIZE, false);
        assertThat(host.visiblePageCount() - before).isEqualTo(2);
        assertThat(host.isVisible(pfn + 1)).isFalse();
        assertThat(translate(pfn, 2)).isFalse();
        assertThat(translate(pfn, 1)).isTrue();
    }

    @Test
    void shouldLetVisibilityChangeOnlyWhereARegionWasHidden() throws IOException {
        try (Fd memfd = Memfd.create("hidden", 4 * HvPage.SIZE)) {
            host.addRegion(1000L << HvPage.SHIFT, 4 * HvPage.SIZE, memfd, 0, false);
        }
        refuses(() -> host.setVisible(PRIVATE_PAGES << HvPage.SHIFT, HvPage.SIZE, false));
        refuses(() -> host.setVisible(1000L << HvPage.SHIFT, 5 * HvPage.SIZE, true));
        refuses(() -> host.setVisible(1003L << HvPage.SHIFT, 2 * HvPage.SIZE, true));
        refuses(() -> host.setVisible(1004L << HvPage.SHIFT, HvPage.SIZE, true));
        refuses(() -> host.setVisible(1000L << HvPage.SHIFT, 100, true));
        refuses(() -> host.setVisible(1000L << HvPage.SHIFT, 0, true));
        refuses(() -> host.setVisible(-4096, HvPage.SIZE, true));
        assertThat(host.visiblePageCount()).isEqualTo(VISIBLE_PAGES);
    }

    private boolean translate(long pfn, int pages) {
        MemorySegment pfns = MemorySegment.ofArray(new byte[8 * pages]);
        for (int i = 0; i < pages; i++) {
            pfns.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i, pfn + i);
        }
        return host.translate(pfns, 0, pages, 0, pages * HvPage.SIZE, out);
    }

    private static void refuses(ThrowingCallable change) {
        assertThatThrownBy(change).isInstanceOf(MemoryRefusedException.class);
    }

    @Test
    void shouldKeepNoRegionAfterClose() {
        host.close();
        host.close();
        assertThat(host.isVisible(20)).isFalse();
        assertThat(host.visiblePageCount()).isZero();
        assertThat(translate(0, 1, 20)).isFalse();
    }

    @Test
    void shouldNotAllocateWhenTranslating() {
        long[] pages = new long[32];
        Arrays.setAll(pages, i -> i < 16 ? 20 + i : 60 - i);
        MemorySegment packet = pfns(pages);
        Allocation.assertNone(() -> {
            if (!host.translate(packet, 0, 32, 512, 31 * HvPage.SIZE, out) || out.count() != 17) {
                throw new AssertionError(out);
            }
            out.fill(0, 8192, (byte) 1);
        });
    }

    @Test
    void shouldTranslateWhileRegionsAreAdded() throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        var translated =
                CompletableFuture.supplyAsync(() -> {
                    IoVector mine = new IoVector(4);
                    MemorySegment packet = pfns(20, 80);
                    boolean seen = false;
                    while (!seen || !done.get()) {
                        boolean sees = host.translate(packet, 0, 2, 0, 2 * HvPage.SIZE, mine);
                        if (seen && !sees) {
                            return false;
                        }
                        seen = sees;
                    }
                    return true;
                });
        try (Fd more = Memfd.create("more", 2 * HvPage.SIZE)) {
            host.addRegion(80 * HvPage.SIZE, HvPage.SIZE, more, 0);
            host.addRegion(81 * HvPage.SIZE, HvPage.SIZE, more, HvPage.SIZE);
        }
        done.set(true);
        assertThat(translated.get(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void shouldLeaveNothingBehindWhenRefusedOrClosed() throws IOException {
        host.close();
        String before = traces();
        try (Fd fd = Memfd.create("leak", 4 * HvPage.SIZE);
                HostMemory other = new HostMemory(LIMITS)) {
            other.addRegion(0, 4 * HvPage.SIZE, fd, 0);
            other.mapPages(new long[] {3, 1, 2}).close();
            assertRefused(() -> other.addRegion(0, HvPage.SIZE, fd, 0), "overlaps");
            assertRefused(
                    () -> other.addRegion(4 * HvPage.SIZE, HvPage.SIZE, fd, 4 * HvPage.SIZE),
                    "too small");
        }
        assertThat(traces()).isEqualTo(before);
    }

    /** Memfds that are open or mapped. */
    private static String traces() throws IOException {
        StringBuilder found = new StringBuilder();
        try (var fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path fd : fds) {
                if (Files.exists(fd, LinkOption.NOFOLLOW_LINKS)) {
                    String target = Files.readSymbolicLink(fd).toString();
                    found.append(target.startsWith("/memfd:") ? target + "\n" : "");
                }
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            found.append(line.contains("/memfd:") ? line + "\n" : "");
        }
        return found.toString();
    }

    private boolean translate(int inPageOffset, int bytes, long... pfns) {
        return host.translate(pfns(pfns), 0, pfns.length, inPageOffset, bytes, out);
    }

    static MemorySegment pfns(long... pfns) {
        MemorySegment segment = Arena.ofAuto().allocate(8L * pfns.length + 1).asSlice(1);
        var layout = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < pfns.length; i++) {
            segment.set(layout, 8L * i, pfns[i]);
        }
        return segment;
    }

    private static void assertRefused(ThrowingCallable call, String why) {
        assertThatThrownBy(call)
                .isInstanceOf(MemoryRefusedException.class)
                .hasMessageContaining(why);
    }
}
