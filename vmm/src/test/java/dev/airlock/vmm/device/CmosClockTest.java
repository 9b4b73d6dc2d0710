package dev.airlock.vmm.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;

class CmosClockTest {

    /** A Sunday. */
    private Instant now = Instant.parse("2026-11-29T23:58:59.999Z");

    private final Clock source = InstantSource.system().withZone(ZoneId.of("UTC"));
    private final CmosClock clock =
            new CmosClock(
                    new Clock() {
                        @Override
                        public ZoneId getZone() {
                            return source.getZone();
                        }

                        @Override
                        public Clock withZone(ZoneId zone) {
                            return this;
                        }

                        @Override
                        public Instant instant() {
                            return now;
                        }
                    });

    @Test
    void shouldTellTheTimeInBcdAtFirst() {
        assertThat(read(CmosClock.STATUS_B)).isEqualTo(0x02);
        assertThat(read(CmosClock.SECONDS)).isEqualTo(0x59);
        assertThat(read(CmosClock.MINUTES)).isEqualTo(0x58);
        assertThat(read(CmosClock.HOURS)).isEqualTo(0x23);
        assertThat(read(CmosClock.WEEKDAY)).isEqualTo(1);
        assertThat(read(CmosClock.DAY)).isEqualTo(0x29);
        assertThat(read(CmosClock.MONTH)).isEqualTo(0x11);
        assertThat(read(CmosClock.YEAR)).isEqualTo(0x26);
        assertThat(read(CmosClock.CENTURY)).isEqualTo(0x20);
    }

    @Test
    void shouldTellItInBinaryAndByTwelveHoursWhenAsked() {
        write(CmosClock.STATUS_B, CmosClock.BINARY);

        assertThat(read(CmosClock.HOURS)).isEqualTo(11 | 0x80);
        assertThat(read(CmosClock.SECONDS)).isEqualTo(59);
        assertThat(read(CmosClock.CENTURY)).as("always BCD").isEqualTo(0x20);
        now = Instant.parse("2026-11-29T00:10:00Z");
        assertThat(read(CmosClock.SECONDS)).isZero();
        assertThat(read(CmosClock.HOURS)).isEqualTo(12);
        now = Instant.parse("2026-11-29T12:10:00Z");
        assertThat(read(CmosClock.SECONDS)).isZero();
        assertThat(read(CmosClock.HOURS)).isEqualTo(12 | 0x80);
    }

    @Test
    void shouldNotMixTwoSecondsInOneReading() {
        assertThat(read(CmosClock.SECONDS)).isEqualTo(0x59);
        now = now.plus(Duration.ofMillis(2));

        assertThat(read(CmosClock.MINUTES)).isEqualTo(0x58);
        assertThat(read(CmosClock.SECONDS)).isZero();
        assertThat(read(CmosClock.MINUTES)).isEqualTo(0x59);
    }

    @Test
    void shouldNotShowATimeOfLongAgo() {
        assertThat(read(CmosClock.SECONDS)).isEqualTo(0x59);
        now = now.plus(Duration.ofHours(10));

        assertThat(read(CmosClock.HOURS)).isEqualTo(0x09);
    }

    @Test
    void shouldNeverBeInTheMidstOfAnUpdate() {
        assertThat(read(CmosClock.STATUS_A) & 0x80).isZero();
        write(CmosClock.STATUS_A, 0xFF);
        assertThat(read(CmosClock.STATUS_A)).isEqualTo(0x7F);
        assertThat(read(CmosClock.STATUS_C)).isZero();
        assertThat(read(CmosClock.STATUS_D)).isEqualTo(0x80);
    }

    @Test
    void shouldKeepMemoryButTakeNoOtherTime() {
        write(CmosClock.HOURS, 0x05);
        write(0x7F, 0xA5);

        assertThat(read(CmosClock.HOURS)).isEqualTo(0x23);
        assertThat(read(0x7F)).isEqualTo(0xA5);
        assertThat(read(0xFF)).as("bit 7 is the NMI mask").isEqualTo(0xA5);
    }

    private int read(int register) {
        clock.write(CmosClock.FIRST_PORT, 1, register);
        return clock.read(CmosClock.FIRST_PORT + 1, 1);
    }

    private void write(int register, int value) {
        clock.write(CmosClock.FIRST_PORT, 1, register);
        clock.write(CmosClock.FIRST_PORT + 1, 1, value);
    }
}
