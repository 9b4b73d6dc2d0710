package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.DiskSpec.Source;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The grammar of a DISK argument; no file is opened. */
class DiskSpecTest {
    @Test
    void shouldTakeAPathAsAWritableRawDiskNamedAfterTheFile() throws Exception {
        DiskSpec spec = DiskSpec.parse("/images/debian.raw");
        assertThat(spec.source()).isEqualTo(Source.FILE);
        assertThat(spec.path()).isEqualTo(Path.of("/images/debian.raw"));
        assertThat(spec.name()).isEqualTo("debian.raw");
        assertThat(spec.sectorBytes()).isEqualTo(512);
        assertThat(spec.readOnly() || spec.direct() || spec.snapshot() || spec.shared()).isFalse();
    }

    @Test
    void shouldTakeEveryOption() throws Exception {
        DiskSpec spec = DiskSpec.parse("raw:a.img,ro,direct,sector=4096,shared,name=boot disk");
        assertThat(spec)
                .isEqualTo(
                        new DiskSpec(
                                Source.RAW_FILE,
                                "boot disk",
                                Path.of("a.img"),
                                0,
                                4096,
                                true,
                                true,
                                false,
                                true));
        assertThat(DiskSpec.parse("a.img,snapshot").snapshot()).isTrue();
    }

    @Test
    void shouldTakeMemoryAndNullDisksBySize() throws Exception {
        DiskSpec memory = DiskSpec.parse("mem:512MiB");
        assertThat(memory.source()).isEqualTo(Source.MEMORY);
        assertThat(memory.sizeBytes()).isEqualTo(512L << 20);
        assertThat(memory.name()).isEqualTo("mem");
        DiskSpec none = DiskSpec.parse("null:1.5T,sector=4096,name=speed");
        assertThat(none.source()).isEqualTo(Source.NULL);
        assertThat(none.sizeBytes()).isEqualTo(3L << 39);
        assertThat(none.name()).isEqualTo("speed");
    }

    @Test
    void shouldReadADoubleCommaAsOneInAPathOrName() throws Exception {
        DiskSpec spec = DiskSpec.parse("a,,b,,,ro,name=x,,y");
        assertThat(spec.path()).isEqualTo(Path.of("a,b,"));
        assertThat(spec.readOnly()).isTrue();
        assertThat(spec.name()).isEqualTo("x,y");
    }

    @Test
    void shouldTakeAColonInAPathThatIsMarkedAsOne() throws Exception {
        assertThat(DiskSpec.parse("./vhdx:a").path()).isEqualTo(Path.of("./vhdx:a"));
        assertThat(DiskSpec.parse("dir/b:a").path()).isEqualTo(Path.of("dir/b:a"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.img",
                "raw:/x/a,,b.img,ro,direct,sector=4096,shared,name=n,,m",
                "b,snapshot,shared",
                "mem:64M,ro",
                "null:1000448,sector=512,name=a b"
            })
    void shouldWriteItselfSoThatItCanBeReadAgain(String text) throws Exception {
        DiskSpec spec = DiskSpec.parse(text);
        assertThat(DiskSpec.parse(spec.toString())).isEqualTo(spec);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.img,rw", "a.img,", "a.img,,,x=1"})
    void shouldNameTheOptionsWhenOneIsUnknown(String text) {
        assertThatThrownBy(() -> DiskSpec.parse(text))
                .isInstanceOf(DiskSpecException.class)
                .hasMessage(
                        "disk=%s option=%s is not known: use ro, direct, sector=512|4096, snapshot, shared, name=N;"
                                + " a comma in a path is written ,,",
                        text, text.substring(text.lastIndexOf(',') + 1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.img,ro,ro|option=ro is given twice: give it once",
                "a.img,name=a,name=b|option=name is given twice: give it once",
                "a.img,ro=1|option=ro takes no value: write ro or leave it out",
                "a.img,sector=1024|sector=1024 is not a sector size: use sector=512 or sector=4096",
                "a.img,sector|sector= is not a sector size: use sector=512 or sector=4096",
                "a.img,name=|its name must have 1 to 255 printable characters: give another with name=N",
                "a.img,ro,snapshot|ro and snapshot exclude each other: with snapshot the file is never written anyway",
                "mem:1M,direct|option=direct is for files: leave it out with mem:",
                "null:1M,snapshot|option=snapshot is for files: leave it out with null:",
                "vhdx:a|prefix=vhdx: is not known: use raw:, mem: or null:, or write ./vhdx:a for a file of that name",
                "raw:|names no file",
                "/|names no file",
                "mem:|names no size: write it like mem:64G",
                "mem:0|size=0 is not a number of sectors: sector=512",
                "mem:1000|size=1000 is not a number of sectors: sector=512",
                "mem:512,sector=4096|size=512 is not a number of sectors: sector=4096",
                "mem:32T|size=35184372088832 is above the most that a memory disk can have: max=17592186044416",
                "mem:64GB|size=64GB is ambiguous: write 64G for powers of 1024",
                "null:big|size=big is not a size: write it like 64G, 512MiB or 1048576",
            })
    void shouldSayWhatToDo(String text, String line) {
        assertThatThrownBy(() -> DiskSpec.parse(text))
                .isInstanceOf(DiskSpecException.class)
                .hasMessage("disk=" + text + " " + line)
                .hasMessageNotContaining("\n");
    }

    @Test
    void shouldRefuseAPathThatCannotExist() {
        assertThatThrownBy(() -> DiskSpec.parse("a\0b")).isInstanceOf(DiskSpecException.class);
    }
}
