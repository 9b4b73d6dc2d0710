package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.lab.hostile.Attack;
import dev.airlock.vmm.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelVerdictTest {
    private static final Outcome OFF = new Outcome(Outcome.Kind.POWER_OFF, "");

    private final KernelVerdict verdict = new KernelVerdict();

    @ParameterizedTest
    @CsvSource({
        "SURVIVED, [    1.2] sd 0:0:0:0: [sda] Attached SCSI disk",
        "SURVIVED, Speculative Return Stack Overflow: WARNING: See https://kernel.org/",
        "IO_ERRORS, 'I/O error, dev sda, sector 8 op 0x0:(READ)'",
        "IO_ERRORS, 'Buffer I/O error on dev sda, logical block 0, async page read'",
        "WARNED, WARNING: CPU: 0 PID: 9 at lib/refcount.c:28 refcount_warn_saturate+0x1/0x2",
        "WARNED, 'WARNING: drivers/hv/vmbus_drv.c:1064 at vmbus_on_msg_dpc+0x1/0x2, CPU#0: dd/7'",
        "WARNED, 'WARNING: at fault+0x1/0x2, CPU#3: dd/7'",
        "HUNG, INFO: task dd:123 blocked for more than 15 seconds.",
        "HUNG, watchdog: BUG: soft lockup - CPU#0 stuck for 26s!",
        "OOPSED, 'BUG: kernel NULL pointer dereference, address: 0000000000000000'",
        "OOPSED, 'Oops: 0000 [#1] PREEMPT SMP NOPTI'",
        "OOPSED, kernel BUG at mm/slub.c:435!",
        "OOPSED, 'general protection fault, probably for non-canonical address 0xdead: 0000 [#1]'",
        "PANICKED, Kernel panic - not syncing: Fatal exception",
    })
    void shouldKnowWhatALineMeans(KernelVerdict.Kind kind, String line) {
        verdict.follow(line);

        assertThat(verdict.of(OFF, false)).isEqualTo(kind);
    }

    @Test
    void shouldTellTheFirstOfTheWorst() {
        verdict.follow("I/O error, dev sda");
        verdict.follow("BUG: one");
        verdict.follow("BUG: two");
        verdict.follow("WARNING: three");

        assertThat(verdict.of(OFF, false)).isEqualTo(KernelVerdict.Kind.OOPSED);
        assertThat(verdict.complaint()).isEqualTo("BUG: one");
    }

    @Test
    void shouldTakeAGuestThatDoesNotEndForHungUnlessItIsStillAtWork() {
        Outcome timeout = new Outcome(Outcome.Kind.TIMEOUT, "");
        verdict.follow("I/O error, dev sda");

        assertThat(verdict.of(timeout, true)).isEqualTo(KernelVerdict.Kind.HUNG);
        assertThat(verdict.of(timeout, false)).isEqualTo(KernelVerdict.Kind.UNFINISHED);

        verdict.follow("INFO: task dd:123 blocked for more than 15 seconds.");
        assertThat(verdict.of(timeout, false)).isEqualTo(KernelVerdict.Kind.HUNG);
    }

    @Test
    void shouldTellALineWithoutItsTime() {
        verdict.follow("[    3.561507] BUG: one");
        assertThat(verdict.complaint()).isEqualTo("BUG: one");
    }

    @Test
    void shouldNotTakeACrashThatAScriptAskedForAsThePanicOfAKernel() {
        Outcome panic = new Outcome(Outcome.Kind.PANIC, "");
        assertThat(verdict.of(panic, true)).isEqualTo(KernelVerdict.Kind.PANICKED);

        verdict.follow("Kernel panic - not syncing: sysrq triggered crash");
        assertThat(verdict.of(panic, true)).isEqualTo(KernelVerdict.Kind.IO_ERRORS);
    }

    @ParameterizedTest
    @CsvSource({"vanish,1", "'vanish,seed=-7',-7"})
    void shouldReadAnAttackAndItsSeed(String text, long seed) {
        assertThat(AttackRun.Plan.parse(text)).isEqualTo(new AttackRun.Plan(Attack.VANISH, seed));
    }

    @ParameterizedTest
    @CsvSource({"nonsense", "'vanish,seed=x'", "'vanish,7'", "'vanish,seed=1,seed=2'", "''"})
    void shouldRefuseWhatIsNoAttack(String text) {
        assertThatThrownBy(() -> AttackRun.Plan.parse(text))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
