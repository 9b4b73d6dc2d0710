package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.lab.hostile.Attack;
import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.Initramfs;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.OuterMachine.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * {@code airlock boot --attack} against Debian's kernels: what docs/hostile-host.md says of them.
 * Guests share a machine under QEMU.
 */
class AttackLinuxTest {
    private static final int EXIT_PANIC = 3;
    private static final int EXIT_TIMEOUT = 124;

    /**
     * Verified I/O, one request under way and then eight. What was read without an error and is not
     * what was written is "is WRONG".
     */
    private static final String GUEST =
            """
            echo 20 >/proc/sys/kernel/hung_task_timeout_secs
            blocks=256
            until [ -b /dev/sda ]; do usleep 100000; done
            part() { # FIRST COUNT
                dd if=/tmp/want of=/dev/sda bs=4k skip=$1 seek=$1 count=$2 oflag=direct 2>/dev/null || return 0
                dd if=/dev/sda of=/tmp/got.$1 bs=4k skip=$1 count=$2 iflag=direct 2>/dev/null || return 0
                dd if=/tmp/want bs=4k skip=$1 count=$2 2>/dev/null | cmp -s - /tmp/got.$1 || echo "is WRONG: $1"
                echo "$1" >>/tmp/done
            }
            head -c $((blocks * 4096)) /dev/urandom >/tmp/want
            part 0 $blocks
            head -c $((blocks * 4096)) /dev/urandom >/tmp/want
            for first in 0 32 64 96 128 160 192 224; do part $first 32 & done
            wait
            # Only now, when no message of the kernel comes between.
            echo "is done: $(wc -l </tmp/done) parts"
            """;

    private static final int PARTS = 9;

    @TempDir private Path folder = Path.of("");

    /** An attack on a guest, and how it may come off. */
    private record Case(Attack attack, boolean isIsolated, Set<String> verdicts) {
        static Case of(Attack attack, boolean isIsolated, String... verdicts) {
            return new Case(attack, isIsolated, Set.of(verdicts));
        }

        String name() {
            return attack.word() + (isIsolated ? "-isolated" : "");
        }
    }

    @Test
    void shouldTellWhatLinux61MadeOfItsHostsLies() throws Exception {
        check(
                DebianKernel.STABLE,
                List.of(
                        Case.of(Attack.DUPLICATE_ID, true, "survived"),
                        Case.of(Attack.LONG_SENSE, false, "survived"),
                        Case.of(Attack.WRONG_ID, false, "panicked")));
    }

    /** As the table in docs/hostile-host.md has it; what depends on timing has several verdicts. */
    private static Set<String> expected(Attack attack) {
        return switch (attack) {
            case DUPLICATE_ID, STALE_ID, LONG_TRANSFER, LONG_SENSE, MUTATE_HEADER ->
                    Set.of("survived");
            case WRONG_ID -> Set.of("panicked");
            case BAD_OFFSET -> Set.of("survived", "hung");
            case BAD_INDEX, VANISH -> Set.of("hung");
            case UNSOLICITED -> Set.of("warned");
            // Whether I/O comes by the refused pages is chance; later kernels warn of the refusal.
            case REFUSE_VISIBILITY -> Set.of("survived", "had I/O errors", "warned");
        };
    }

    @Tag("soak")
    @ParameterizedTest
    @CsvSource({"STABLE,false", "STABLE,true", "BACKPORTS,false", "BACKPORTS,true"})
    void shouldComeOffAsTheDocsSay(DebianKernel which, boolean isIsolated) throws Exception {
        List<Case> cases = new ArrayList<>();
        for (Attack attack : Attack.values()) {
            if (attack.isByHost() || isIsolated) {
                cases.add(new Case(attack, isIsolated, expected(attack)));
            }
        }
        check(which, cases);
    }

    private void check(DebianKernel which, List<Case> cases) throws Exception {
        LinuxKernel kernel = NestRig.kernel(which);
        Path initramfs = folder.resolve("guest.cpio");
        new Initramfs(kernel)
                .modules("hv_vmbus", "hv_storvsc", "sd_mod")
                .script(GUEST)
                .write(initramfs);
        try (NestRig rig = new NestRig(folder)) {
            for (Case each : cases) {
                rig.add(
                        each.name(),
                        rig.boot(each.name(), kernel, initramfs, each.isIsolated())
                                + "--memory 512M --timeout "
                                + (each.verdicts().contains("hung") ? 90 : 420)
                                + " --cmdline 'console=ttyS0 loglevel=5 panic=-1' --attack "
                                + each.attack().word());
            }
            Map<String, Result> results = rig.run();
            for (Case each : cases) {
                JsonNode attack = rig.report(each.name()).get("attack");
                System.out.printf(
                        "hostile %s %s%s: %s wrong answers, %s (%s)%n",
                        kernel.release(),
                        each.attack().word(),
                        each.isIsolated() ? " isolated" : "",
                        attack.get("wrongAnswers").asString(),
                        attack.get("verdict").asString(),
                        attack.get("complaint").asString());
            }
            for (Case each : cases) {
                check(each, results.get(each.name()), rig.report(each.name()));
            }
        }
    }

    private static void check(Case attacked, Result result, JsonNode report) {
        JsonNode attack = report.get("attack");
        String verdict = attack.get("verdict").asString();
        assertThat(verdict).as("%s: %s", attacked.name(), result).isIn(attacked.verdicts());
        assertThat(attack.get("name").asString()).isEqualTo(attacked.attack().word());
        assertThat(attack.get("wrongAnswers").asLong()).as(attacked.name()).isPositive();
        assertThat(result.errors())
                .contains("attack " + attacked.attack().word() + ": ", "; the guest " + verdict);
        assertThat(result.output()).as(attacked.name()).doesNotContain("is WRONG");
        switch (verdict) {
            case "survived" -> {
                assertThat(result.exitCode()).hasValue(0);
                assertThat(result.output())
                        .as("%s: %s", attacked.name(), result)
                        .contains("is done: " + PARTS + " parts");
            }
            case "panicked" -> {
                assertThat(result.exitCode()).hasValue(EXIT_PANIC);
                assertThat(attack.get("complaint").asString())
                        .startsWith("Kernel panic - not syncing");
            }
            case "hung" -> assertThat(result.exitCode()).hasValue(EXIT_TIMEOUT);
            default -> {}
        }
    }
}
