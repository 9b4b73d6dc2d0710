package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A guest that measures: Debian's kernel, and an initramfs that runs fio on a disk, whose contents
 * it overwrites: the one that {@code hv_storvsc} shows as {@code /dev/sda}, or a {@link
 * BenchPeer}'s. It says nothing between the lines {@link #BEGIN} and {@link #END} of a job, each
 * followed by the job's name; what fio counted comes after, on a line {@link #RESULT}, in fio's
 * terse format. It powers off when all went well and panics when not.
 *
 * @param kernel bzImage
 * @param initramfs that suits it
 */
public record BenchGuest(Path kernel, Path initramfs) {
    /** Before a job's fio is started. */
    public static final String BEGIN = "airlock-bench: begin ";

    /** After it has ended. */
    public static final String END = "airlock-bench: end ";

    /** The name again, a space, and one line of fio's terse format. */
    public static final String RESULT = "airlock-bench: result ";

    /** What went wrong. */
    public static final String FAILED = "airlock-bench: failed ";

    /** The jobs, in their order; each overwrites or reads all of the disk at random. */
    public static final List<Job> JOBS =
            List.of(
                    new Job("4k-read-qd1", "randread", 4096, 1),
                    new Job("4k-write-qd1", "randwrite", 4096, 1),
                    new Job("4k-read-qd32", "randread", 4096, 32),
                    new Job("4k-write-qd32", "randwrite", 4096, 32),
                    new Job("1m-read-qd8", "randread", 1 << 20, 8));

    private static final String[] MODULES = {"hv_vmbus", "hv_storvsc", "sd_mod"};

    private static final String SCRIPT =
            """
            fail() { echo "airlock-bench: failed $*"; sync; echo c >/proc/sysrq-trigger; }
            seconds=$(sed -n 's/.*airlock\\.seconds=\\([0-9]*\\).*/\\1/p' /proc/cmdline)
            disk=$(sed -n 's/.*airlock\\.disk=\\([a-z]*\\).*/\\1/p' /proc/cmdline)
            waited=0
            until [ -b /dev/$disk ]; do
                [ $waited -lt 300 ] || fail "no disk /dev/$disk after 30 s"
                waited=$((waited + 1))
                usleep 100000
            done
            # Holes read faster than data.
            blocks=$(($(cat /sys/block/$disk/size) / 2048))
            tr '\\0' x </dev/zero | dd of=/dev/$disk iflag=fullblock bs=1048576 count=$blocks conv=fsync 2>/tmp/said || fail "filling the disk: $(tail -n 1 /tmp/said)"
            job() { # NAME RW BLOCK-BYTES DEPTH
                echo "airlock-bench: begin $1"
                usleep 200000 # the line is out before fio starts
                fio --name=$1 --filename=/dev/$disk --rw=$2 --bs=$3 --iodepth=$4 --ioengine=libaio --direct=1 --norandommap \\
                    --thread --time_based --runtime=$seconds --minimal --eta=never --output=/tmp/result >/tmp/said 2>&1
                code=$?
                echo "airlock-bench: end $1"
                [ $code = 0 ] || fail "fio $1: $(tail -n 1 /tmp/said)"
                echo "airlock-bench: result $1 $(cat /tmp/result)"
            }
            """;

    /**
     * What fio does once.
     *
     * @param name one word
     * @param pattern as {@code --rw} of fio
     * @param blockBytes of each I/O
     * @param depth I/Os under way at once
     */
    public record Job(String name, String pattern, int blockBytes, int depth) {}

    /**
     * Writes the initramfs.
     *
     * @param folder for it; it stays there
     * @throws NestException when this machine lacks a tool
     */
    public static BenchGuest make(LinuxKernel kernel, Path folder) throws IOException {
        return make(kernel, folder.resolve("bench-initramfs.cpio"), MODULES);
    }

    static BenchGuest make(LinuxKernel kernel, Path initramfs, String... modules)
            throws IOException {
        StringBuilder script = new StringBuilder(SCRIPT);
        for (Job job : JOBS) {
            script.append(
                    "job %s %s %d %d\n"
                            .formatted(job.name(), job.pattern(), job.blockBytes(), job.depth()));
        }
        new Initramfs(kernel)
                .modules(modules)
                .program("fio")
                .script(script.toString())
                .write(initramfs);
        return new BenchGuest(kernel.image(), initramfs);
    }

    /**
     * The kernel's command line.
     *
     * @param seconds that each job shall take
     */
    public static String commandLine(int seconds) {
        return "console=ttyS0 panic=-1 " + words(seconds, "sda");
    }

    /** What follows the console on it. */
    static String words(int seconds, String disk) {
        return "quiet airlock.seconds=" + seconds + " airlock.disk=" + disk;
    }
}
