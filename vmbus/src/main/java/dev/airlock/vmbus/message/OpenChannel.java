package dev.airlock.vmbus.message;

import dev.airlock.vmbus.UserData;
import java.lang.foreign.MemorySegment;

/**
 * Guest to host: use these rings for this channel. Source: Linux {@code include/linux/hyperv.h},
 * {@code struct vmbus_channel_open_channel}.
 *
 * <pre>
 *   8 +----------------------------------------+
 *     | child_relid (u32)                      |
 *  12 +----------------------------------------+
 *     | openid (u32)                           |
 *  16 +----------------------------------------+
 *     | ringbuffer_gpadlhandle (u32)           |
 *  20 +----------------------------------------+
 *     | target_vp (u32)                        |
 *  24 +----------------------------------------+
 *     | downstream_ringbuffer_pageoffset (u32) |
 *  28 +----------------------------------------+
 *     | userdata[120]                          |
 * 148 +----------------------------------------+
 * </pre>
 *
 * @param gpadl GPADL of both rings, guest to host first
 * @param targetCpu whom the host interrupts, {@link #NO_INTERRUPT} for nobody
 * @param downstreamPageOffset pages of the guest-to-host ring, where the other begins
 */
public record OpenChannel(
        int relid,
        int openId,
        int gpadl,
        int targetCpu,
        int downstreamPageOffset,
        UserData userData)
        implements ControlMessage {
    /** {@link #targetCpu}: the guest polls. OpenVMM {@code VP_INDEX_DISABLE_INTERRUPT}. */
    public static final int NO_INTERRUPT = -1;

    static final int RELID_OFFSET = HEADER_BYTES;
    static final int OPEN_ID_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int GPADL_OFFSET = OPEN_ID_OFFSET + Integer.BYTES;
    static final int TARGET_CPU_OFFSET = GPADL_OFFSET + Integer.BYTES;
    static final int DOWNSTREAM_OFFSET = TARGET_CPU_OFFSET + Integer.BYTES;
    static final int USER_DATA_OFFSET = DOWNSTREAM_OFFSET + Integer.BYTES;
    static final int BYTES = USER_DATA_OFFSET + UserData.BYTES;

    static OpenChannel decodeBody(MemorySegment from, long at) {
        return new OpenChannel(
                Fields.u32(from, at + RELID_OFFSET),
                Fields.u32(from, at + OPEN_ID_OFFSET),
                Fields.u32(from, at + GPADL_OFFSET),
                Fields.u32(from, at + TARGET_CPU_OFFSET),
                Fields.u32(from, at + DOWNSTREAM_OFFSET),
                UserData.decode(from, at + USER_DATA_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + OPEN_ID_OFFSET, openId);
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
        Fields.putU32(to, at + TARGET_CPU_OFFSET, targetCpu);
        Fields.putU32(to, at + DOWNSTREAM_OFFSET, downstreamPageOffset);
        userData.encode(to, at + USER_DATA_OFFSET);
    }

    @Override
    public MessageType type() {
        return MessageType.OPEN_CHANNEL;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "OPEN_CHANNEL relid=%s openId=%s gpadl=%s targetCpu=%d downstreamPages=%s userData=%s"
                .formatted(
                        Fields.id(relid),
                        Fields.id(openId),
                        Fields.hex(gpadl),
                        targetCpu,
                        Fields.id(downstreamPageOffset),
                        userData);
    }
}
