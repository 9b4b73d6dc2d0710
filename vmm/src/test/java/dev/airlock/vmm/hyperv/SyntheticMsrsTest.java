package dev.airlock.vmm.hyperv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SyntheticMsrsTest {
    private static final int TSC_KHZ = 2_500_000;
    private static final long PAGE = 0x8000;

    private final MachineMemory memory;
    private final MemorySegment ram;
    private final List<Partition.Crash> crashes = new ArrayList<>();
    private final List<String> resets = new ArrayList<>();
    private final Partition partition;
    private final SyntheticMsrs msrs;

    SyntheticMsrsTest() throws IOException {
        memory = MachineMemory.unattached(1L << 20, MachineMemory.NO_BOUNDARY);
        ram = Objects.requireNonNull(memory.base(0));
        partition =
                new Partition(
                        memory,
                        new ReferenceClock(TSC_KHZ),
                        2,
                        (cpu, vector) -> {},
                        crashes::add,
                        () -> resets.add("reset"));
        msrs = new SyntheticMsrs(partition, 1);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void shouldFillTheHypercallPageOnceTheGuestHasSaidWhatItIs() {
        assertThat(msrs.write(0x4000_0001, PAGE | 1)).isTrue();
        assertThat(msrs.read(0x4000_0001)).isEqualTo(PAGE);
        assertThat(ram.get(JAVA_BYTE, PAGE)).isZero();

        msrs.write(0x4000_0000, 0x8100_0000_0000_0000L);
        assertThat(msrs.write(0x4000_0001, PAGE | 1)).isTrue();
        assertThat(msrs.read(0x4000_0001)).isEqualTo(PAGE | 1);
        assertThat(ram.get(JAVA_BYTE, PAGE)).isEqualTo((byte) 0xF3);
        assertThat(msrs.write(0x4000_0001, 1L << 40 | 1)).as("no memory there").isFalse();

        msrs.write(0x4000_0000, 0);
        assertThat(msrs.read(0x4000_0001)).isEqualTo(PAGE);
    }

    @Test
    void shouldTellTimeByTheCounterAndByThePageAlike() {
        assertThat(msrs.write(0x4000_0021, PAGE | 1)).isTrue();
        assertThat(ram.get(JAVA_INT, PAGE)).isEqualTo(1);
        long scale = ram.get(JAVA_LONG, PAGE + 8);
        // A second's cycles are ten million units of 100 ns.
        assertThat(Math.unsignedMultiplyHigh(TSC_KHZ * 1000L, scale))
                .isBetween(9_999_999L, 10_000_000L);
        assertThat(msrs.read(0x4000_0022)).isEqualTo(TSC_KHZ * 1000L);
        Long first = msrs.read(0x4000_0020);
        assertThat(first).isNotNull().isNotNegative();
        assertThat(msrs.read(0x4000_0020)).isGreaterThanOrEqualTo(first);
    }

    @Test
    void shouldReportACrashWithItsMessage() {
        byte[] text = "Kernel panic - not syncing".getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(MemorySegment.ofArray(text), 0, ram, PAGE, text.length);
        msrs.write(0x4000_0103, PAGE);
        msrs.write(0x4000_0104, text.length);
        msrs.write(0x4000_0105, 3L << 62);
        assertThat(crashes)
                .singleElement()
                .extracting(Partition.Crash::message)
                .isEqualTo("Kernel panic - not syncing");
    }

    @Test
    void shouldReportACrashWithoutAMessageOrWithOneThatIsNotThere() {
        for (int i = 0; i < 5; i++) {
            msrs.write(0x4000_0100 + i, i + 10);
        }
        msrs.write(0x4000_0105, 1L << 63);
        msrs.write(0x4000_0103, 1L << 45);
        msrs.write(0x4000_0105, 3L << 62);
        assertThat(crashes).extracting(Partition.Crash::message).containsOnlyNulls().hasSize(2);
        assertThat(crashes.getFirst().describe()).isEqualTo("P0=0xa P1=0xb P2=0xc P3=0xd P4=0xe");
    }

    @Test
    void shouldFaultOnWhatDoesNotExist() {
        assertThat(msrs.read(0x4000_00B0)).as("synthetic timers are not offered").isNull();
        assertThat(msrs.write(0x4000_00B0, 1)).isFalse();
        assertThat(msrs.write(0x4000_0002, 1)).as("VP index").isFalse();
        assertThat(msrs.read(0x4000_0002)).isEqualTo(1);
    }

    @Test
    void shouldResetOnlyWhenAsked() {
        msrs.write(0x4000_0003, 0);
        assertThat(resets).isEmpty();
        msrs.write(0x4000_0003, 1);
        assertThat(resets).hasSize(1);
    }
}
