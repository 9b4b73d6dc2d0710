package dev.airlock.vmbus.message;

import dev.airlock.vmbus.VmbusVersion;
import java.lang.foreign.MemorySegment;

/**
 * Guest to host: let us speak this version. Source: Linux {@code include/linux/hyperv.h}, {@code
 * struct vmbus_channel_initiate_contact}; feature flags since 6.0.
 *
 * <pre>
 *  8 +-------------------------------------------------------+
 *    | vmbus_version_requested (u32)                         |
 * 12 +-------------------------------------------------------+
 *    | target_vcpu (u32)                                     |
 * 16 +---------------+--------------+------------------------+
 *    | msg_sint (u8) | msg_vtl (u8) | reserved (u16)         |
 * 20 +---------------+--------------+------------------------+
 *    | feature_flags (u32)                                   |
 * 24 +-------------------------------------------------------+
 *    | monitor_page1 (u64)                                   |
 * 32 +-------------------------------------------------------+
 *    | monitor_page2 (u64)                                   |
 * 40 +-------------------------------------------------------+
 * </pre>
 *
 * @param version major in the upper 16 bits; see {@link VmbusVersion}
 * @param targetCpu whom to send messages to
 * @param targetInfo the word at 16: SINT, VTL, feature flags
 * @param monitorPage1 GPA of the host-to-guest monitor page, 0 for none; some kernels set low bits
 * @param monitorPage2 the same, guest to host
 */
public record InitiateContact(
        int version, int targetCpu, long targetInfo, long monitorPage1, long monitorPage2)
        implements ControlMessage {
    /** {@link #targetInfo} for messages by SINT 2 (Linux {@code VMBUS_MESSAGE_SINT}) of VTL 0. */
    public static final long SINT2_VTL0 = 2;

    static final int VERSION_OFFSET = HEADER_BYTES;
    static final int TARGET_CPU_OFFSET = VERSION_OFFSET + Integer.BYTES;
    static final int TARGET_INFO_OFFSET = TARGET_CPU_OFFSET + Integer.BYTES;
    static final int MONITOR_PAGE1_OFFSET = TARGET_INFO_OFFSET + Long.BYTES;
    static final int MONITOR_PAGE2_OFFSET = MONITOR_PAGE1_OFFSET + Long.BYTES;
    static final int BYTES = MONITOR_PAGE2_OFFSET + Long.BYTES;

    static InitiateContact decodeBody(MemorySegment from, long at) {
        return new InitiateContact(
                Fields.u32(from, at + VERSION_OFFSET),
                Fields.u32(from, at + TARGET_CPU_OFFSET),
                Fields.u64(from, at + TARGET_INFO_OFFSET),
                Fields.u64(from, at + MONITOR_PAGE1_OFFSET),
                Fields.u64(from, at + MONITOR_PAGE2_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + VERSION_OFFSET, version);
        Fields.putU32(to, at + TARGET_CPU_OFFSET, targetCpu);
        Fields.putU64(to, at + TARGET_INFO_OFFSET, targetInfo);
        Fields.putU64(to, at + MONITOR_PAGE1_OFFSET, monitorPage1);
        Fields.putU64(to, at + MONITOR_PAGE2_OFFSET, monitorPage2);
    }

    @Override
    public MessageType type() {
        return MessageType.INITIATE_CONTACT;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "INITIATE_CONTACT version=%s targetCpu=%s targetInfo=%#x monitorPages=%#x,%#x"
                .formatted(
                        VmbusVersion.describe(version),
                        Fields.id(targetCpu),
                        targetInfo,
                        monitorPage1,
                        monitorPage2);
    }
}
