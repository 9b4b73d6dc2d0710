package dev.airlock.storvsp.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskSpec;
import dev.airlock.scsi.VpdPage;
import java.security.SecureRandom;
import java.util.UUID;

/**
 * A disk that a host serves.
 *
 * @param name unique within a host, what people call it by
 * @param spec what the user wrote, for lists
 * @param disk open; closed by the host when it is removed or the host ends
 * @param shared whether several guests may have it at once although it is writable
 * @param identity what a host that comes after this one has as well if it has the same contents
 */
public record HostDisk(String name, String spec, Disk disk, boolean shared, long identity) {
    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * A disk whose contents end with this process, as far as anybody knows.
     *
     * @see HostDisk#HostDisk(String, String, Disk, boolean, long)
     */
    public HostDisk(String name, String spec, Disk disk, boolean shared) {
        this(name, spec, disk, shared, RANDOM.nextLong() | 1);
    }

    /** A disk that is open, with what the user wrote of it. */
    static HostDisk of(DiskSpec spec, Disk disk) {
        if (spec.isVolatile()) {
            return new HostDisk(spec.name(), spec.toString(), disk, spec.shared());
        }
        UUID digest = UUID.nameUUIDFromBytes(spec.name().getBytes(UTF_8));
        return new HostDisk(
                spec.name(),
                spec.toString(),
                disk,
                spec.shared(),
                digest.getMostSignificantBits() | 1);
    }

    /** Whether only one guest may have it at a time. */
    public boolean isExclusive() {
        return !disk.isReadOnly() && !shared;
    }

    /**
     * What guests know the disk by: its name, so that it stays the same when the host starts again;
     * or where that is no serial number, a digest of it.
     */
    String serial() {
        boolean fits =
                !name.isEmpty()
                        && name.length() <= VpdPage.SERIAL_MAX_CHARS
                        && name.chars().allMatch(c -> c > ' ' && c <= '~');
        return fits ? name : UUID.nameUUIDFromBytes(name.getBytes(UTF_8)).toString();
    }
}
