package dev.airlock.lab.hostile;

import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.transport.FrameSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Makes frames, one at a time in one place, and spoils them. For one thread. */
final class FrameForge {
    /** A frame may be spoiled to more than the other side takes. */
    private static final int MAX_BYTES = FrameSocket.MAX_FRAME_BYTES + 64;

    private final MemorySegment frame = Arena.ofAuto().allocate(MAX_BYTES, Long.BYTES);

    /** A frame with a message. Like every frame made here it is valid until the next is made. */
    MemorySegment message(int connectionId, ControlMessage message) {
        int bytes = message.encode(frame, FrameSocket.PAYLOAD_OFFSET);
        bare(FrameSocket.KIND_MESSAGE, connectionId);
        return frame.asSlice(0, FrameSocket.PAYLOAD_OFFSET + bytes);
    }

    /** A frame that hands over a region. */
    MemorySegment region(long gpa, long bytes, long fileOffset) {
        frame.set(Spoiler.U64, FrameSocket.REGION_GPA_OFFSET, gpa);
        frame.set(Spoiler.U64, FrameSocket.REGION_BYTES_OFFSET, bytes);
        frame.set(Spoiler.U64, FrameSocket.REGION_FILE_OFFSET_OFFSET, fileOffset);
        bare(FrameSocket.KIND_REGION, 0);
        return frame.asSlice(0, FrameSocket.REGION_FRAME_BYTES);
    }

    /** A frame without payload. */
    MemorySegment bare(int kind, int argument) {
        frame.set(Spoiler.U32, FrameSocket.KIND_OFFSET, kind);
        frame.set(Spoiler.U32, FrameSocket.ARGUMENT_OFFSET, argument);
        return frame.asSlice(0, FrameSocket.PAYLOAD_OFFSET);
    }

    /** The frame made last, with a fault or several. */
    MemorySegment spoil(MemorySegment valid, Dice dice) {
        int bytes = (int) valid.byteSize();
        do {
            switch (dice.below(12)) {
                case 0 -> Spoiler.field(frame, FrameSocket.KIND_OFFSET, Integer.BYTES, dice);
                case 1 -> Spoiler.field(frame, FrameSocket.ARGUMENT_OFFSET, Integer.BYTES, dice);
                case 2 -> bytes = dice.between(1, bytes);
                case 3 -> {
                    int longer = Math.min(MAX_BYTES, bytes + dice.between(1, 64));
                    Spoiler.noise(frame, bytes, longer - bytes, dice);
                    bytes = longer;
                }
                case 4 -> Spoiler.noise(frame, 0, bytes, dice);
                default -> {
                    int body = FrameSocket.PAYLOAD_OFFSET;
                    if (bytes > body) {
                        Spoiler.anywhere(frame, body, bytes - body, dice);
                    } else {
                        Spoiler.anywhere(frame, 0, bytes, dice);
                    }
                }
            }
        } while (dice.oneIn(4));
        return frame.asSlice(0, bytes);
    }
}
