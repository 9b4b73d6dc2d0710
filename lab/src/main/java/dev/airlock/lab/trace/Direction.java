package dev.airlock.lab.trace;

/** Who wrote the bytes of an event. */
public enum Direction {
    GUEST_TO_HOST("guest>host"),
    HOST_TO_GUEST("host>guest");

    private final String text;

    Direction(String text) {
        this.text = text;
    }

    /** As recordings write it: {@code guest>host} or {@code host>guest}. */
    @Override
    public String toString() {
        return text;
    }
}
