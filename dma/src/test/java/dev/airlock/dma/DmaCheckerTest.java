package dev.airlock.dma;

import static dev.airlock.dma.DmaAttributes.NONE;
import static dev.airlock.dma.DmaAttributes.SKIP_CPU_SYNC;
import static dev.airlock.dma.DmaDirection.BIDIRECTIONAL;
import static dev.airlock.dma.DmaDirection.FROM_DEVICE;
import static dev.airlock.dma.DmaDirection.TO_DEVICE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.airlock.dma.DmaMisuse.Kind;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every misuse is reported with the place that mapped, and does no harm to the pool. */
class DmaCheckerTest {
    private static final int PAGE = 4096;

    private final TestGuest guest = TestGuest.isolated(4 * TestGuest.MIB, 8 * TestGuest.MIB);
    private final Swiotlb pool = new Swiotlb(guest.memory, TestGuest.SMALL);
    private final DmaChecker checker =
            new DmaChecker(new BounceMapper(guest.memory, pool, DmaLimits.STORVSC));
    private final long gpa = guest.allocate(64 << 10, 0);
    private final Scatterlist list = new Scatterlist(4);

    @AfterEach
    void shouldLeaveNoSlotInUse() {
        assertThat(pool.slotsUsed()).isZero();
        pool.close();
        guest.close();
    }

    @Test
    void shouldBeWhatTheOptionAsksFor() {
        try (DmaMapper mapper =
                DmaMapper.forGuest(
                        guest.memory,
                        SwiotlbOptions.DEFAULTS.withPoolBytes(1 << 20).withChecker(true),
                        DmaLimits.STORVSC)) {
            assertThat(mapper).isInstanceOf(DmaChecker.class);
            assertThat(mapper.limits()).isEqualTo(DmaLimits.STORVSC);
            assertThat(mapper.maxMappingBytes()).isEqualTo(258_048);
            assertThat(mapper.optimalMappingBytes()).isEqualTo(258_048);
        }
    }

    @Test
    void shouldPassCorrectUseThrough() {
        guest.fill(gpa, PAGE, 1);
        long dma = checker.mapSingle(gpa, PAGE, BIDIRECTIONAL, NONE);
        assertThat(checker.isBounced(dma)).isTrue();
        guest.fill(dma, PAGE, 2);
        checker.syncForCpu(dma, 100, 100, FROM_DEVICE);
        assertThat(guest.isFilled(gpa + 100, 100, 2)).isTrue();
        checker.syncForDevice(dma, 0, 50, BIDIRECTIONAL);
        assertThat(guest.isFilled(dma, 50, 1)).isTrue();
        checker.unmapSingle(dma, PAGE, BIDIRECTIONAL, NONE);

        list.add(gpa, PAGE);
        list.add(gpa + PAGE, 100);
        assertThat(checker.mapSg(list, TO_DEVICE, NONE)).isEqualTo(2);
        assertThat(checker.slotsHeld(list)).isEqualTo(3);
        checker.unmapSg(list, TO_DEVICE, NONE);
        long ring = checker.allocateCoherent(PAGE);
        checker.freeCoherent(ring, PAGE);
        checker.close();
        assertThat(checker.misuses()).isEmpty();
        assertThat(checker.statistics().bouncedMappings()).isEqualTo(3);
    }

    @Test
    void shouldReportALeakWithThePlaceThatMapped() {
        guest.fill(gpa, PAGE, 1);
        long dma = leakOne();
        guest.fill(dma, PAGE, 2);
        long ring = checker.allocateCoherent(3 * PAGE);
        DmaMisuseException thrown = misuse(checker::close);
        assertThat(thrown.misuses()).hasSize(2).allMatch(each -> each.kind() == Kind.LEAKED);
        assertThat(thrown)
                .hasMessageContaining("dma=0x%x bytes=4096 FROM_DEVICE".formatted(dma))
                .hasMessageContaining("DmaCheckerTest.leakOne(DmaCheckerTest.java:")
                .hasMessageContaining("dma=0x%x bytes=12288 coherent".formatted(ring));
        assertThat(guest.isFilled(gpa, PAGE, 1)).as("caller's memory untouched").isTrue();
        assertThat(guest.memory.visiblePages().usedPages()).isEqualTo(4 * TestGuest.MIB / PAGE);
    }

    @Test
    void shouldNotTakeAbandonedCoherentMemoryForALeak() {
        long ring = checker.allocateCoherent(2 * PAGE);
        checker.abandonCoherent(ring, 2 * PAGE);
        long used = guest.memory.visiblePages().usedPages();
        checker.close();
        assertThat(checker.misuses()).isEmpty();
        assertThat(used).as("not given back").isEqualTo(4 * TestGuest.MIB / PAGE + 2);
    }

    @Test
    void shouldReportADoubleUnmapAndNotPassItOn() {
        long dma = checker.mapSingle(gpa, PAGE, TO_DEVICE, NONE);
        checker.unmapSingle(dma, PAGE, TO_DEVICE, NONE);
        DmaMisuseException thrown = misuse(() -> checker.unmapSingle(dma, PAGE, TO_DEVICE, NONE));
        assertKind(thrown, Kind.DOUBLE_UNMAP);
        assertThat(thrown).hasMessageContaining("mapped at").hasMessageContaining("DmaCheckerTest");
        assertThat(thrown.getCause()).isSameAs(thrown.misuses().getFirst().mappedAt());
    }

    @Test
    void shouldReportAnUnmapOfWhatWasNeverMapped() {
        assertKind(
                misuse(() -> checker.unmapSingle(0x1234, PAGE, TO_DEVICE, NONE)), Kind.NOT_MAPPED);
        assertKind(misuse(() -> checker.freeCoherent(0x5000, PAGE)), Kind.NOT_MAPPED);
    }

