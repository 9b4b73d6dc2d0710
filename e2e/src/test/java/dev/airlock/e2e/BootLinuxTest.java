package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nest.CacheFolder;
import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.GuestTools;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
import dev.airlock.nest.OuterMachine;
import dev.airlock.nest.OuterMachine.Result;
import dev.airlock.nest.OuterMachine.Task;
import dev.airlock.nest.RootDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.opentest4j.TestAbortedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code airlock boot} with Debian's kernels, in a machine under QEMU that has KVM; boots share
 * such a machine, as it takes a while to start. The limits keep a broken program from hanging the
 * tests.
 */
class BootLinuxTest {
    private static final Duration GUEST_PATIENCE = Duration.ofSeconds(400);
    private static final Duration MACHINE_PATIENCE = Duration.ofMinutes(12);

    @TempDir private Path folder = Path.of("");

    @Test
    void shouldCarryTheIoOfLinux61() throws Exception {
        List<Guest> guests =
                List.of(
                        new Guest("isolated4", "storage", true, 4),
                        new Guest("open1", "storage", false, 1));
        Map<String, Result> results =
                run(
                        DebianKernel.STABLE,
                        guests,
                        List.of("reboot", "panic", "hot", "killed", "volatile"));
        Result reboot = results.get("reboot");
        assertThat(reboot.exitCode()).as("%s", reboot).hasValue(0);
        assertThat(reboot.output()).contains("is back");
        Result panic = results.get("panic");
        assertThat(panic.exitCode()).as("%s", panic).hasValue(3);
        assertThat(panic.errors())
                .as("%s", panic)
                .contains("Kernel panic - not syncing: sysrq triggered crash");
        Result hot = results.get("hot");
        assertThat(hot.exitCode()).as("%s", hot).hasValue(0);
        assertThat(hot.output()).contains("is added 33554432", "is resized", "is removed");
        checkKilled(results.get("killed"));
        Result gone = results.get("volatile");
        assertThat(gone.exitCode()).as("%s", gone).hasValue(1);
        assertThat(gone.output()).contains("ended by signal 9; what disk ", "held is gone with it");
    }

    private static void checkKilled(Result killed) {
        assertThat(killed.exitCode()).as("%s", killed).hasValue(0);
        assertThat(killed.output()).as("%s", killed).doesNotContain("is BAD");
        Matcher good = Pattern.compile("is GOOD ([0-9a-f]{64})").matcher(killed.output());
        assertThat(good.find()).as("%s", killed).isTrue();
        assertThat(killed.output().split("outside: " + good.group(1), -1)).hasSize(4 + 1);
        assertThat(killed.output())
                .contains("was ended by signal 9")
                .containsPattern("(?s)(the guest goes on with another host.*){3}")
                // The services go on, too.
                .containsPattern("(?s)the guest was asked to switch itself off.*is asked")
                .contains("heartbeat ok");
    }

    @Test
    void shouldCarryTheIoOfLinux612() throws Exception {
        run(
                DebianKernel.BACKPORTS,
                List.of(
                        new Guest("isolated1", "storage", true, 1),
                        new Guest("open4", "storage", false, 4)),
                List.of());
    }

    /** What {@link #shouldCarryTheIoOfLinux61} and the other leave out, too. */
    @Tag("soak")
    @ParameterizedTest
    @EnumSource(
            value = DebianKernel.class,
            names = {"STABLE", "BACKPORTS"})
    void shouldCarryTheIoOfEveryCombination(DebianKernel kernel) throws Exception {
        List<Guest> guests = new ArrayList<>();
        for (boolean isolated : new boolean[] {true, false}) {
            for (int cpus : new int[] {1, 2, 4}) {
                guests.add(
                        new Guest(
                                (isolated ? "isolated" : "open") + cpus,
                                "storage",
                                isolated,
                                cpus));
            }
        }
        run(kernel, guests, List.of());
    }

    @Test
    void shouldBootARootDiskToALogin() throws Exception {
        logIn(List.of(new Guest("isolated1", "", true, 1), new Guest("open4", "", false, 4)));
    }

    @Tag("soak")
    @Test
    void shouldBootARootDiskToALoginInTheOtherWays() throws Exception {
        logIn(List.of(new Guest("isolated4", "", true, 4), new Guest("open1", "", false, 1)));
    }

    private void logIn(List<Guest> guests) throws Exception {
        LinuxKernel kernel = kernel(DebianKernel.STABLE);
        Path root;
        try {
            root = RootDisk.get(CacheFolder.ofUser());
        } catch (NestException e) {
            throw new TestAbortedException("skipped: no root disk: " + e.getMessage());
        }
        Path initramfs = folder.resolve("root.cpio");
        RootDisk.writeInitramfs(kernel, initramfs);
        try (OuterMachine machine = new OuterMachine(NestRig.program(), kernel)) {
            String files =
                    " --kernel "
                            + machine.input(kernel.image())
                            + " --initrd "
                            + machine.input(initramfs)
                            + " --cmdline 'console=ttyS0 quiet root=/dev/sda' --disk "
                            + machine.disk(root, true)
                            + ",snapshot";
            List<Task> tasks = new ArrayList<>();
            for (Guest guest : guests) {
                String boot =
                        "(sleep 5; while sleep 2; do echo 'cat /etc/hostname; uname -r; poweroff'; done) |"
                                + " airlock boot --memory 512M --timeout 300 --isolation "
                                + (guest.isolated() ? "vbs" : "none")
                                + " --cpus "
                                + guest.cpus()
                                + files;
                tasks.add(new Task(guest.name(), List.of("sh", "-c", boot), GUEST_PATIENCE));
            }
            Path outputs = Files.createDirectory(folder.resolve("out"));
            for (Result result :
                    machine.runAll(tasks, folder.resolve("console"), outputs, MACHINE_PATIENCE)) {
                assertThat(result.exitCode()).as("%s", result).hasValue(0);
                assertThat(result.output()).contains(RootDisk.PROMPT.strip(), "6.1.");
            }
        }
    }

