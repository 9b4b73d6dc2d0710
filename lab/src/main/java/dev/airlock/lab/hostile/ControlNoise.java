package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.lang.foreign.MemorySegment;

/**
 * Control messages that answer nothing, beside those of the bus on the same socket. None takes the
 * device away or claims that a channel of it is closed. For one thread.
 */
final class ControlNoise {
    private static final int KINDS = 9;
    private static final int UNKNOWN_TYPE = 77;
    private static final int UNKNOWN_RELID = 1999;
    private static final int UNKNOWN_GPADL = 0x7E57;

    private final UnixSocket socket;
    private final Dice dice;

    /**
     * @param socket the bus's, which owns it
     */
    ControlNoise(UnixSocket socket, long seed) {
        this.socket = socket;
        dice = Dice.ofPart(seed, 1);
    }

    /** Sends one; a guest that has gone is no error. */
    void send(Offer own) {
        byte[] message = message(own);
        byte[] frame = new byte[FrameSocket.PAYLOAD_OFFSET + message.length];
        System.arraycopy(message, 0, frame, FrameSocket.PAYLOAD_OFFSET, message.length);
        MemorySegment bytes = MemorySegment.ofArray(frame);
        bytes.set(Spoiler.U32, FrameSocket.KIND_OFFSET, FrameSocket.KIND_MESSAGE);
        try {
            socket.send(frame, frame.length);
        } catch (LinuxException e) {
            // The bus finds out as well, and ends.
        }
    }

    private byte[] message(Offer own) {
        return switch (dice.below(KINDS)) {
            // The same offer again.
            case 0 -> new OfferChannel(own).toBytes();
            case 1 -> new GpadlCreated(own.relid(), UNKNOWN_GPADL, 0).toBytes();
            case 2 -> new GpadlTorndown(UNKNOWN_GPADL).toBytes();
            case 3 -> new OpenChannelResult(own.relid(), UNKNOWN_GPADL, 0).toBytes();
            case 4 -> new ModifyChannelResponse(UNKNOWN_RELID, 0).toBytes();
            case 5 -> new RescindChannelOffer(UNKNOWN_RELID).toBytes();
            case 6 -> new VersionResponse(1, VersionResponse.SUCCESSFUL, 0).toBytes();
            case 7 -> unknown();
            default -> cut(new OfferChannel(own).toBytes());
        };
    }

    /** A type that no version of the protocol has. */
    private byte[] unknown() {
        byte[] bytes = new byte[ControlMessage.MAX_BYTES];
        MemorySegment message = MemorySegment.ofArray(bytes);
        Spoiler.noise(message, 0, bytes.length, dice);
        message.set(Spoiler.U32, 0, UNKNOWN_TYPE);
        return bytes;
    }

    /** The header of a longer message. */
    private static byte[] cut(byte[] whole) {
        byte[] bytes = new byte[ControlMessage.HEADER_BYTES];
        System.arraycopy(whole, 0, bytes, 0, bytes.length);
        return bytes;
    }
}
