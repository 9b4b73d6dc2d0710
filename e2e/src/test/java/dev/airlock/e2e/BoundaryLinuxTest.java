package dev.airlock.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.Initramfs;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.OuterMachine.Result;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * What crosses the boundary of an isolated Linux guest: nothing of its private memory to the host
 * process, and of a failing disk an I/O error to the guest, nothing worse.
 */
class BoundaryLinuxTest {
    /**
     * The words are hashes, so that they are nowhere but where somebody has computed them. It ends
     * when its disk is taken away.
     */
    private static final String CANARIES =
            """
            word() { printf %s "$1" | sha256sum | head -c 64; }
            fill() { for i in $(seq 64); do word "$1"; done; }
            until [ -b /dev/sda ]; do usleep 100000; done
            fill kept >/tmp/kept
            fill shown >/tmp/shown
            dd if=/tmp/shown of=/dev/sda bs=4096 oflag=direct 2>/dev/null || echo "is BAD: write"
            echo "is ready"
            while [ -b /dev/sda ]; do usleep 100000; done
            [ "$(head -c 64 /tmp/kept)" = "$(word kept)" ] && echo "is kept"
            """;

    private static final String SEARCH =
            """
            %s --cmdline 'console=ttyS0 quiet panic=-1 airlock.do=canaries' --memory 256M --timeout 420 \\
                --control /tmp/ctl --disk mem:16M,name=disk >/tmp/canaries 2>&1 & vmm=$!
            until grep -q "is ready" /tmp/canaries; do kill -0 $vmm 2>/dev/null || break; usleep 200000; done
            word() { printf %%s "$1" | sha256sum | head -c 64; }
            search() { '%s' -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp %s dev.airlock.e2e.MemorySearch "$@"; }
            host=$(for each in /proc/[0-9]*; do
                tr '\\0' ' ' <$each/cmdline 2>/dev/null | grep -q -e "--with-parent $vmm " && echo ${each#/proc/}
            done)
            echo "host: $(search $host kept $(word kept))"
            echo "host: $(search $host shown $(word shown))"
            echo "vmm: $(search $vmm kept $(word kept))"
            airlock disk-remove --control /tmp/ctl disk
            wait $vmm
            code=$?
            cat /tmp/canaries
            exit $code
            """;

    /** Sectors of the disk that fails: of all of it, and the first of the bad ones. */
    private static final int FAILING_SECTORS = 32_768;

    private static final int BAD_SECTOR = 16_384;

    /** Three disks, found by their sizes: one with bad sectors, one without space, a good one. */
    private static final String FAILURES =
            """
            fail() { echo "is BAD: $*"; sync; poweroff -f; }
            disk() { grep -l "^$1\\$" /sys/block/sd*/size 2>/dev/null | sed 's,/sys/block/\\(.*\\)/size,/dev/\\1,'; }
            until [ -b "$(disk 32768)" ] && [ -b "$(disk 65536)" ] && [ -b "$(disk 49152)" ]; do usleep 100000; done
            bad=$(disk 32768) good=$(disk 65536) full=$(disk 49152)
            head -c 1048576 /dev/urandom >/tmp/want
            mkfs.ext4 -q $good || fail mkfs.ext4
            mount $good /mnt || fail mount
            cp /tmp/want /mnt/before
            alike() { dd if=$1 bs=64k count=16 iflag=direct 2>/dev/null | cmp - /tmp/want || fail "alike $1"; }
            for disk in $bad $full; do
                dd if=/tmp/want of=$disk bs=64k oflag=direct 2>/dev/null || fail "write $disk"
            done
            # Linux has an errno of its own for a bad medium, which its page cache makes EIO.
            dd if=$bad of=/dev/null bs=4k skip=2048 count=1 iflag=direct 2>/tmp/said && fail "read a bad sector"
            echo "is direct error: $(grep -o -e 'No data available' /tmp/said)"
            dd if=$bad of=/dev/null bs=4k skip=2048 count=1 2>/tmp/said && fail "read a bad sector by the page cache"
            echo "is error: $(grep -o -e 'Input/output error' -e 'I/O error' /tmp/said)"
            echo "is sense: $(dmesg | grep -o -e 'Sense Key : Medium Error' -e 'Add. Sense: Unrecovered read error' | sort -u | tr '\\n' ' ')"
            read_at() { dd if=$bad of=/dev/null bs=4k skip=$1 count=1 iflag=direct 2>/dev/null || echo $1; }
            for at in 2044 2045 2046 2047 2048 2049 2050 2051 2052; do read_at $at & done >/tmp/failed
            wait
            echo "is failed among others: $(cat /tmp/failed)"
            alike $bad
            dd if=/tmp/want of=$full bs=64k seek=192 oflag=direct 2>/tmp/said && fail "wrote where there is no space"
            echo "is full: $(grep -o 'No space left on device' /tmp/said)"
            alike $full
            cp /tmp/want /mnt/after
            umount /mnt
            e2fsck -f -n $good >/dev/null 2>&1 || fail e2fsck
            mount $good /mnt
            cmp /tmp/want /mnt/before && cmp /tmp/want /mnt/after || fail cmp
            umount /mnt
            echo "is GOOD"
            """;

