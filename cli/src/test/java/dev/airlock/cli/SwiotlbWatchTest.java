package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SwiotlbWatchTest {
    private final SwiotlbWatch watch = new SwiotlbWatch();

    @Test
    void shouldSayNothingWhereTheGuestSaysNothing() {
        watch.follow("[    0.000000] Linux version 6.1.0");
        watch.follow("software IO TLB: area num 4.");

        assertThat(watch.told()).isEmpty();
        assertThat(SwiotlbWatch.words(watch.told())).isEqualTo("the console tells nothing");
    }

    @Test
    void shouldReadTheKernelsLines() {
        watch.follow(
                "[    0.61] software IO TLB: mapped [mem 0x000000001b000000-0x000000001f000000] (64MB)");
        watch.follow(
                "hv_storvsc 0-1: swiotlb buffer is full (sz: 262144 bytes), total 32768 (slots), used 32700 (slots)");
        watch.follow(
                "hv_storvsc 0-1: swiotlb buffer is full (sz: 4096 bytes), total 32768 (slots), used 3 (slots)");

        assertThat(watch.told())
                .isEqualTo(
                        Map.of(
                                "mebibytes",
                                64L,
                                "slots",
                                32768L,
                                "used",
                                3L,
                                "usedMost",
                                32700L,
                                "full",
                                2L));
        assertThat(SwiotlbWatch.words(watch.told()))
                .isEqualTo(
                        "64 MiB, 32,768 slots, 3 in use, 32,700 at most of what it told, full 2 times");
    }

    @Test
    void shouldReadTheCountersOfDebugfs() {
        watch.follow("/sys/kernel/debug/swiotlb/io_tlb_nslabs:32768");
        watch.follow("/sys/kernel/debug/swiotlb/io_tlb_used:506");
        watch.follow("/sys/kernel/debug/swiotlb/io_tlb_used_hiwater:1024");
        watch.follow("airlock-demo: swiotlb/io_tlb_used:0 after it");

        assertThat(watch.told())
                .isEqualTo(Map.of("slots", 32768L, "used", 0L, "usedMost", 1024L, "full", 0L));
        watch.clear();
        assertThat(watch.told()).isEmpty();
    }

    @Test
    void shouldBearWhateverAGuestWrites() {
        watch.follow("swiotlb/io_tlb_used:99999999999999999999999999");
        watch.follow("software IO TLB: mapped [mem x] (99999999999999MB)");
        watch.follow("swiotlb buffer is full (sz: 1 bytes), total x (slots), used 1 (slots)");

        assertThat(watch.told()).isEmpty();
    }
}
