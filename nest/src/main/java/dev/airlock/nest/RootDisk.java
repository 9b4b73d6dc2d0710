package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A root disk made by debootstrap(8) from the machine's own mirror: a minimal Debian that logs root
 * in on the serial console, on one ext4 file system without partitions. Kept in the cache; made by
 * root only, in a minute or so. Stateless.
 */
public final class RootDisk {
    /** What the shell says when it waits for a command. */
    public static final String PROMPT = "root@airlock:~# ";

    private static final String SIZE = "1G";
    private static final String[] MODULES = {"hv_vmbus", "hv_storvsc", "sd_mod", "ext4"};

    /** No services: a machine under translation takes a minute for those of a usual system. */
    private static final String INITTAB =
            """
            id:2:initdefault:
            si::sysinit:/bin/sh -c "mount -o remount,rw / && hostname airlock"
            s0:2:respawn:/sbin/agetty --autologin root --noclear ttyS0 linux
            l0:0:wait:/bin/sh -c "sync; mount -o remount,ro /; halt -f -p"
            l6:6:wait:/bin/sh -c "sync; mount -o remount,ro /; reboot -f"
            """;

    private RootDisk() {}

    /**
     * The disk, which is nobody's to write to: copy it, or use a snapshot.
     *
     * @throws NestException when it is not there and cannot be made
     */
    public static Path get(CacheFolder cache) throws IOException {
        String codename =
                AptSources.codename()
                        .orElseThrow(() -> new NestException("root disks are made on Debian only"));
        Path image = cache.path("root-" + codename + ".ext4");
        return cache.locked(() -> {
            if (!Files.exists(image)) {
                make(codename, image, cache);
            }
            return image;
        });
    }

    /** An initramfs that boots the disk which {@code root=} of the command line names. */
    public static void writeInitramfs(LinuxKernel kernel, Path file, String... moreModules)
            throws IOException {
        new Initramfs(kernel).modules(MODULES).modules(moreModules).bootRoot().write(file);
    }

    private static void make(String codename, Path image, CacheFolder cache) throws IOException {
        String mirror = AptSources.mirror(AptSources.ofMachine(), codename);
        Path scratch = cache.scratch();
        try {
            Path root = scratch.resolve("root");
            Tool.run(
                    scratch,
                    List.of(
                            "debootstrap",
                            "--variant=minbase",
                            "--include=sysvinit-core",
                            codename,
                            root.toString(),
                            mirror));
            Files.writeString(root.resolve("etc/inittab"), INITTAB);
            Files.writeString(root.resolve("etc/hostname"), "airlock\n");
            Files.writeString(root.resolve("root/.profile"), "PS1='" + PROMPT + "'\n");
            // Packages and their lists, which nobody installs from.
            CacheFolder.delete(root.resolve("var/cache/apt/archives"));
            CacheFolder.delete(root.resolve("var/lib/apt/lists"));
            Path made = scratch.resolve("image");
            Tool.run(
                    scratch,
                    List.of("mkfs.ext4", "-q", "-F", "-d", root.toString(), made.toString(), SIZE));
            cache.publish(made, image);
        } finally {
            CacheFolder.delete(scratch);
        }
    }
}
