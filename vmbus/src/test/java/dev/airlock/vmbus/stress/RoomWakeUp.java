package dev.airlock.vmbus.stress;

import dev.airlock.vmbus.RingWriter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A writer finds the ring full and asks for room while the reader gives room back: the reader
 * signals, or the writer sees the room, or both; never neither.
 */
@JCStressTest
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "room seen before sleeping")
@Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "signalled")
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both")
@Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "lost wake-up")
@State
public class RoomWakeUp extends RingPair {
    public RoomWakeUp() {
        while (write()) {}
        writer.publish();
        read();
        read();
    }

    @Actor
    public void writer(ZZ_Result r) {
        r.r1 = (writer.awaitRoom(BYTES) & RingWriter.ROOM) != 0;
    }

    @Actor
    public void reader(ZZ_Result r) {
        r.r2 = reader.consumed();
    }
}
