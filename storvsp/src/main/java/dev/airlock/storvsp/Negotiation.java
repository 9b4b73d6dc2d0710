package dev.airlock.storvsp;

import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorVersion;
import java.lang.foreign.MemorySegment;
import java.util.function.IntPredicate;

/**
 * The order in which a guest sets up the device on its primary channel:
 *
 * <pre>
 *  BEGIN_INITIALIZATION -> QUERY_PROTOCOL_VERSION (again until one is spoken) -> QUERY_PROPERTIES
 *      -> [CREATE_SUB_CHANNELS] -> END_INITIALIZATION -> ready, [CREATE_SUB_CHANNELS]
 * </pre>
 *
 * Linux asks for subchannels after the end, Windows before. An operation out of its order is
 * answered {@code STATUS_INVALID_DEVICE_STATE} and changes nothing.
 *
 * <p>{@link #handle} and {@link #restart} are for one thread at a time; {@link #isReady} for any.
 */
final class Negotiation {
    private enum State {
        BEGIN,
        VERSION,
        PROPERTIES,
        END,
        READY
    }

    private final int subchannelsMax;
    private final int maxTransferBytes;
    private volatile State state = State.BEGIN;
    private volatile int version;

    Negotiation(int subchannelsMax, int maxTransferBytes) {
        this.subchannelsMax = subchannelsMax;
        this.maxTransferBytes = maxTransferBytes;
    }

    /** Whether SRBs may come. */
    boolean isReady() {
        return state == State.READY;
    }

    /** The vstor version agreed on, 0 before that. */
    int version() {
        return version;
    }

    /** What {@link #resume} takes; without meaning otherwise. */
    int progress() {
        return state.ordinal();
    }

    /**
     * Goes on where another host stood; from numbers that may be anything.
     *
     * @return false if they cannot be, and nothing was done
     */
    boolean resume(int progress, int spoken) {
        State[] all = State.values();
        if (progress < 0 || progress >= all.length) {
            return false;
        }
        State then = all[progress];
        boolean hasVersion = then != State.BEGIN && then != State.VERSION;
        if (hasVersion ? !VstorVersion.isSupported(spoken) : spoken != 0) {
            return false;
        }
        version = spoken;
        state = then;
        return true;
    }

    /** Back to the beginning: the primary channel was closed. */
    void restart() {
        state = State.BEGIN;
        version = 0;
    }

    /**
     * Handles an operation other than SRBs and resets, writing the answer's body where it has one.
     *
     * @param packet holds the vstor packet at {@code at}; answer values are written in place
     * @param createSubchannels offers so many to the guest; false if it cannot
     * @return NTSTATUS of the answer
     */
    int handle(int operation, MemorySegment packet, long at, IntPredicate createSubchannels) {
        return switch (operation) {
            case VstorOperation.BEGIN_INITIALIZATION -> step(State.BEGIN, State.VERSION);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> queryVersion(packet, at);
            case VstorOperation.QUERY_PROPERTIES -> queryProperties(packet, at);
            case VstorOperation.CREATE_SUB_CHANNELS ->
                    createSubchannels(VstorPacket.subchannelCount(packet, at), createSubchannels);
            case VstorOperation.END_INITIALIZATION -> step(State.END, State.READY);
            default -> VstorPacket.STATUS_INVALID_DEVICE_REQUEST;
        };
    }

    private int step(State from, State to) {
        if (state != from) {
            return VstorPacket.STATUS_INVALID_DEVICE_STATE;
        }
        state = to;
        return VstorPacket.STATUS_SUCCESS;
    }

    private int queryVersion(MemorySegment packet, long at) {
        if (state != State.VERSION) {
            return VstorPacket.STATUS_INVALID_DEVICE_STATE;
        }
        int asked = VstorPacket.version(packet, at);
        if (!VstorVersion.isSupported(asked)) {
            return VstorPacket.STATUS_REVISION_MISMATCH;
        }
        version = asked;
        return step(State.VERSION, State.PROPERTIES);
    }

    private int queryProperties(MemorySegment packet, long at) {
        if (state != State.PROPERTIES) {
            return VstorPacket.STATUS_INVALID_DEVICE_STATE;
        }
        packet.asSlice(at + VstorPacket.BODY_OFFSET, VstorChannelProperties.BYTES).fill((byte) 0);
        if (subchannelsMax > 0) {
            VstorChannelProperties.maxChannelCount(packet, at, subchannelsMax);
            VstorChannelProperties.flags(
                    packet, at, VstorChannelProperties.FLAG_SUPPORTS_MULTI_CHANNEL);
        }
        VstorChannelProperties.maxTransferBytes(packet, at, maxTransferBytes);
        return step(State.PROPERTIES, State.END);
    }

    private int createSubchannels(int count, IntPredicate create) {
        if (state != State.END && state != State.READY) {
            return VstorPacket.STATUS_INVALID_DEVICE_STATE;
        }
        if (count < 1 || count > subchannelsMax || !create.test(count)) {
            return VstorPacket.STATUS_INVALID_PARAMETER;
        }
        return VstorPacket.STATUS_SUCCESS;
    }
}
