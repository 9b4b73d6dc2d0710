package dev.airlock.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Keeps the benchmarks runnable; times nothing. */
class BenchmarksTest {
    @Test
    void shouldRunEachBenchmarkOnce() throws Exception {
        Collection<RunResult> results =
                new Runner(
                                new OptionsBuilder()
                                        .include("dev.airlock")
                                        .forks(0)
                                        .warmupIterations(0)
                                        .measurementIterations(1)
                                        .measurementTime(TimeValue.milliseconds(10))
                                        .shouldFailOnError(true)
                                        .verbosity(VerboseMode.SILENT)
                                        .build())
                        .run();

        List<String> ran =
                results.stream()
                        .map(result -> result.getParams().getBenchmark())
                        .map(name ->
                                name.substring(
                                        name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1))
                        .distinct()
                        .toList();
        assertThat(ran)
                .contains(
                        "RingBenchmark.writeBatch",
                        "DoorbellBenchmark.ring",
                        "CdbBenchmark.decodeRead10",
                        "SrbBenchmark.read4KiB",
                        "IdentityBenchmark.entriesOf256",
                        "BounceBenchmark.mapAndUnmap");
        assertThat(results)
                .allSatisfy(
                        result -> assertThat(result.getPrimaryResult().getScore()).isPositive());
    }
}