    @Test
    void shouldReportAnotherSizeAndUnmapAsMapped() {
        long dma = checker.mapSingle(gpa, 3 * PAGE, TO_DEVICE, NONE);
        DmaMisuseException thrown = misuse(() -> checker.unmapSingle(dma, PAGE, TO_DEVICE, NONE));
        assertKind(thrown, Kind.SIZE_MISMATCH);
        assertThat(thrown).hasMessageContaining("unmapped as bytes=4096: dma=0x");
        assertThat(pool.slotsUsed()).isZero();
    }

    @Test
    void shouldReportAnotherDirectionAndUnmapAsMapped() {
        guest.fill(gpa, PAGE, 1);
        long dma = checker.mapSingle(gpa, PAGE, FROM_DEVICE, NONE);
        guest.fill(dma, PAGE, 2);
        assertKind(
                misuse(() -> checker.unmapSingle(dma, PAGE, TO_DEVICE, NONE)),
                Kind.DIRECTION_MISMATCH);
        assertThat(guest.isFilled(gpa, PAGE, 2)).as("copied back as mapped").isTrue();
    }

    @Test
    void shouldReportWrongUseOfLists() {
        list.add(gpa, PAGE);
        list.add(gpa + PAGE, PAGE);
        assertKind(misuse(() -> checker.unmapSg(list, TO_DEVICE, NONE)), Kind.NOT_MAPPED);
        checker.mapSg(list, TO_DEVICE, NONE);
        DmaMisuseException wrongWay = misuse(() -> checker.unmapSg(list, BIDIRECTIONAL, NONE));
        assertThat(wrongWay.misuses()).hasSize(2);
        assertKind(wrongWay, Kind.DIRECTION_MISMATCH);
        DmaMisuseException twice = misuse(() -> checker.unmapSg(list, TO_DEVICE, NONE));
        assertKind(twice, Kind.DOUBLE_UNMAP);
        assertThat(twice).hasMessageContaining("shouldReportWrongUseOfLists");
        assertThat(checker.misuses()).hasSize(4);
    }

    @Test
    void shouldReportSyncsThatAreNotOfTheMapping() {
        long dma = checker.mapSingle(gpa, PAGE, TO_DEVICE, NONE);
        assertKind(misuse(() -> checker.syncForDevice(dma, 1, PAGE, TO_DEVICE)), Kind.SYNC_OUTSIDE);
        assertKind(
                misuse(() -> checker.syncForCpu(dma, 0, 1, FROM_DEVICE)), Kind.DIRECTION_MISMATCH);
        checker.unmapSingle(dma, PAGE, TO_DEVICE, NONE);
        assertKind(misuse(() -> checker.syncForDevice(dma, 0, 1, TO_DEVICE)), Kind.NOT_MAPPED);
    }

    @Test
    void shouldReportCoherentMemoryThatIsUnmappedOrFreedWrongly() {
        long ring = checker.allocateCoherent(2 * PAGE);
        assertKind(misuse(() -> checker.freeCoherent(ring, PAGE)), Kind.SIZE_MISMATCH);
        long other = checker.allocateCoherent(PAGE);
        assertKind(
                misuse(() -> checker.unmapSingle(other, PAGE, TO_DEVICE, NONE)),
                Kind.DIRECTION_MISMATCH);
        assertThat(guest.memory.visiblePages().usedPages()).isEqualTo(4 * TestGuest.MIB / PAGE);
    }

    /** By identity one buffer may be mapped by two requests at once. */
    @Test
    void shouldTellSeveralMappingsOfOneAddressApart() {
        DmaChecker direct = new DmaChecker(new DirectMapper(guest.memory, DmaLimits.STORVSC));
        long visible = guest.allocateVisible(4 * PAGE);
        direct.mapSingle(visible, PAGE, TO_DEVICE, NONE);
        direct.mapSingle(visible, 2 * PAGE, FROM_DEVICE, NONE);
        direct.syncForCpu(visible + PAGE, 0, PAGE, FROM_DEVICE);
        direct.unmapSingle(visible, 2 * PAGE, FROM_DEVICE, SKIP_CPU_SYNC);
        direct.unmapSingle(visible, PAGE, TO_DEVICE, NONE);
        direct.close();
        assertThat(direct.misuses()).isEmpty();
    }

    @Test
    void shouldNotRecordWhatCouldNotBeMapped() {
        list.add(gpa, checker.maxMappingBytes() + 1);
        assertThat(checker.mapSg(list, TO_DEVICE, NONE)).isEqualTo(DmaMapper.TOO_LARGE);
        assertThat(checker.mapSingle(gpa, checker.maxMappingBytes() + 1, TO_DEVICE, NONE))
                .isEqualTo(DmaMapper.MAPPING_ERROR);
        checker.close();
        assertThatThrownBy(() -> checker.unmapSg(list, TO_DEVICE, NONE))
                .hasMessageContaining("never mapped");
    }

    private long leakOne() {
        return checker.mapSingle(gpa, PAGE, FROM_DEVICE, NONE);
    }

    private static DmaMisuseException misuse(ThrowingCallable call) {
        DmaMisuseException thrown = catchThrowableOfType(DmaMisuseException.class, call);
        assertThat(thrown).isNotNull();
        return thrown;
    }

    private static void assertKind(DmaMisuseException thrown, Kind kind) {
        assertThat(thrown.misuses()).extracting(DmaMisuse::kind).containsOnly(kind);
    }
}
