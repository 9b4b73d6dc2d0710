package dev.airlock.disk;

import java.io.IOException;

/**
 * A disk could not do what it was asked. The message names the disk and the values involved ({@code
 * name=value}).
 *
 * <p>These are failures of the store or requests that it has to refuse; a caller that breaks the
 * contract of {@link Disk} (a vector that is not whole sectors, a closed disk) gets an unchecked
 * exception instead.
 */
public final class DiskException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What went wrong, as far as a caller has to tell cases apart. */
    public enum Kind {
        /**
         * The store failed; the content of the range asked for is unspecified, the rest of the disk
         * is as it was.
         */
        IO,
        /** The store has no room for the data; the same request may succeed once room is made. */
        NO_SPACE,
        /**
         * Data once acknowledged may be lost: every later change and flush fails like this until
         * the disk is opened again.
         */
        POISONED,
        /** A change was asked of a disk that is open for reading only. */
        READ_ONLY,
        /**
         * The range does not lie within the disk, or the size asked for is not one that this disk
         * can have.
         */
        OUT_OF_RANGE
    }

    private final Kind kind;

    /** A failure of that kind. */
    public DiskException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** A failure of that kind, with what made it. */
    public DiskException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }
}
