package dev.airlock.vmbus.stress;

import dev.airlock.vmbus.RingWriter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A writer publishes while the reader unmasks and goes to sleep: the writer signals, or the reader
 * sees the packet, or both; never neither.
 */
@JCStressTest
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "signalled")
@Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "seen before sleeping")
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both")
@Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "lost wake-up")
@State
public class DataWakeUp extends RingPair {
    public DataWakeUp() {
        reader.maskInterrupts();
        write();
    }

    @Actor
    public void writer(ZZ_Result r) {
        r.r1 = writer.publish() == RingWriter.SIGNAL;
    }

    @Actor
    public void reader(ZZ_Result r) {
        r.r2 = reader.unmaskInterrupts();
    }
}