    /** The file of the disk without space is on a file system that has room for some of it. */
    private static final String FAIL =
            """
            mkdir /small
            mount -t tmpfs -o size=1536k tmpfs /small
            truncate -s 24M /small/disk
            %s --cmdline 'console=ttyS0 quiet panic=-1 airlock.do=failures' --memory 512M --timeout 420 \\
                --disk /dev/sda,direct --disk mem:32M --disk /small/disk
            """;

    private static final String CHOOSE =
            """
            . /$(sed -n 's/.*airlock\\.do=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
            """;

    @TempDir private Path folder = Path.of("");

    @Test
    void shouldKeepPrivateMemoryFromTheHostAndGuestsAliveOnFailingDisks() throws Exception {
        LinuxKernel kernel = NestRig.kernel(DebianKernel.STABLE, "mkfs.ext4", "e2fsck");
        Path initramfs = folder.resolve("guest.cpio");
        new Initramfs(kernel)
                .modules("hv_vmbus", "hv_storvsc", "sd_mod", "ext4")
                .program("mkfs.ext4")
                .program("e2fsck")
                .file("canaries", 0644, CANARIES.getBytes(US_ASCII))
                .file("failures", 0644, FAILURES.getBytes(US_ASCII))
                .script(CHOOSE)
                .write(initramfs);
        try (NestRig rig = new NestRig(folder)) {
            // Documentation: modinfo scsi_debug. opts=2: reads of these sectors fail.
            rig.machine()
                    .module("sd_mod", "")
                    .module(
                            "scsi_debug",
                            "dev_size_mb=%d opts=2 medium_error_start=%d medium_error_count=8"
                                    .formatted(FAILING_SECTORS / 2048, BAD_SECTOR));
            rig.add(
                    "canaries",
                    SEARCH.formatted(
                            rig.boot("canaries", kernel, initramfs, true),
                            NestRig.program().jdk().resolve("bin/java"),
                            rig.machine().input(searchProgram())));
            rig.add("failures", FAIL.formatted(rig.boot("failures", kernel, initramfs, true)));

            Map<String, Result> results = rig.run();

            checkCanaries(results.get("canaries"));
            checkFailures(results.get("failures"), rig.report("failures"));
        }
    }

    private static void checkCanaries(Result result) {
        assertThat(result.exitCode()).as("%s", result).hasValue(0);
        String said = result.output();
        assertThat(said).doesNotContain("is BAD").contains("is ready", "is kept");
        assertThat(said).as("what is private").contains("host: found kept mapped=0 memfds=0");
        assertThat(found("host: found shown mapped=(\\d+) memfds=\\d+", said))
                .as("the search finds what the guest has shown")
                .isPositive();
        assertThat(found("vmm: found kept mapped=\\d+ memfds=(\\d+)", said))
                .as("the search finds what is private where it may be")
                .isPositive();
    }

    private static void checkFailures(Result result, JsonNode report) {
        assertThat(result.exitCode()).as("%s", result).hasValue(0);
        assertThat(result.output())
                .as("%s", result)
                .doesNotContain("is BAD")
                .contains("is direct error: No data available")
                .containsPattern("is error: (Input/output|I/O) error")
                .contains("is sense: Add. Sense: Unrecovered read error Sense Key : Medium Error")
                .containsPattern("is failed among others: 2048\\s*\\n")
                .contains("is full: No space left on device")
                .contains("is GOOD");
        assertThat(report.get("outcome").asString()).isEqualTo("POWER_OFF");
        assertThat(report.get("failed").asLong()).isGreaterThanOrEqualTo(3);
        assertThat(report.get("invisiblePagesRefused").asLong()).isZero();
    }

    private static int found(String pattern, String said) {
        Matcher matcher = Pattern.compile(pattern).matcher(said);
        assertThat(matcher.find()).as("%s in %s", pattern, said).isTrue();
        return Integer.parseInt(matcher.group(1));
    }

    /** {@link MemorySearch} as a program for the machine. */
    private Path searchProgram() throws IOException {
        Path jar = folder.resolve("search.jar");
        try (JarOutputStream entries = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Class<?> part :
                    new Class<?>[] {MemorySearch.class, ProcFs.class, ProcFs.Range.class}) {
                String name = part.getName().replace('.', '/') + ".class";
                entries.putNextEntry(new JarEntry(name));
                try (InputStream bytes =
                        Objects.requireNonNull(part.getResourceAsStream("/" + name))) {
                    bytes.transferTo(entries);
                }
            }
        }
        return jar;
    }
}
