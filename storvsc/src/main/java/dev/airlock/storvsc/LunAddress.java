package dev.airlock.storvsc;

/**
 * Where a logical unit sits behind the adapter: {@code path_id}, {@code target_id} and {@code lun}
 * of an SRB, each one byte.
 */
public record LunAddress(int path, int target, int lun) {
    public LunAddress {
        if (((path | target | lun) & ~0xFF) != 0) {
            throw new IllegalArgumentException(
                    "path, target and lun must each fit a byte: path=%d target=%d lun=%d"
                            .formatted(path, target, lun));
        }
    }

    @Override
    public String toString() {
        return path + ":" + target + ":" + lun;
    }
}
