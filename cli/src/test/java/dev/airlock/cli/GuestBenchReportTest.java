package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.airlock.nest.BenchGuest;
import dev.airlock.vmm.SignalGuest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class GuestBenchReportTest {
    private static final BenchGuest.Job JOB = BenchGuest.JOBS.getFirst();
    private static final int READ = 5;
    private static final int WRITE = 46;

    private static final PickUp PICK_UP =
            new PickUp(
                    new SignalGuest.Samples(
                            LongStream.rangeClosed(0, 100).map(i -> i * 1000).toArray(), 101),
                    new SignalGuest.Samples(new long[] {100, 300, 300, 5_000}, 0),
                    43_210);

    private long returns;
    private final GuestBenchConsole console =
            new GuestBenchConsole(() -> {
                long now = returns;
                return new GuestCounts(
                        Map.of("port", now, "msr", 2 * now), Map.of("postMessage", now), now, 7);
            });

    @Test
    void shouldReadTheSideThatFioUsed() {
        FioResult read = FioResult.parse(terse(READ, 4096, 500, 2000), 4096);
        FioResult write = FioResult.parse(terse(WRITE, 4096, 500, 2000), 4096);

        assertThat(read).isEqualTo(write);
        assertThat(read.operations()).isEqualTo(1024);
        assertThat(read.iops()).isEqualTo(500);
        assertThat(read.mbPerSecond()).isCloseTo(4096 * 1024 / 2e6, within(1e-9));
        assertThat(read.meanMicros()).isEqualTo(24.5);
        assertThat(read.p50Micros()).isEqualTo(7);
        assertThat(read.p99Micros()).isEqualTo(25);
    }

    @Test
    void shouldRefuseWhatFioDidNotWrite() {
        String good = terse(READ, 4096, 500, 2000);
        for (String bad :
                List.of(
                        "",
                        good.replaceFirst("3;", "4;"),
                        good.substring(0, 100),
                        good.replaceFirst("job;0;0;", "job;0;5;"),
                        good.replace("50.000000%=7", "51.000000%=7"),
                        terse(READ, 0, 0, 0))) {
            assertThatThrownBy(() -> FioResult.parse(bad, 4096))
                    .as(bad)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldCountOnlyBetweenTheMarks() {
        // Each byte of the console is a return, too; 1024 I/Os cost 512 in between.
        say(BenchGuest.BEGIN + JOB.name() + "\r\n");
        long before = returns;
        returns += 512;
        say(BenchGuest.END + JOB.name() + "\r\n");
        say(BenchGuest.RESULT + JOB.name() + " " + terse(READ, 4096, 500, 2000) + "\r\n");

        GuestSample sample = console.sample(JOB);

        // And one for the first byte of the end mark.
        assertThat(returns - before).isGreaterThan(800);
        assertThat(sample.counts().returns())
                .containsEntry("port", 513L)
                .containsEntry("msr", 1026L);
        assertThat(sample.returnsPerIo()).isCloseTo(3 * 513 / 1024.0, within(1e-9));
        assertThat(sample.returnsPerIo("msr")).isCloseTo(2 * 513 / 1024.0, within(1e-9));
        assertThat(sample.returnsPerIo("mmio")).isZero();
        assertThat(sample.hypercallsPerIo()).isCloseTo(513 / 1024.0, within(1e-9));
        assertThat(sample.interruptsPerIo()).isCloseTo(513 / 1024.0, within(1e-9));
        assertThat(sample.counts().messages()).isZero();
    }

    @Test
    void shouldTellWhyTheGuestGaveUp() {
        say(BenchGuest.BEGIN + JOB.name() + "\r\n");
        say(BenchGuest.FAILED + "fio: no room\r\nlater\r\n");

        assertThat(console.lastWords()).isEqualTo("fio: no room");
        assertThatThrownBy(() -> console.sample(JOB)).hasMessageContaining(JOB.name());
    }

    @Test
    void shouldCompareEachRunWithTheOtherModeOfItsRound() {
        Map<GuestBench.Mode, List<GuestSample>> byMode = new LinkedHashMap<>();
        byMode.put(GuestBench.Mode.NOT_ISOLATED, samples(100, 300, 200));
        byMode.put(GuestBench.Mode.ISOLATED, samples(50, 270, 80));
        byMode.put(GuestBench.Mode.VIRTIO_BLK, samples(200, 300, 100));

        GuestBenchReport report = new GuestBenchReport(Map.of("load", byMode), PICK_UP);

        assertThat(report.fields())
                .extractingByKey("rows")
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.list(Map.class))
                .satisfiesExactly(
                        plain ->
                                assertThat(plain)
                                        .containsEntry("iops", 200.0)
                                        .containsEntry("iopsMin", 100.0)
                                        .containsEntry("iopsMax", 300.0)
                                        .containsEntry("returnsPerIo", 0.25)
                                        .containsEntry("returns", 250.0)
                                        .doesNotContainKey("ratio"),
                        isolated ->
                                assertThat(isolated)
                                        .containsEntry("iops", 80.0)
                                        .containsEntry("ratio", 0.5)
                                        .containsEntry("ratioMin", 0.4)
                                        .containsEntry("ratioMax", 0.9),
                        qemu ->
                                assertThat(qemu)
                                        .containsEntry("guest", "QEMU virtio-blk")
                                        .containsEntry("iops", 200.0)
                                        .containsEntry("ratio", 1.0)
                                        .containsEntry("ratioMin", 0.5)
                                        .containsEntry("ratioMax", 2.0)
                                        .doesNotContainKeys("returnsPerIo", "returns"));
        String text = report.render();
        assertThat(text).contains("not isolated", "by port", "0.2500");
        // In the table of speed, and not in that of what our VMM did.
        assertThat(text.split("QEMU virtio-blk", -1)).hasSize(2);
        assertThat(text).endsWith(PICK_UP.render());
    }

    @Test
    void shouldCompareWithNoRunThatDidNothing() {
        Map<GuestBench.Mode, List<GuestSample>> byMode = new LinkedHashMap<>();
        byMode.put(GuestBench.Mode.NOT_ISOLATED, samples(0, 0, 200));
        byMode.put(GuestBench.Mode.ISOLATED, samples(50, 0, 100));
        byMode.put(GuestBench.Mode.VIRTIO_BLK, samples(50, 0));

        GuestBenchReport report = new GuestBenchReport(Map.of("load", byMode), PICK_UP);

        assertThat(report.fields())
                .extractingByKey("rows")
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.list(Map.class))
                .satisfiesExactly(
                        plain -> assertThat(plain).containsEntry("iops", 0.0),
                        isolated ->
                                assertThat(isolated)
                                        .containsEntry("iops", 50.0)
                                        .containsEntry("ratio", 0.5)
                                        .containsEntry("ratioMin", 0.5),
                        qemu -> assertThat(qemu).doesNotContainKey("ratio"));
        assertThat(report.render()).doesNotContain("NaN", "Infinity");
    }

    @Test
    void shouldTellMedianAndTailOfThePickUpBesideTheYardstick() {
        assertThat(PICK_UP.render())
                .contains("the host sleeps", "50.00", "99.00", "the host looks", "0.30")
                .endsWith("A round trip of two threads by eventfds: 43.21 us.\n");
        assertThat(PICK_UP.fields().get("asleep"))
                .isEqualTo(
                        Map.of(
                                "medianNs",
                                50_000.0,
                                "p99Ns",
                                99_000.0,
                                "samples",
                                101,
                                "signalled",
                                101L));
        assertThat(PickUp.percentile(new SignalGuest.Samples(new long[0], 0), 50)).isNaN();
    }

    private static List<GuestSample> samples(double... iops) {
        List<GuestSample> samples = new ArrayList<>();
        for (double each : iops) {
            FioResult fio = new FioResult(1000, each, 1, 1, 1, 1);
            samples.add(
                    new GuestSample(fio, new GuestCounts(Map.of("port", 250L), Map.of(), 0, 0)));
        }
        return samples;
    }

    private void say(String text) {
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            returns++;
            console.accept(each);
        }
    }

    /** A line of fio 3.33, all zero but what one side did. */
    private static String terse(int side, long kib, long iops, long milliseconds) {
        String[] fields = new String[121];
        Arrays.fill(fields, "0");
        fields[0] = "3";
        fields[1] = "fio-3.33";
        fields[2] = "job";
        fields[side] = Long.toString(kib);
        fields[side + 2] = Long.toString(iops);
        fields[side + 3] = Long.toString(milliseconds);
        fields[side + 10] = "24.5";
        fields[side + 18] = "50.000000%=7";
        fields[side + 24] = "99.000000%=25";
        return String.join(";", fields);
    }
}
