package dev.airlock.scsitarget;

import dev.airlock.scsi.AdditionalSense;

/**
 * What a guest has to be told before its next command on a unit is carried out (SAM-5 section
 * 5.14). In the order in which they are reported: a reset comes before what it made stale.
 */
public enum UnitAttention {
    POWER_ON(AdditionalSense.POWER_ON_OCCURRED),
    BUS_RESET(AdditionalSense.SCSI_BUS_RESET_OCCURRED),
    DEVICE_RESET(AdditionalSense.BUS_DEVICE_RESET_OCCURRED),
    CAPACITY_CHANGED(AdditionalSense.CAPACITY_DATA_CHANGED),
    MODE_PARAMETERS_CHANGED(AdditionalSense.MODE_PARAMETERS_CHANGED),
    INQUIRY_CHANGED(AdditionalSense.INQUIRY_DATA_HAS_CHANGED),
    REPORTED_LUNS_CHANGED(AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);

    private static final UnitAttention[] BY_BIT = values();

    /** The three that a later reset supersedes. */
    static final int RESETS = POWER_ON.bit() | BUS_RESET.bit() | DEVICE_RESET.bit();

    private final int additionalSense;

    UnitAttention(int additionalSense) {
        this.additionalSense = additionalSense;
    }

    /** The {@link AdditionalSense} that reports it. */
    public int additionalSense() {
        return additionalSense;
    }

    int bit() {
        return 1 << ordinal();
    }

    /** The first of a non-empty set of bits. */
    static UnitAttention first(int bits) {
        return BY_BIT[Integer.numberOfTrailingZeros(bits)];
    }
}
