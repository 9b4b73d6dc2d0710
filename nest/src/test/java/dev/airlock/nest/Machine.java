package dev.airlock.nest;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import org.opentest4j.TestAbortedException;

/** What this machine has for the tests. */
final class Machine {
    private Machine() {}

    /** Skips the test where a program is missing. */
    static void assume(String... programs) {
        for (String program : programs) {
            assumeTrue(Tool.find(program).isPresent(), "skipped: no " + program);
        }
    }

    /** Debian's kernel; skips the test where apt cannot give it. */
    static LinuxKernel kernel(DebianKernel which) throws IOException {
        try {
            return which.fetch();
        } catch (NestException e) {
            throw new TestAbortedException("skipped: no Debian kernel here: " + e.getMessage(), e);
        }
    }
}
