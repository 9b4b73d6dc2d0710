package dev.airlock.storvsc;

import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestChannel;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The channels of a storage controller that a host offers on the bus. Thread-safe. */
public final class BusDevice implements DeviceChannels {
    private static final long LOOK_NANOS = 1_000_000;

    private final GuestBus bus;
    private final Offer primary;
    private final int cpus;

    /**
     * @param bus the caller's; outlives the adapter
     * @param primary the device's primary channel, see {@link #find}
     * @param cpus CPUs of the guest, which the channels' interrupts are dealt to in turn
     */
    public BusDevice(GuestBus bus, Offer primary, int cpus) {
        this.bus = bus;
        this.primary = primary;
        this.cpus = cpus;
    }

    /** The first SCSI controller that the host offers; null when it offers none. */
    public static @Nullable Offer find(GuestBus bus) {
        for (Offer offer : bus.offers()) {
            if (offer.interfaceType().equals(Offer.SCSI_INTERFACE) && !offer.isSubchannel()) {
                return offer;
            }
        }
        return null;
    }

    @Override
    public GuestChannel open(int index, long ringGpa, int outBytes, int inBytes)
            throws IOException {
        Offer offer = index == 0 ? primary : subchannel(index);
        if (offer == null) {
            throw new IOException("host does not offer the subchannel: index=" + index);
        }
        return bus.open(offer, ringGpa, outBytes, inBytes, index % cpus);
    }

    @Override
    public int awaitSubchannels(int count, long timeoutMs) {
        long start = System.nanoTime();
        int offered = 0;
        while (offered < count) {
            if (subchannel(offered + 1) != null) {
                offered++;
            } else if (bus.isLost() || System.nanoTime() - start > timeoutMs * 1_000_000) {
                break;
            } else {
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
        return offered;
    }

    private @Nullable Offer subchannel(int index) {
        for (Offer offer : bus.offers()) {
            if (offer.isSameDevice(primary) && offer.subchannelIndex() == index) {
                return offer;
            }
        }
        return null;
    }
}
