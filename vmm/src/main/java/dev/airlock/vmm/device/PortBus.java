package dev.airlock.vmm.device;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the device behind an I/O port. Ports of no device read as ones, as an empty bus does, and
 * swallow writes. Immutable, so any thread may use it; allocates nothing.
 */
public final class PortBus {

    /** One past the highest port. */
    public static final int PORTS = 0x1_0000;

    private final Claim[] claims;

    private PortBus(List<Claim> claims) {
        this.claims = claims.toArray(Claim[]::new);
    }

    /**
     * A read, as KVM_EXIT_IO tells it.
     *
     * @param port first port, 0 to 0xFFFF
     * @param bytes 1, 2 or 4
     * @return the value, its bits beyond {@code bytes} zero
     */
    public int read(int port, int bytes) {
        int mask = bytes == Integer.BYTES ? -1 : (1 << bytes * Byte.SIZE) - 1;
        PortDevice device = find(port);
        return device == null ? mask : device.read(port, bytes) & mask;
    }

    /** A write of the low {@code bytes} bytes of {@code value}. */
    public void write(int port, int bytes, int value) {
        PortDevice device = find(port);
        if (device != null) {
            device.write(port, bytes, value);
        }
    }

    /** A search in order is enough for a dozen claims, of which the busiest come first. */
    private @Nullable PortDevice find(int port) {
        for (Claim claim : claims) {
            if (port >= claim.first && port < claim.end) {
                return claim.device;
            }
        }
        return null;
    }

    private record Claim(int first, int end, PortDevice device) {}

    /** Collects devices; one thread. */
    public static final class Builder {

        private final List<Claim> claims = new ArrayList<>();

        /**
         * Puts a device behind ports; what the guest uses most is best added first.
         *
         * @throws IllegalArgumentException if a port is taken or there is no such port
         */
        public Builder add(int first, int count, PortDevice device) {
            int end = first + count;
            if (first < 0 || count <= 0 || end > PORTS) {
                throw new IllegalArgumentException("first=" + first + " count=" + count);
            }
            for (Claim claim : claims) {
                if (first < claim.end && claim.first < end) {
                    throw new IllegalArgumentException(
                            "first=0x%x count=%d: taken from 0x%x"
                                    .formatted(first, count, claim.first));
                }
            }
            claims.add(new Claim(first, end, device));
            return this;
        }

        public PortBus build() {
            return new PortBus(claims);
        }
    }
}
