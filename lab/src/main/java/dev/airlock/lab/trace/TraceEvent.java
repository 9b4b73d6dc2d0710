package dev.airlock.lab.trace;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One event of a recording: what its line says, before the bytes are looked at. Immutable; segments
 * are read-only copies on the heap.
 */
public sealed interface TraceEvent {

    /** Number of the line in its recording, from 1. */
    int line();

    /**
     * A VMBus control message, {@code ctl-guest>host HEX} or {@code ctl-host>guest HEX}.
     *
     * @param message payload of the SynIC message
     * @param notes further {@code name=value} words of the line, which the format does not define
     */
    record Control(int line, Direction direction, MemorySegment message, List<String> notes)
            implements TraceEvent {}

    /**
     * A ring packet, {@code guest>host visible=V/T HEX} or {@code host>guest HEX}.
     *
     * @param visible null when the line does not say, as those from the host
     * @param packet descriptor and payload without the 8-byte trailer
     * @param notes further {@code name=value} words of the line, which the format does not define
     */
    record Packet(
            int line,
            Direction direction,
            @Nullable Visible visible,
            MemorySegment packet,
            List<String> notes)
            implements TraceEvent {}

    /**
     * A GPADL became complete, {@code gpadl pages=N visible=M}.
     *
     * @param pages pages of the GPADL, at least 0
     * @param visible how many of them were host-visible then, at most {@code pages}
     * @param notes further {@code name=value} words of the line, which the format does not define
     */
    record Gpadl(int line, int pages, int visible, List<String> notes) implements TraceEvent {}

    /**
     * How many of a packet's data pages were host-visible when the guest sent it.
     *
     * @param visible at most {@code total}
     * @param total data pages as the recorder counted them, at least 0
     */
    record Visible(int visible, int total) {
        @Override
        public String toString() {
            return visible + "/" + total;
        }
    }
}
