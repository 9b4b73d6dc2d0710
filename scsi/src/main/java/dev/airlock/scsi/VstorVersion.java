package dev.airlock.scsi;

/**
 * Versions of the vstor protocol, major in the high byte. Source: Linux {@code storvsc_drv.c},
 * {@code VMSTOR_PROTO_VERSION_*}; a guest offers the newest first and steps down.
 */
public final class VstorVersion {

    /** Windows 8. */
    public static final int V5_1 = 0x0501;

    /** Windows 8.1. */
    public static final int V6_0 = 0x0600;

    /** Windows 10. */
    public static final int V6_2 = 0x0602;

    private VstorVersion() {}

    /** Whether this version is one spoken here. */
    public static boolean isSupported(int version) {
        return version == V5_1 || version == V6_0 || version == V6_2;
    }

    public static String name(int version) {
        return (version >>> 8 & 0xFF) + "." + (version & 0xFF);
    }
}
