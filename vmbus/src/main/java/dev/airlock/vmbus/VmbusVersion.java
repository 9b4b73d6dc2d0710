package dev.airlock.vmbus;

import org.jspecify.annotations.Nullable;

/**
 * Protocol versions that Airlock knows: major in the upper 16 bits, minor in the lower. Source:
 * Linux {@code include/linux/hyperv.h}, {@code VERSION_WIN10_V5_2} and followers.
 */
public enum VmbusVersion {
    /** First version that isolated guests may use. */
    V5_2(5, 2, true),
    /** Adds the answer to MODIFY_CHANNEL. */
    V5_3(5, 3, true),
    /** Confidential VMBus: known, refused; guests fall back to 5.3. */
    V6_0(6, 0, false);

    private final int number;
    private final boolean supported;

    VmbusVersion(int major, int minor, boolean supported) {
        this.number = major << Short.SIZE | minor;
        this.supported = supported;
    }

    /** As on the wire. */
    public int number() {
        return number;
    }

    /** Whether both ends of Airlock speak it. */
    public boolean isSupported() {
        return supported;
    }

    /** Whether the host answers MODIFY_CHANNEL. */
    public boolean answersModifyChannel() {
        return compareTo(V5_3) >= 0;
    }

    /** The supported version with this number, null when there is none. */
    public static @Nullable VmbusVersion supported(int number) {
        for (VmbusVersion v : values()) {
            if (v.number == number && v.supported) {
                return v;
            }
        }
        return null;
    }

    /** {@code major.minor} of any number, known or not. */
    public static String describe(int number) {
        return (number >>> Short.SIZE) + "." + (number & 0xFFFF);
    }

    @Override
    public String toString() {
        return describe(number);
    }
}
