package dev.airlock.lab.hostile;

/**
 * How a hostile host behaves for one connection.
 *
 * @param control whether it spoils control messages from the beginning, not only once I/O runs
 * @param setup whether it spoils the device's initialisation and the answers of a scan for disks
 * @param scribbles whether a thread writes over the guest's visible memory meanwhile
 * @param events after how many more, of its own and of those it shares its counts with, it ends the
 *     connection
 * @param ending how it ends it
 */
record HostMood(boolean control, boolean setup, boolean scribbles, int events, Ending ending) {
    private static final int EVENTS_MIN = 2_000;
    private static final int EVENTS_MAX = 200_000;

    /** The ways of a host to go. */
    enum Ending {
        /** Closes the socket, whatever is under way. */
        SUDDEN,
        /** Answers nothing any more. */
        MUTE,
        /** Breaks a ring. */
        BROKEN,
        /** Takes the device back. */
        RESCIND,
        /** Behaves, until the guest leaves. */
        HONEST
    }

    static HostMood of(Dice dice) {
        Ending ending =
                switch (dice.below(16)) {
                    case 0 -> Ending.MUTE;
                    case 1, 2, 3 -> Ending.BROKEN;
                    case 4, 5, 6 -> Ending.RESCIND;
                    case 7, 8, 9, 10 -> Ending.HONEST;
                    default -> Ending.SUDDEN;
                };
        return new HostMood(
                dice.oneIn(8),
                dice.oneIn(4),
                dice.oneIn(8),
                dice.between(EVENTS_MIN, EVENTS_MAX),
                ending);
    }
}
