package dev.airlock.scsitarget;

/**
 * Where a guest finds a logical unit: the three bytes of an SRB. Linux calls the path a channel,
 * and looks at targets 0 and 1.
 */
public record LunAddress(int path, int target, int lun) implements Comparable<LunAddress> {

    public static final int MAX = 0xFF;

    public LunAddress {
        if ((path | target | lun) < 0 || path > MAX || target > MAX || lun > MAX) {
            throw new IllegalArgumentException(
                    "path=" + path + " target=" + target + " lun=" + lun);
        }
    }

    /** The address as one number, in the order of path, target, LUN. */
    int key() {
        return key(path, target, lun);
    }

    static int key(int path, int target, int lun) {
        return path << 16 | target << 8 | lun;
    }

    @Override
    public int compareTo(LunAddress other) {
        return Integer.compare(key(), other.key());
    }

    @Override
    public String toString() {
        return path + ":" + target + ":" + lun;
    }
}
