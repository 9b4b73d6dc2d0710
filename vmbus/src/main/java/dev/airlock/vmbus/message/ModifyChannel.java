package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: interrupt another CPU for this channel. Answered since 5.3. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_modifychannel}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | child_relid (u32)        |
 * 12 +--------------------------+
 *    | target_vp (u32)          |
 * 16 +--------------------------+
 * </pre>
 */
public record ModifyChannel(int relid, int targetCpu) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int TARGET_CPU_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int BYTES = TARGET_CPU_OFFSET + Integer.BYTES;

    static ModifyChannel decodeBody(MemorySegment from, long at) {
        return new ModifyChannel(
                Fields.u32(from, at + RELID_OFFSET), Fields.u32(from, at + TARGET_CPU_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + TARGET_CPU_OFFSET, targetCpu);
    }

    @Override
    public MessageType type() {
        return MessageType.MODIFY_CHANNEL;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "MODIFY_CHANNEL relid=%s targetCpu=%s"
                .formatted(Fields.id(relid), Fields.id(targetCpu));
    }
}
