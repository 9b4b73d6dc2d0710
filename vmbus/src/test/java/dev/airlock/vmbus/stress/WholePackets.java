package dev.airlock.vmbus.stress;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A published packet is seen whole or not at all. */
@JCStressTest
@Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "not yet")
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "whole")
@Outcome(id = "2", expect = Expect.FORBIDDEN, desc = "torn, stale or corrupt")
@State
public class WholePackets extends RingPair {
    @Actor
    public void writer() {
        write();
        writer.publish();
    }

    @Actor
    public void reader(I_Result r) {
        r.r1 = read();
    }
}
