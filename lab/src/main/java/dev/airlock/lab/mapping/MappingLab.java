package dev.airlock.lab.mapping;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The whole laboratory, against one host whose first disk may be overwritten and takes guests
 * together ({@code ,shared}). One thread.
 */
public final class MappingLab {
    private final Path socket;
    private final LabOptions options;

    /**
     * @param socket the host's
     */
    public MappingLab(Path socket, LabOptions options) {
        this.socket = socket;
        this.options = options;
    }

    /** How often {@link #run} tells what comes next. */
    public int steps() {
        return Matrix.steps(options) + 1 + PoolPressure.steps(options);
    }

    /**
     * Runs all of it.
     *
     * @param machine what it runs on
     * @param how what is run, in words
     * @param told learns what comes next
     */
    public MappingReport run(
            Map<String, String> machine, Map<String, String> how, Consumer<String> told)
            throws IOException, InterruptedException {
        List<ReportRow> matrix;
        try (Matrix cells = Matrix.attach(socket, options)) {
            matrix = cells.run(told);
        }
        told.accept("offsets");
        List<ReportTable> tables =
                List.of(
                        Tables.matrix(matrix, options),
                        Tables.offsets(OffsetTable.rows()),
                        Tables.hostReads(HostReads.rows(socket)),
                        Tables.prp(PrpTable.rows()),
                        Tables.pressure(new PoolPressure(options).run(told)));
        MappingReport unanswered = new MappingReport(machine, how, List.of(), tables);
        return new MappingReport(machine, how, Answers.of(unanswered), tables);
    }
}
