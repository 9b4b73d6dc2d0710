package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.DiskException.Kind;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What every disk does, whether it keeps data or not: sizes, ranges, refusals. */
@ParameterizedClass(name = "sector={0}")
@ValueSource(ints = {512, 4096})
abstract class DiskContract {
    /** A size that is no multiple of any larger block. */
    static final int SECTORS = 133;

    @Parameter int sectorBytes;

    private final List<AutoCloseable> opened = new ArrayList<>();

    /** A new disk that reads zeroes. The test closes it. */
    abstract Disk create(long bytes) throws Exception;

    /** The same kind of disk, for reading only. */
    abstract Disk createReadOnly(long bytes) throws Exception;

    final <T extends AutoCloseable> T closeLater(T resource) {
        opened.add(resource);
        return resource;
    }

    final Disk disk() throws Exception {
        return closeLater(create(size()));
    }

    final long size() {
        return (long) SECTORS * sectorBytes;
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable resource : opened.reversed()) {
            resource.close();
        }
    }

    @Test
    void shouldHaveTheSizeAndSectorAskedFor() throws Exception {
        Disk disk = disk();
        assertThat(disk.sizeBytes()).isEqualTo(size());
        assertThat(disk.sectorBytes()).isEqualTo(sectorBytes);
        assertThat(disk.physicalSectorBytes())
                .isGreaterThanOrEqualTo(sectorBytes)
                .matches(n -> Integer.bitCount(n) == 1);
        assertThat(disk.isReadOnly()).isFalse();
        assertThat(disk.toString()).startsWith("disk=");
    }

    @Test
    void shouldRefuseRangesThatDoNotLieWithinTheDisk() throws Exception {
        Disk disk = disk();
        Scatter two = Scatter.contiguous(2L * sectorBytes);
        long last = size() - sectorBytes;
        for (long offset :
                new long[] {
                    last, size(), size() + sectorBytes, -sectorBytes, Long.MAX_VALUE / 4096 * 4096
                }) {
            assertKind(Kind.OUT_OF_RANGE, () -> disk.read(offset, two.vector()));
            assertKind(Kind.OUT_OF_RANGE, () -> disk.tryRead(offset, two.vector()));
            assertKind(Kind.OUT_OF_RANGE, () -> disk.write(offset, two.vector(), true));
            assertKind(Kind.OUT_OF_RANGE, () -> disk.unmap(offset, 2L * sectorBytes));
            assertKind(Kind.OUT_OF_RANGE, () -> disk.writeZeroes(offset, 2L * sectorBytes, true));
            assertKind(
                    Kind.OUT_OF_RANGE,
                    () -> disk.extents(offset, 2L * sectorBytes, (o, b, a) -> true));
        }
        assertKind(Kind.OUT_OF_RANGE, () -> disk.unmap(0, -sectorBytes));
        assertKind(Kind.OUT_OF_RANGE, () -> disk.writeZeroes(0, Long.MIN_VALUE, false));
    }

    @Test
    void shouldThrowForPartsOfSectors() throws Exception {
        Disk disk = disk();
        Scatter part = Scatter.contiguous(sectorBytes / 2);
        Scatter whole = Scatter.contiguous(sectorBytes);
        assertThatThrownBy(() -> disk.read(0, part.vector()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> disk.read(1, whole.vector()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> disk.write(0, part.vector(), false))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> disk.unmap(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> disk.writeZeroes(sectorBytes / 2, sectorBytes, true))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldDoNothingForAnEmptyRange() throws Exception {
        Disk disk = disk();
        Scatter nothing = Scatter.contiguous(0);
        assertThat(disk.tryRead(0, nothing.vector())).isTrue();
        disk.read(size(), nothing.vector());
        disk.write(size(), nothing.vector(), true);
        disk.unmap(size(), 0);
        disk.writeZeroes(0, 0, false);
        disk.extents(
                0,
                0,
                (offset, bytes, allocated) -> {
                    throw new AssertionError("an extent of nothing");
                });
        assertKind(Kind.OUT_OF_RANGE, () -> disk.read(size() + sectorBytes, nothing.vector()));
    }

    @Test
    void shouldRefuseEveryChangeWhenReadOnly() throws Exception {
        Disk disk = closeLater(createReadOnly(size()));
        Scatter sector = Scatter.contiguous(sectorBytes);
        assertThat(disk.isReadOnly()).isTrue();
        assertKind(Kind.READ_ONLY, () -> disk.write(0, sector.vector(), false));
        assertKind(Kind.READ_ONLY, () -> disk.unmap(0, sectorBytes));
        assertKind(Kind.READ_ONLY, () -> disk.writeZeroes(0, sectorBytes, true));
        assertKind(Kind.READ_ONLY, () -> disk.resize(2 * size()));
        disk.flush();
        disk.read(0, sector.vector());
    }

    @Test
    void shouldThrowWhenUsedAfterClose() throws Exception {
        Disk disk = create(size());
        disk.close();
        disk.close();
        Scatter sector = Scatter.contiguous(sectorBytes);
        assertThatThrownBy(() -> disk.read(0, sector.vector()))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> disk.tryRead(0, sector.vector()))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> disk.write(0, sector.vector(), false))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(disk::flush).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldRefuseASizeThatIsNotANumberOfSectors() throws Exception {
        Disk disk = disk();
        assertKind(Kind.OUT_OF_RANGE, () -> disk.resize(size() + sectorBytes / 2));
        assertKind(Kind.OUT_OF_RANGE, () -> disk.resize(0));
        assertKind(Kind.OUT_OF_RANGE, () -> disk.resize(-sectorBytes));
        assertThat(disk.sizeBytes()).isEqualTo(size());
    }

    static void assertKind(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageStartingWith("disk=");
    }
}
