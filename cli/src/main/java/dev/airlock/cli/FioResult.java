package dev.airlock.cli;

/**
 * What fio says of one job in its terse format, version 3 (fio(1), TERSE OUTPUT): the side, read or
 * write, that did anything. Immutable.
 *
 * @param operations I/Os as fio counts them
 * @param meanMicros of completion latency, as the percentiles
 */
record FioResult(
        double operations,
        double iops,
        double mbPerSecond,
        double meanMicros,
        double p50Micros,
        double p99Micros) {
    private static final String VERSION = "3";
    private static final int ERROR = 4;

    /** First fields of the two sides. */
    private static final int READ = 5;

    private static final int WRITE = 46;

    /** From a side's first field, which is KiB in all; then KiB a second. */
    private static final int IOPS = 2;

    private static final int MILLISECONDS = 3;
    private static final int MEAN = 10;
    private static final int PERCENTILES = 12;
    private static final int PERCENTILES_END = 32;
    private static final double KIB = 1024;

    /**
     * @param line of fio, which nobody has checked
     * @param blockBytes of each I/O
     * @throws IllegalArgumentException when it is not such a line, or fio had an error
     */
    static FioResult parse(String line, int blockBytes) {
        String[] fields = line.strip().split(";");
        if (fields.length <= WRITE + PERCENTILES_END || !fields[0].equals(VERSION)) {
            throw new IllegalArgumentException("not a line of fio's terse format: " + line);
        }
        if (!fields[ERROR].equals("0")) {
            throw new IllegalArgumentException("fio's error " + fields[ERROR]);
        }
        int side = Double.parseDouble(fields[READ]) > 0 ? READ : WRITE;
        double bytes = Double.parseDouble(fields[side]) * KIB;
        double seconds = Double.parseDouble(fields[side + MILLISECONDS]) / 1e3;
        if (!(bytes > 0 && seconds > 0)) {
            throw new IllegalArgumentException("fio did nothing: " + line);
        }
        return new FioResult(
                bytes / blockBytes,
                Double.parseDouble(fields[side + IOPS]),
                bytes / seconds / 1e6,
                Double.parseDouble(fields[side + MEAN]),
                percentile(fields, side, "50.000000%="),
                percentile(fields, side, "99.000000%="));
    }

    private static double percentile(String[] fields, int side, String name) {
        for (int i = side + PERCENTILES; i < side + PERCENTILES_END; i++) {
            if (fields[i].startsWith(name)) {
                return Double.parseDouble(fields[i].substring(name.length()));
            }
        }
        throw new IllegalArgumentException("fio tells no percentile " + name);
    }
}
