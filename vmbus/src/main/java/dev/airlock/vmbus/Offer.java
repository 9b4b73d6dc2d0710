package dev.airlock.vmbus;

/**
 * A channel that a host offers: what kind of device, which one, which of its channels, and the
 * numbers the bus gave it. A device makes one with {@link #of}; the host's bus fills in {@link
 * #relid} and {@link #connectionId}; the guest receives it complete. Source of the fields: Linux
 * {@code include/linux/hyperv.h}, {@code struct vmbus_channel_offer} and {@code
 * vmbus_channel_offer_channel}.
 *
 * @param interfaceType kind of device, for instance {@link #SCSI_INTERFACE}
 * @param interfaceInstance which device; all channels of one device share it
 * @param flags {@code chn_flags}, u16
 * @param mmioMegabytes u16
 * @param userDefined for the device's own use
 * @param subchannelIndex 0 for a device's primary channel, u16
 * @param mmioMegabytesOptional {@code reserved3} in Linux, u16
 * @param relid the channel's number on this connection; 0 means not assigned
 * @param monitorId u8
 * @param monitorFlags u8, bit 0 = {@code monitor_allocated}; 0 here, Airlock uses no monitor pages
 * @param interruptFlags u16, bit 0 = {@code is_dedicated_interrupt}
 * @param connectionId what a guest signals to ring this channel's doorbell
 */
public record Offer(
        Guid interfaceType,
        Guid interfaceInstance,
        int flags,
        int mmioMegabytes,
        UserData userDefined,
        int subchannelIndex,
        int mmioMegabytesOptional,
        int relid,
        int monitorId,
        int monitorFlags,
        int interruptFlags,
        int connectionId) {

    /** Synthetic SCSI controller (Linux {@code HV_SCSI_GUID}). */
    public static final Guid SCSI_INTERFACE = Guid.parse("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");

    /** {@code VMBUS_CHANNEL_ENUMERATE_DEVICE_INTERFACE}. */
    public static final int FLAG_ENUMERATE_DEVICE_INTERFACE = 1;

    /**
     * {@link #interruptFlags}: the channel's doorbell is its own (what every host since 2012 sets).
     */
    public static final int DEDICATED_INTERRUPT = 1;

    /** Highest relid either end accepts. Linux {@code MAX_CHANNEL_RELIDS} - 1. */
    public static final int MAX_RELID = 2047;

    /** A device's primary channel, not yet numbered. */
    public static Offer of(Guid interfaceType, Guid interfaceInstance) {
        return new Offer(
                interfaceType,
                interfaceInstance,
                0,
                0,
                UserData.NONE,
                0,
                0,
                0,
                0,
                0,
                DEDICATED_INTERRUPT,
                0);
    }

    /** The same device's channel with the numbers that a bus gave it. */
    public Offer numbered(int newSubchannelIndex, int newRelid, int newConnectionId) {
        return new Offer(
                interfaceType,
                interfaceInstance,
                flags,
                mmioMegabytes,
                userDefined,
                newSubchannelIndex,
                mmioMegabytesOptional,
                newRelid,
                monitorId,
                monitorFlags,
                interruptFlags,
                newConnectionId);
    }

    /** Whether this is an additional channel of a device. */
    public boolean isSubchannel() {
        return subchannelIndex != 0;
    }

    /** Whether both are channels of one device. */
    public boolean isSameDevice(Offer other) {
        return interfaceType.equals(other.interfaceType)
                && interfaceInstance.equals(other.interfaceInstance);
    }
}
