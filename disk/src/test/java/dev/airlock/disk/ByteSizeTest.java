package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "512,512",
        "512B,512",
        "1K,1024",
        "64KiB,65536",
        "512MiB,536870912",
        "64G,68719476736",
        "64g,68719476736",
        "1.5G,1610612736",
        "0.5K,512",
        "2T,2199023255552",
        "7E,8070450532247928832"
    })
    void shouldReadUnitsAsPowersOf1024(String text, long bytes) {
        assertThat(ByteSize.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "G",
                "-1",
                "1GB",
                "1.3",
                "8E",
                "1e3",
                "0x10",
                "1 G",
                "64Gi",
                "5iB",
                "1.0000000001K",
                "99999999999999999999"
            })
    void shouldRefuseWhatIsNotASizeOrCouldBeTwo(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("size=" + text);
    }

    @Test
    void shouldReadBackWhatItWrites() {
        SplittableRandom random = Seed.random();
        for (int i = 0; i < 1000; i++) {
            long bytes =
                    random.nextLong(Long.MAX_VALUE) >>> random.nextInt(63) << random.nextInt(3);
            bytes &= Long.MAX_VALUE;
            assertThat(ByteSize.parse(ByteSize.format(bytes))).isEqualTo(bytes);
        }
        assertThat(ByteSize.format(64L << 30)).isEqualTo("64G");
        assertThat(ByteSize.format(1536L << 20)).isEqualTo("1536M");
        assertThat(ByteSize.format(1000)).isEqualTo("1000");
    }
}
