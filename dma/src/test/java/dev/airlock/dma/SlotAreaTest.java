package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One area against a model that tries every slot. */
class SlotAreaTest {
    private static final int FIRST_SLOT = 1 << 20;

    private record Run(int slot, int count) {}

    private final RandomGenerator random = Seeded.forTest("SlotAreaTest").random();

    @ParameterizedTest
    @CsvSource({"1,128", "9,128", "70,128", "3,64", "40,32", "5,2", "7,1"})
    void shouldFindARunExactlyWhenThereIsOne(int segments, int segmentSlots) {
        SlotArea area = new SlotArea(FIRST_SLOT, segments, segmentSlots);
        BitSet busy = new BitSet();
        List<Run> live = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            // Swings between nearly empty and full.
            boolean fill = round / 700 % 2 == 0;
            if (random.nextInt(10) < (fill ? 7 : 3)) {
                int most = random.nextInt(3) > 0 ? Math.min(4, segmentSlots) : segmentSlots;
                int wanted = 1 + random.nextInt(most);
                int mask = random.nextInt(random.nextInt(4) > 0 ? 2 : segmentSlots);
                mask &= segmentSlots - 1;
                int index = random.nextInt(segmentSlots);
                long low = SlotBits.aligned(index, mask, false);
                long high = SlotBits.aligned(index, mask, true);
                int slot = area.claim(wanted, low, high);
                assertThat(slot != SlotArea.NONE)
                        .as("round=%d wanted=%d mask=%x index=%d", round, wanted, mask, index)
                        .isEqualTo(fits(busy, segments, segmentSlots, wanted, mask, index));
                if (slot != SlotArea.NONE) {
                    int at = slot - FIRST_SLOT;
                    assertThat(at / segmentSlots).isEqualTo((at + wanted - 1) / segmentSlots);
                    assertThat((at ^ index) & mask).isZero();
                    assertThat(busy.get(at, at + wanted).isEmpty()).isTrue();
                    busy.set(at, at + wanted);
                    live.add(new Run(slot, wanted));
                }
            } else if (!live.isEmpty()) {
                Run run = live.remove(random.nextInt(live.size()));
                area.release(run.slot, run.count);
                busy.clear(run.slot - FIRST_SLOT, run.slot - FIRST_SLOT + run.count);
            }
            assertThat(area.used()).isEqualTo(busy.cardinality());
        }
        for (Run run : live) {
            area.release(run.slot, run.count);
        }
        assertThat(area.used()).isZero();
        for (int segment = 0; segment < segments; segment++) {
            assertThat(area.claim(segmentSlots, -1L, -1L)).isNotEqualTo(SlotArea.NONE);
        }
    }

    /**
     * 95 % full of single pages with the free pages scattered: what a search looks at must not grow
     * with the area.
     */
    @Test
    void shouldNotSearchLongerWhenNearlyFull() {
        int segments = 512;
        SlotArea area = new SlotArea(0, segments, 128);
        List<Integer> live = new ArrayList<>();
        int slot;
        while ((slot = area.claim(2, SlotBits.EVEN, SlotBits.EVEN)) != SlotArea.NONE) {
            live.add(slot);
        }
        assertThat(live).hasSize(segments * 64);
        for (int i = segments * 64 / 20; i > 0; i--) {
            area.release(live.remove(random.nextInt(live.size())), 2);
        }

        int rounds = 20_000;
        long before = area.segmentsSearched();
        for (int i = 0; i < rounds; i++) {
            int at = area.claim(2, SlotBits.EVEN, SlotBits.EVEN);
            assertThat(at).isNotEqualTo(SlotArea.NONE);
            live.add(at);
            area.release(live.remove(random.nextInt(live.size())), 2);
        }
        assertThat((double) (area.segmentsSearched() - before) / rounds).isLessThan(3);
    }

    /** Free odd slots everywhere, a page wanted: asked again, the search must not start afresh. */
    @Test
    void shouldRememberThatNothingFits() {
        int segments = 64;
        SlotArea area = new SlotArea(0, segments, 128);
        for (int slot = 0; slot < segments * 128; slot++) {
            assertThat(area.claim(1, -1L, -1L)).isNotEqualTo(SlotArea.NONE);
        }
        for (int slot = 1; slot < segments * 128; slot += 2) {
            area.release(slot, 1);
        }
        area.claim(1, SlotBits.EVEN, SlotBits.EVEN);
        long before = area.segmentsSearched();
        for (int i = 0; i < 100; i++) {
            assertThat(area.claim(1, SlotBits.EVEN, SlotBits.EVEN)).isEqualTo(SlotArea.NONE);
        }
        assertThat(area.segmentsSearched()).isEqualTo(before);
        assertThat(area.claim(1, SlotBits.ODD, SlotBits.ODD)).isEqualTo(1);
    }

    private static boolean fits(
            BitSet busy, int segments, int segmentSlots, int wanted, int mask, int index) {
        for (int slot = 0; slot < segments * segmentSlots; slot++) {
            boolean inside = slot / segmentSlots == (slot + wanted - 1) / segmentSlots;
            int nextBusy = busy.nextSetBit(slot);
            boolean allFree = nextBusy < 0 || nextBusy >= slot + wanted;
            if (inside && ((slot ^ index) & mask) == 0 && allFree) {
                return true;
            }
        }
        return false;
    }
}
