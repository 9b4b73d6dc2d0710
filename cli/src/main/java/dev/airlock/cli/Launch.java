package dev.airlock.cli;

/** How {@code ./airlock} started this JVM, so that another one can be started alike. */
final class Launch {
    /** Module and class of the program. */
    static final String MAIN = "dev.airlock.cli/dev.airlock.cli.Main";

    private Launch() {}

    /** The file of JVM options that the launcher wrote. */
    static String argumentFile() {
        String file = System.getProperty("airlock.args");
        if (file == null) {
            throw CommandFailure.usage("start Airlock by its launcher, ./airlock");
        }
        return file;
    }

    /**
     * Wall-clock microseconds, since the epoch, at which the command was started; now when nobody
     * said.
     */
    static long startedMicros() {
        Long started = Long.getLong("airlock.startedMicros");
        return started != null ? started : nowMicros();
    }

    /** Wall-clock microseconds since the epoch. */
    static long nowMicros() {
        java.time.Instant now = java.time.Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }
}
