package dev.airlock.vmm.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.Mapping;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.SharedRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MachineMemoryTest {
    private static final int BOUNDARY = 38;
    private static final long SHARED_ALIAS = 1L << BOUNDARY;
    private static final long BYTES = 64L << 20;

    private final MachineMemory memory;
    private final List<String> told = new ArrayList<>();

    MachineMemoryTest() throws IOException {
        memory = MachineMemory.unattached(BYTES, BOUNDARY);
        memory.attach(
                (gpa, bytes, shown) -> told.add(gpa + "+" + bytes + (shown ? " on" : " off")));
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void shouldCarryContentsBothWaysAndLeaveNothingBehind() throws IOException {
        put(0x5000, 42);
        try (Mapping host = hostView()) {
            assertThat(host.segment().get(JAVA_LONG, 0x5000)).isZero();

            assertThat(memory.setVisible(5, 1, true)).isTrue();
            assertThat(host.segment().get(JAVA_LONG, 0x5000)).isEqualTo(42);
            assertThat(get(SHARED_ALIAS | 0x5000)).isEqualTo(42);

            host.segment().set(JAVA_LONG, 0x5008, 43);
            assertThat(memory.setVisible(5, 1, false)).isTrue();
            assertThat(host.segment().get(JAVA_LONG, 0x5000)).isZero();
            assertThat(host.segment().get(JAVA_LONG, 0x5008)).isZero();
            assertThat(get(0x5000)).isEqualTo(42);
            assertThat(get(0x5008)).isEqualTo(43);
        }
    }

    @Test
    void shouldNotTakeOverWhatAHostWroteAfterThePageWasTakenBack() throws IOException {
        put(0x5000, 42);
        memory.setVisible(5, 1, true);
        memory.setVisible(5, 1, false);
        try (Mapping host = hostView()) {
            host.segment().set(JAVA_LONG, 0x5010, 666);
            memory.setVisible(5, 1, true);
            assertThat(get(0x5010)).isZero();
            assertThat(get(0x5000)).isEqualTo(42);
        }
    }

    @Test
    void shouldSeeWhatAHostTouchedThatWasNotVisible() throws IOException {
        memory.setVisible(5, 3, true);
        try (Mapping host = hostView()) {
            host.segment().set(JAVA_LONG, 0x5000, 1);
            host.segment().set(JAVA_LONG, 0x7000, 1);
            assertThat(memory.strayPages()).isZero();
            memory.setVisible(7, 1, false);
            assertThat(memory.strayPages()).isZero();

            host.segment().set(JAVA_LONG, 0x7000, 666);
            assertThat(host.segment().get(JAVA_LONG, 0x20_0000)).isZero();
            assertThat(memory.strayPages()).isEqualTo(2);

            memory.setVisible(7, 1, true);
            assertThat(memory.strayPages()).isEqualTo(2);
        }
    }

    @Test
    void shouldTellTheLongestVisibleRun() throws IOException {
        assertThat(memory.longestVisibleRun()).isZero();
        memory.setVisible(3, 10, true);
        memory.setVisible(20, 4, true);
        assertThat(memory.longestVisibleRun()).isEqualTo(10);
        memory.setVisible(8, 1, false);
        assertThat(memory.longestVisibleRun()).isEqualTo(5);
    }

    @Test
    void shouldHoldAPrivatePageByItsPlainAliasOnlyAndAVisibleOneByBoth() throws IOException {
        assertThat(memory.base(SHARED_ALIAS | 0x5000)).isNull();
        assertThat(memory.base(0x5000)).isNotNull();
        memory.setVisible(5, 1, true);
        assertThat(memory.base(0x5000)).isSameAs(memory.base(SHARED_ALIAS | 0x5000));
    }

    @Test
    void shouldTellTheHostOfChangesOnlyAndAtOnce() throws IOException {
        memory.setVisible(10, 10, true);
        memory.setVisible(12, 4, true);
        memory.setVisible(15, 10, true);
        memory.setVisible(0, 12, false);
        assertThat(told).containsExactly("40960+40960 on", "81920+20480 on", "40960+8192 off");
        assertThat(memory.visibility()).isEqualTo(new VisibilityCounts(13, 15, 15, 2));
        told.clear();
        memory.attach((gpa, bytes, shown) -> told.add(gpa + "+" + bytes));
        assertThat(told).containsExactly("49152+53248");
    }

    @Test
    void shouldRefuseWhatIsNotMemory() throws IOException {
        long pages = BYTES >>> HvPage.SHIFT;
        assertThat(memory.setVisible(pages, 1, true)).isFalse();
        assertThat(memory.setVisible(pages - 1, 2, true)).isFalse();
        assertThat(memory.setVisible(-1, 1, true)).isFalse();
        assertThat(memory.setVisible(0, 0, true)).isFalse();
        assertThat(memory.setVisible(0, Long.MAX_VALUE, true)).isFalse();
        assertThat(memory.setVisible(Long.MAX_VALUE, 1, true)).isFalse();
        assertThat(memory.base(BYTES)).isNull();
        assertThat(memory.read(BYTES - 4, 8)).isNull();
        assertThat(memory.read(0xFFC, 8)).isNull();
        assertThatThrownBy(() -> memory.slice(BYTES - 4096, 8192))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(told).isEmpty();
    }

    @Test
    void shouldRefusePagesThatAreTooScattered() throws IOException {
        int shown = 0;
        for (long pfn = 0; pfn < 2L * MachineMemory.RUNS_MAX + 10 && pfn < BYTES >>> 12; pfn += 2) {
            shown += memory.setVisible(pfn, 1, true) ? 1 : 0;
        }
        assertThat(shown)
                .isEqualTo((int) Math.min(MachineMemory.RUNS_MAX, BYTES >>> HvPage.SHIFT + 1));
    }

    @Test
    void shouldBehaveAsAnArrayOfPagesUnderAnyChanges() throws IOException {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        Random random = new Random(seed);
        int pages = 64;
        boolean[] visible = new boolean[pages];
        long[] content = new long[pages];
        try (Mapping host = hostView()) {
            for (int step = 0; step < 3_000; step++) {
                int first = random.nextInt(pages);
                int count = 1 + random.nextInt(pages - first);
                if (random.nextBoolean()) {
                    boolean show = random.nextBoolean();
                    assertThat(memory.setVisible(first, count, show)).isTrue();
                    java.util.Arrays.fill(visible, first, first + count, show);
                } else {
                    content[first] = random.nextLong();
                    put((long) first << 12 | (visible[first] ? SHARED_ALIAS : 0), content[first]);
                }
                int checked = random.nextInt(pages);
                assertThat(get((long) checked << 12))
                        .as("seed=%d step=%d page=%d", seed, step, checked)
                        .isEqualTo(content[checked]);
                assertThat(host.segment().get(JAVA_LONG, (long) checked << 12))
                        .as("host: seed=%d step=%d page=%d", seed, step, checked)
                        .isEqualTo(visible[checked] ? content[checked] : 0);
            }
        }
    }

    @Test
    void shouldPutWhatDoesNotFitBelowTheHoleAboveIt() throws IOException {
        try (MachineMemory large = MachineMemory.unattached(5L << 30, BOUNDARY)) {
            assertThat(large.base(3L << 30)).isNull();
            assertThat(large.offset(4L << 30)).isEqualTo(3L << 30);
            assertThat(large.base((6L << 30) - 8)).isNotNull();
            assertThat(large.base(6L << 30)).isNull();
            large.attach((gpa, bytes, shown) -> told.add(gpa + "+" + bytes));
            large.setVisible(4L << 18, 2, true);
            assertThat(told).containsExactly((4L << 30) + "+8192");
            List<SharedRegion> regions = large.regions();
            assertThat(regions).extracting(SharedRegion::gpa).containsExactly(0L, 4L << 30);
            assertThat(regions).extracting(SharedRegion::offset).containsExactly(0L, 3L << 30);
        }
    }

    @Test
    void shouldHaveOneBackingWhereNothingIsPrivate() throws IOException {
        try (MachineMemory open = MachineMemory.unattached(BYTES, MachineMemory.NO_BOUNDARY)) {
            assertThat(open.isIsolated()).isFalse();
            assertThat(open.setVisible(5, 1, true)).isFalse();
            assertThat(open.base(SHARED_ALIAS)).isNull();
            assertThat(open.visibility().now()).isEqualTo(BYTES >>> HvPage.SHIFT);
        }
    }

    private Mapping hostView() throws IOException {
        return Mapping.shared(memory.regions().getFirst().memfd(), 0, BYTES);
    }

    private void put(long gpa, long value) {
        Objects.requireNonNull(memory.base(gpa)).set(JAVA_LONG, memory.offset(gpa), value);
    }

    private long get(long gpa) {
        MemorySegment base = Objects.requireNonNull(memory.base(gpa));
        return base.get(JAVA_LONG, memory.offset(gpa));
    }
}
