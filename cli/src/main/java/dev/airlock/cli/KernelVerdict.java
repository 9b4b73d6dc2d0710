package dev.airlock.cli;

import dev.airlock.vmm.Outcome;
import java.util.regex.Pattern;

/**
 * What a Linux kernel's console says that something did to it: the worst of what it said. The texts
 * are those of Linux 6.1 to 6.19. Thread-safe.
 */
final class KernelVerdict {
    /** A crash that the guest's own script asked for, when its I/O failed: no panic of a kernel. */
    private static final String ON_PURPOSE = "sysrq triggered crash";

    private static final String PANIC = "Kernel panic - not syncing";

    /** What printk puts before a line, where it is told to. */
    private static final Pattern PRINTK_TIME = Pattern.compile("^\\[ *[0-9.]+\\] ");

    private Kind worst = Kind.SURVIVED;
    private String complaint = "";
    private boolean crashedOnPurpose;

    /** How a guest came off, the better before the worse. */
    enum Kind {
        SURVIVED("survived"),
        IO_ERRORS("had I/O errors", "I/O error", ON_PURPOSE),
        // kernel/panic.c, __warn(): before Linux 6.19, and since.
        WARNED("warned", "WARNING: CPU: \\d", "WARNING: .*CPU#\\d"),
        UNFINISHED("was still at work when its time was over"),
        HUNG(
                "hung",
                "blocked for more than",
                "soft lockup",
                "detected stalls",
                "self-detected stall"),
        OOPSED("oopsed", "BUG:", "kernel BUG at", "Oops", "general protection fault", "KASAN:"),
        FAILED("could not go on"),
        PANICKED("panicked", PANIC);

        private final String words;
        private final Pattern signs;

        /**
         * @param signs regular expressions; a line with none of them is no sign
         */
        Kind(String words, String... signs) {
            this.words = words;
            this.signs = Pattern.compile(signs.length == 0 ? "(?!)" : String.join("|", signs));
        }

        /** For reports. */
        String words() {
            return words;
        }

        private static Kind of(String line) {
            if (line.contains(ON_PURPOSE)) {
                return IO_ERRORS;
            }
            for (Kind kind : values()) {
                if (kind.signs.matcher(line).find()) {
                    return kind;
                }
            }
            return SURVIVED;
        }
    }

    /** One line of the console. */
    synchronized void follow(String line) {
        Kind kind = Kind.of(line);
        crashedOnPurpose |= line.contains(ON_PURPOSE);
        if (kind.compareTo(worst) > 0) {
            worst = kind;
            complaint = PRINTK_TIME.matcher(line).replaceFirst("").strip();
        }
    }

    /**
     * The first line that was as bad as any, without its time; empty if the kernel said nothing
     * bad.
     */
    synchronized String complaint() {
        return complaint;
    }

    /**
     * The verdict when the guest has ended so.
     *
     * @param quiet whether it had done no I/O for a while
     */
    synchronized Kind of(Outcome outcome, boolean quiet) {
        Kind byOutcome =
                switch (outcome.kind()) {
                    case TIMEOUT -> quiet ? Kind.HUNG : Kind.UNFINISHED;
                    case FAILED -> Kind.FAILED;
                    case PANIC -> crashedOnPurpose ? Kind.IO_ERRORS : Kind.PANICKED;
                    case POWER_OFF, RESET, STOPPED -> Kind.SURVIVED;
                };
        return byOutcome.compareTo(worst) > 0 ? byOutcome : worst;
    }
}
