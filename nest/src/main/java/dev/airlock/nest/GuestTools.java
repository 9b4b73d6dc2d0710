package dev.airlock.nest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An initramfs for tests of a guest's disks: fio, sfdisk, mkfs and fsck of ext4 and xfs, sg3-utils,
 * blkdiscard, beside busybox; with scripts, of which the kernel's command line chooses one by
 * {@code airlock.script=NAME}. The same archive serves many boots. For one thread.
 */
public final class GuestTools {
    private static final String[] PROGRAMS = {
        "fio",
        "sfdisk",
        "mkfs.ext4",
        "e2fsck",
        "mkfs.xfs",
        "xfs_repair",
        "blkdiscard",
        "lsblk",
        "blockdev",
        "sg_inq",
        "sg_vpd",
        "sg_readcap",
        "sg_unmap",
        "sg_write_same",
        "sg_luns",
        "sg_modes",
        "sg_turs",
        "sg_requests",
        "sg_verify",
        "sg_sync",
        "sg_reset",
        "sg_raw"
    };

    private static final String[] MODULES = {"hv_vmbus", "hv_storvsc", "sd_mod", "ext4", "xfs"};

    private static final String CHOOSE =
            """
            name=$(sed -n 's/.*airlock\\.script=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
            if [ ! -r "/scripts/$name" ]; then echo "no script '$name'"; exit 127; fi
            mount -t debugfs debugfs /sys/kernel/debug
            . "/scripts/$name"
            """;

    private final LinuxKernel kernel;
    private final Map<String, String> scripts = new LinkedHashMap<>();
    private String[] moreModules = {};

    /** For a kernel. */
    public GuestTools(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Adds a script by its text; what it exits with is the machine's exit code, where one counts.
     */
    public GuestTools script(String name, String text) {
        scripts.put(name, text);
        return this;
    }

    /** Adds a script under its file's name. */
    public GuestTools script(Path file) throws IOException {
        return script(String.valueOf(file.getFileName()), Files.readString(file));
    }

    /** Loads modules besides those of storvsc's disks. */
    public GuestTools modules(String... names) {
        moreModules = names.clone();
        return this;
    }

    /** The word of the kernel's command line that chooses a script. */
    public static String word(String script) {
        return "airlock.script=" + script;
    }

    /**
     * Writes the archive.
     *
     * @throws NestException when this machine lacks a tool
     */
    public void write(Path file) throws IOException {
        Initramfs initramfs = new Initramfs(kernel).modules(MODULES).modules(moreModules);
        for (String program : PROGRAMS) {
            initramfs.program(program);
        }
        Path defaults = Path.of("/etc/mke2fs.conf");
        if (Files.exists(defaults)) {
            initramfs.file("etc/mke2fs.conf", 0644, defaults);
        }
        scripts.forEach((name, text) ->
                initramfs.file("scripts/" + name, 0644, text.getBytes(StandardCharsets.UTF_8)));
        initramfs.script(CHOOSE).write(file);
    }
}
