package dev.airlock.lab.hostile;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One way for a host, or the hypervisor, to wrong a guest that is doing I/O. */
public enum Attack {
    WRONG_ID("wrong-id", "completions with ids that no request has, before the right ones"),
    DUPLICATE_ID("duplicate-id", "right completions sent twice"),
    STALE_ID("stale-id", "completions with ids that were answered before"),
    LONG_TRANSFER("long-transfer", "completions that claim to have moved more than was asked for"),
    LONG_SENSE("long-sense", "failures whose sense data claim to be longer than their field"),
    BAD_OFFSET("bad-offset", "packet descriptors with a data offset or length that cannot be"),
    BAD_INDEX("bad-index", "ring indices out of range, put right after a moment"),
    MUTATE_HEADER("mutate-header", "packet headers that change after the guest was signalled"),
    UNSOLICITED("unsolicited", "packets and control messages that nobody asked for"),
    VANISH("vanish", "the device is taken back while requests are under way"),
    REFUSE_VISIBILITY(
            "refuse-visibility",
            "the hypervisor refuses to change the visibility of pages, honest host");

    private final String word;
    private final String what;

    Attack(String word, String what) {
        this.word = word;
        this.what = what;
    }

    /** Its name for people and command lines. */
    public String word() {
        return word;
    }

    /** What is done, a part of a sentence. */
    public String what() {
        return what;
    }

    /** Whether it is the host's doing; the other one is the hypervisor's. */
    public boolean isByHost() {
        return this != REFUSE_VISIBILITY;
    }

    /** The attack of that name; null if there is none. */
    public static @Nullable Attack of(String word) {
        for (Attack attack : values()) {
            if (attack.word.equals(word)) {
                return attack;
            }
        }
        return null;
    }

    /** All names. */
    public static String words() {
        return Arrays.stream(values()).map(Attack::word).collect(Collectors.joining(", "));
    }
}
