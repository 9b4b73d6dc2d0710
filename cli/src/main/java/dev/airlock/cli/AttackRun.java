package dev.airlock.cli;

import dev.airlock.lab.hostile.Attack;
import dev.airlock.lab.hostile.AttackHost;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmm.Outcome;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An attack on one guest of {@code airlock boot}: who does it, and what the guest's kernel made of
 * it. The host is a test instrument and runs in this process. Thread-safe.
 */
final class AttackRun implements AutoCloseable {
    /** How often the hypervisor refuses to show a page. */
    private static final int REFUSED_ONE_IN = 8;

    /** A guest that has sent no request for so long before its time was over hangs. */
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Plan plan;
    private final KernelVerdict verdict = new KernelVerdict();
    private final SplittableRandom random;
    private final AtomicLong refused = new AtomicLong();
    private volatile @Nullable AttackHost host;
    private volatile boolean quietAtEnd;

    /** Which attack, with which choices. */
    record Plan(Attack attack, long seed) {
        private static final String SEED = "seed=";

        /**
         * Reads {@code NAME[,seed=N]}.
         *
         * @throws IllegalArgumentException for any other text
         */
        static Plan parse(String text) {
            String[] words = text.split(",", -1);
            Attack attack = Attack.of(words[0]);
            if (attack == null) {
                throw new IllegalArgumentException(
                        "'%s' is none of %s".formatted(words[0], Attack.words()));
            }
            if (words.length == 1) {
                return new Plan(attack, 1);
            }
            try {
                if (words.length == 2 && words[1].startsWith(SEED)) {
                    return new Plan(attack, Long.parseLong(words[1].substring(SEED.length())));
                }
            } catch (NumberFormatException e) {
                // Told below.
            }
            throw new IllegalArgumentException("after the name only ',seed=N' with a whole number");
        }
    }

    AttackRun(Plan plan) {
        this.plan = plan;
        random = new SplittableRandom(plan.seed());
    }

    /** Starts the host; returns the guest's end. Called once. */
    UnixSocket connect() throws LinuxException {
        UnixSocket.Pair pair = UnixSocket.pair();
        try {
            host =
                    new AttackHost(
                            pair.left(),
                            plan.attack().isByHost() ? plan.attack() : null,
                            plan.seed());
        } catch (LinuxException e) {
            pair.close();
            throw e;
        }
        return pair.right();
    }

    /** Whether the hypervisor does what the guest asks for. */
    synchronized boolean mayChange(boolean show) {
        if (plan.attack() != Attack.REFUSE_VISIBILITY
                || !show
                || random.nextInt(REFUSED_ONE_IN) != 0) {
            return true;
        }
        refused.incrementAndGet();
        return false;
    }

    /** A line of the guest's console. */
    void follow(String line) {
        verdict.follow(line);
    }

    /** The guest has ended; to be called before its report is made. */
    void ended() {
        AttackHost running = host;
        quietAtEnd = running == null || running.nanosSinceRequest() > QUIET_NANOS;
    }

    /** One line for people. */
    String text(Outcome outcome) {
        String complaint = verdict.complaint();
        return "attack %s: %,d wrong answers sent; the guest %s%s"
                .formatted(
                        plan.attack().word(),
                        wrongAnswers(),
                        verdict.of(outcome, quietAtEnd).words(),
                        complaint.isEmpty() ? "" : " (" + complaint + ")");
    }

    /** For {@code --report}. */
    Map<String, Object> fields(Outcome outcome) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", plan.attack().word());
        fields.put("seed", plan.seed());
        fields.put("wrongAnswers", wrongAnswers());
        fields.put("verdict", verdict.of(outcome, quietAtEnd).words());
        fields.put("complaint", verdict.complaint());
        return fields;
    }

    private long wrongAnswers() {
        AttackHost running = host;
        return refused.get() + (running == null ? 0 : running.wrongAnswers());
    }

    @Override
    public void close() {
        AttackHost running = host;
        if (running != null) {
            running.close();
        }
    }
}
