package dev.airlock.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.Fd;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Holds translation against a page-by-page model, on three regions of which two are neighbours. */
class HostMemoryModelTest {
    private final HostMemory host = new HostMemory(HostMemoryLimits.DEFAULT);

    @BeforeEach
    void share() throws IOException {
        try (Fd first = Memfd.create("first", 64 * HvPage.SIZE);
                Fd second = Memfd.create("second", 36 * HvPage.SIZE)) {
            host.addRegion(16 * HvPage.SIZE, 64 * HvPage.SIZE, first, 0);
            host.addRegion(80 * HvPage.SIZE, 16 * HvPage.SIZE, second, 20 * HvPage.SIZE);
            host.addRegion(120 * HvPage.SIZE, 20 * HvPage.SIZE, second, 0);
        }
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void shouldTranslateAnyRangeAsPageByPageLookupWould() throws IOException {
        IoVector wide = new IoVector(IoVector.USUAL_CAPACITY);
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 1500; round++) {
            String replay = "replay with -Dairlock.seed=" + seed + " round=" + round;
            long[] pfns = new long[1 + random.nextInt(20)];
            for (int i = 0; i < pfns.length; i++) {
                boolean jump = i == 0 || random.nextInt(4) == 0;
                pfns[i] =
                        jump
                                ? 16 + random.nextInt(random.nextInt(4) == 0 ? 130 : 60)
                                : pfns[i - 1] + 1;
            }
            int offset = random.nextInt(HvPage.SIZE);
            int most = pfns.length * HvPage.SIZE - offset;
            int bytes = Math.max(1, most - random.nextInt(HvPage.SIZE));
            boolean allVisible = Arrays.stream(pfns).allMatch(HostMemoryModelTest::isInARegion);
            boolean agree = HvPage.span(offset, bytes) == pfns.length;

            assertThat(
                            host.translate(
                                    HostMemoryTest.pfns(pfns), 0, pfns.length, offset, bytes, wide))
                    .as(replay)
                    .isEqualTo(allVisible && agree);
            assertThat(wide.totalBytes()).as(replay).isEqualTo(allVisible && agree ? bytes : 0);
            if (allVisible && agree) {
                assertPointsAt(wide, pfns, offset, replay);
            }
        }
    }

    private static boolean isInARegion(long pfn) {
        return pfn >= 16 && pfn < 96 || pfn >= 120 && pfn < 140;
    }

    /**
     * Each range must begin where a walk over the pages arrives: the same memory as one view of
     * those pages.
     */
    private void assertPointsAt(IoVector vector, long[] pfns, int offset, String replay)
            throws IOException {
        try (var view = new HostMemoryView(host, pfns)) {
            byte[] marks = new byte[(int) vector.totalBytes()];
            for (int i = 0; i < marks.length; i += 997) {
                marks[i] = (byte) (i / 997 + 1);
            }
            boolean aliased = Arrays.stream(pfns).distinct().count() != pfns.length;
            if (!aliased) {
                vector.copyFrom(0, MemorySegment.ofArray(marks), 0, marks.length);
                assertThat(view.bytes(offset, marks.length)).as(replay).isEqualTo(marks);
            }
        }
    }

    /** Pages one after the other, found one at a time. */
    private record HostMemoryView(List<Mapping> pages) implements AutoCloseable {
        HostMemoryView(HostMemory host, long[] pfns) throws IOException {
            this(new ArrayList<>());
            for (long pfn : pfns) {
                pages.add(host.mapPages(new long[] {pfn}));
            }
        }

        byte[] bytes(int from, int count) {
            byte[] all = new byte[pages.size() * HvPage.SIZE];
            for (int i = 0; i < pages.size(); i++) {
                MemorySegment.copy(
                        pages.get(i).segment(),
                        ValueLayout.JAVA_BYTE,
                        0,
                        all,
                        i * HvPage.SIZE,
                        HvPage.SIZE);
            }
            return Arrays.copyOfRange(all, from, from + count);
        }

        @Override
        public void close() {
            pages.forEach(Mapping::close);
        }
    }
}
