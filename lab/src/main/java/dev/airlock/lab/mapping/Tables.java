package dev.airlock.lab.mapping;

import java.util.List;

/** The tables of a report, with what is to be known to read them. */
final class Tables {
    static final String MATRIX = "matrix";

    private Tables() {}

    static ReportTable matrix(List<ReportRow> rows, LabOptions options) {
        return new ReportTable(
                MATRIX,
                "Both drivers through the whole path",
                "Two processes, a null disk, "
                        + (options.write() ? "writes" : "reads")
                        + ". mappingNs is map and unmap of one I/O with its copies, without the rest"
                        + " of the path; latency is at queue depth 1, iops at 16 (4 MiB in flight at"
                        + " most). Counters are exact. ranges are what the DMA API mapped, mapCalls"
                        + " how often it was called. An isolated I/O is cut into commands of 252 KiB;"
                        + " largestCommandBytes is what one command could carry past that.",
                rows);
    }
}