    private record Guest(String name, String script, boolean isolated, int cpus) {}

    private Map<String, Result> run(DebianKernel which, List<Guest> guests, List<String> more)
            throws Exception {
        LinuxKernel kernel = kernel(which);
        Path initramfs = folder.resolve("tools.cpio");
        new GuestTools(kernel)
                .modules("hv_utils")
                .script("storage", BootScripts.STORAGE)
                .script("reboot", BootScripts.REBOOT)
                .script("panic", BootScripts.PANIC)
                .script("hot", BootScripts.HOT)
                .script("killed", BootScripts.KILLED)
                .write(initramfs);
        Path outputs = Files.createDirectory(folder.resolve("out"));
        try (OuterMachine machine = new OuterMachine(NestRig.program(), kernel)) {
            String files =
                    "--kernel "
                            + machine.input(kernel.image())
                            + " --initrd "
                            + machine.input(initramfs)
                            + " --memory 768M --timeout 380 ";
            List<Task> tasks = new ArrayList<>();
            for (Guest guest : guests) {
                tasks.add(task(guest.name(), storage(files, guest)));
            }
            String small = files + "--disk mem:16M ";
            for (String name : more) {
                String cmdline = cmdline(name.equals("volatile") ? "hot" : name);
                tasks.add(
                        task(
                                name,
                                switch (name) {
                                    case "hot" ->
                                            BootScripts.HOT_FROM_OUTSIDE.formatted(small + cmdline);
                                    case "volatile" ->
                                            BootScripts.VOLATILE_FROM_OUTSIDE.formatted(
                                                    small + cmdline);
                                    case "killed" ->
                                            BootScripts.KILLED_FROM_OUTSIDE.formatted(
                                                    files + "--isolation vbs --cpus 2 " + cmdline);
                                    case "panic" ->
                                            "airlock boot --isolation vbs " + small + cmdline;
                                    default -> "airlock boot " + small + cmdline;
                                }));
            }
            List<Result> all =
                    machine.runAll(tasks, folder.resolve("console"), outputs, MACHINE_PATIENCE);
            Map<String, Result> results = new HashMap<>();
            assertThat(all)
                    .as(
                            "the machine under QEMU ended early: %s",
                            NestRig.consoleEnd(folder.resolve("console")))
                    .allMatch(result -> result.exitCode().isPresent());
            for (int i = 0; i < tasks.size(); i++) {
                results.put(tasks.get(i).name(), all.get(i));
            }
            for (Guest guest : guests) {
                check(guest, results.get(guest.name()), outputs);
            }
            return results;
        }
    }

    private static Task task(String name, String command) {
        return new Task(name, List.of("sh", "-c", command), GUEST_PATIENCE.multipliedBy(3));
    }

    private static String cmdline(String script) {
        return "--cmdline 'console=ttyS0 quiet panic=30 hv_storvsc.storvsc_vcpus_per_sub_channel=1 "
                + GuestTools.word(script)
                + "'";
    }

    /** A guest, and afterwards the disk as the outer machine finds it. */
    private static String storage(String files, Guest guest) {
        String disk = "/tmp/" + guest.name() + ".img";
        return "truncate -s 400M %s; airlock boot %s --cpus %d --isolation %s --disk %s --report /out/%s.json %s; code=$?; echo \"outside: $(dd if=%s bs=1M skip=369 count=1 2>/dev/null | head -c 65536 | sha256sum)\"; rm %s; exit $code"
                .formatted(
                        disk,
                        files,
                        guest.cpus(),
                        guest.isolated() ? "vbs" : "none",
                        disk,
                        guest.name(),
                        cmdline(guest.script()),
                        disk,
                        disk);
    }

    private static void check(Guest guest, Result result, Path outputs) throws IOException {
        assertThat(result.exitCode()).as("%s: %s", guest, result).hasValue(0);
        String said = result.output();
        assertThat(said).as("%s", guest).contains("is GOOD").doesNotContain("is BAD");
        Matcher written = Pattern.compile("is written: ([0-9a-f]{64})").matcher(said);
        assertThat(written.find()).isTrue();
        assertThat(said).contains("outside: " + written.group(1));
        Matcher channel = Pattern.compile("is channel: ([0-9]+) interrupts").matcher(said);
        int channels = 0;
        while (channel.find()) {
            channels++;
            assertThat(Integer.parseInt(channel.group(1))).as("%s", guest).isPositive();
        }
        assertThat(channels).as("channels of %s", guest).isEqualTo(guest.cpus());
        JsonNode report =
                JsonMapper.builder()
                        .build()
                        .readTree(Files.readString(outputs.resolve(guest.name() + ".json")));
        assertThat(report.get("invisiblePagesRefused").asInt()).isZero();
        assertThat(report.get("isolated").asBoolean()).isEqualTo(guest.isolated());
        if (guest.isolated()) {
            assertThat(said).contains("is swiotlb: 0");
            assertThat(report.get("pagesPrivate").asLong())
                    .isGreaterThan(report.get("pagesVisible").asLong());
        }
    }

    private static LinuxKernel kernel(DebianKernel which) throws IOException {
        return NestRig.kernel(which, "fio", "mkfs.xfs", "sg_vpd");
    }
}
