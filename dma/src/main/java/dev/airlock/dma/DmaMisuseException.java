package dev.airlock.dma;

import java.util.List;
import java.util.stream.Collectors;

/** Thrown by {@link DmaChecker}; its cause is the stack that mapped, if there is one. */
public final class DmaMisuseException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    private final transient List<DmaMisuse> misuses;

    DmaMisuseException(List<DmaMisuse> misuses) {
        super(
                misuses.stream().map(DmaMisuse::message).collect(Collectors.joining("\n")),
                misuses.getFirst().mappedAt());
        this.misuses = List.copyOf(misuses);
    }

    /** What was found, at least one. */
    public List<DmaMisuse> misuses() {
        return misuses;
    }
}
