package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A guest that needs no file of the user's: Debian's kernel, and an initramfs that does verified
 * I/O on the disk that {@code hv_storvsc} shows as {@code /dev/sda}. Each line it prints for
 * readers and tests starts with {@code airlock-demo:}; the last one is {@link #GOOD} or {@link
 * #BAD}. It powers off when all went well and panics when not, which nobody takes for success.
 *
 * @param kernel bzImage
 * @param initramfs beside it
 * @param commandLine that suits both
 */
public record DemoGuest(Path kernel, Path initramfs, String commandLine) {
    /** All data came back as it was written. */
    public static final String GOOD = "airlock-demo: PASSED";

    /** Something did not. */
    public static final String BAD = "airlock-demo: FAILED";

    private static final long DISK_BYTES = 64L << 20;

    private static final String[] MODULES = {"hv_vmbus", "hv_storvsc", "sd_mod", "ext4"};

    private static final String SCRIPT =
            """
            say() { echo "airlock-demo: $*"; }
            fail() { say "$*"; say FAILED; sync; echo c >/proc/sysrq-trigger; }
            mount -t debugfs debugfs /sys/kernel/debug
            mebibytes=$(($(sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo) / 1024))
            say "Linux $(uname -r), $(nproc) processor(s), $mebibytes MiB"
            dmesg | grep -o -E 'Hyper-V: Isolation Config.*|software IO TLB: mapped.*' | sed 's/^/airlock-demo: /'
            waited=0
            until [ -b /dev/sda ]; do
                [ $waited -lt 300 ] || fail "no disk /dev/sda after 30 s"
                waited=$((waited + 1))
                usleep 100000
            done
            disk=/sys/block/sda
            say "/dev/sda: $(cat $disk/device/vendor $disk/device/model | tr -s ' \\n' ' ')," \\
                "$(($(cat $disk/size) / 2048)) MiB, driver $(head -n 1 /sys/class/scsi_host/host*/proc_name)"
            sha() { sha256sum | cut -d ' ' -f 1; }
            # Nothing that a disk holds by chance.
            head -c 4194304 /dev/urandom >/tmp/pattern
            try() { # NAME BLOCK-BYTES COUNT FIRST-BLOCK FLAGS-OF-WRITE FLAGS-OF-READ
                want=$(head -c $(($2 * $3)) /tmp/pattern | sha)
                dd if=/tmp/pattern of=/dev/sda bs=$2 count=$3 seek=$4 $5 2>/tmp/said || fail "$1: write: $(tail -n 1 /tmp/said)"
                echo 3 >/proc/sys/vm/drop_caches
                dd if=/dev/sda of=/tmp/read bs=$2 count=$3 skip=$4 $6 2>/tmp/said || fail "$1: read: $(tail -n 1 /tmp/said)"
                [ "$(sha </tmp/read)" = "$want" ] || fail "$1: what was read is not what was written"
                say "$1: $3 x $2 bytes written, read back, and alike"
            }
            try "direct" 4096 256 0 oflag=direct iflag=direct
            try "direct" 512 64 65537 oflag=direct iflag=direct
            try "direct" 1048576 4 48 oflag=direct iflag=direct
            try "by the page cache" 65536 32 256 conv=fsync
            used=/sys/kernel/debug/swiotlb/io_tlb_used
            if [ -r $used ]; then
                dd if=/tmp/pattern of=/dev/sda bs=1048576 count=4 seek=48 oflag=direct 2>/dev/null &
                most=0
                while kill -0 $! 2>/dev/null; do
                    read -r now <$used
                    [ "$now" -le $most ] || most=$now
                done
                # As grep prints it: airlock reads such lines.
                say "swiotlb/io_tlb_nslabs:$(cat /sys/kernel/debug/swiotlb/io_tlb_nslabs)"
                say "swiotlb/io_tlb_used:$most during a write of 4 MiB"
                say "swiotlb/io_tlb_used:$(cat $used) after it"
            fi
            say PASSED
            """;

    /**
     * Writes the initramfs.
     *
     * @param kernel that it is for
     * @param folder for the initramfs, which stays there
     * @param more modules for it, besides what the disk needs
     */
    public static DemoGuest make(LinuxKernel kernel, Path folder, String... more)
            throws IOException {
        Path initramfs = folder.resolve("demo-initramfs.cpio");
        new Initramfs(kernel).modules(MODULES).modules(more).script(SCRIPT).write(initramfs);
        return new DemoGuest(kernel.image(), initramfs, "console=ttyS0 quiet panic=-1");
    }

    /** A sparse disk for it. */
    public static Path makeDisk(Path folder) throws IOException {
        Path disk = folder.resolve("demo.raw");
        SparseFile.create(disk, DISK_BYTES);
        return disk;
    }
}
