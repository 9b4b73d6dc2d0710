package dev.airlock.vmbus.stress;

import dev.airlock.vmbus.RingWriter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * The whole round of a consumer as both sides run it (read until there is nothing, give the room
 * back, unmask, look once more, sleep) against a producer that publishes two packets one by one. A
 * consumer that sleeps with a packet in the ring must have been signalled; the signal may be for an
 * earlier packet, since an eventfd keeps it until the sleep.
 */
@JCStressTest
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "signalled, asleep with work")
@Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "all taken before sleeping")
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both")
@Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "lost wake-up")
@State
public class SleepCycle extends RingPair {
    private static final int PACKETS = 2;

    public SleepCycle() {
        reader.maskInterrupts();
    }

    @Actor
    public void writer(ZZ_Result r) {
        boolean signalled = false;
        for (int i = 0; i < PACKETS; i++) {
            write();
            signalled |= writer.publish() == RingWriter.SIGNAL;
        }
        r.r1 = signalled;
    }

    @Actor
    public void reader(ZZ_Result r) {
        int taken = 0;
        do {
            reader.maskInterrupts();
            while (read() == 1) {
                taken++;
            }
            reader.consumed();
        } while (reader.unmaskInterrupts());
        r.r2 = taken == PACKETS;
    }
}
