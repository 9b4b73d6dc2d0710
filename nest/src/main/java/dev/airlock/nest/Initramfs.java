package dev.airlock.nest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The first file system of a throw-away Linux: busybox, kernel modules, programs of this machine
 * with their libraries, files and folders; and a shell script that is what the machine is for.
 *
 * <p>Its {@code /init} mounts proc, sys, dev, tmp and run, loads the modules in order, runs the
 * script on the console, reports the script's exit code as {@link QemuMachine} expects it, and
 * powers off. Words {@code MODULE.PARAMETER=VALUE} of the kernel's command line become parameters
 * of the module, as modprobe(8) does it. For one thread.
 */
public final class Initramfs {
    private static final String PREPARE =
            """
            #!/bin/sh
            export PATH=/usr/sbin:/usr/bin HOME=/root TERM=${TERM:-linux}
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs devtmpfs /dev
            mkdir -p /dev/pts /dev/shm
            mount -t devpts devpts /dev/pts
            for folder in /dev/shm /tmp /run; do mount -t tmpfs tmpfs $folder; done
            [ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
            while read -r name dashed options; do
                for word in $(cat /proc/cmdline); do
                    case $word in "$name".*=* | "$dashed".*=*) options="$options ${word#*.}" ;; esac
                done
                insmod "/lib/airlock/$name.ko" $options || echo "init: module $name does not load"
            done </lib/airlock/modules
            """;

    private static final String RUN_SCRIPT =
            """
            /bin/sh /lib/airlock/script </dev/console >/dev/console 2>&1
            code=$?
            sync
            echo "airlock-exit $code" 2>/dev/null >/dev/ttyS1
            poweroff -f
            """;

    private static final String BOOT_ROOT =
            """
            root=$(sed -n 's/.*root=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
            waited=0
            until [ -b "$root" ]; do
                if [ $waited -ge 300 ]; then echo "init: no root disk '$root' after 30 s"; poweroff -f; fi
                waited=$((waited + 1))
                usleep 100000
            done
            mount -o ro "$root" /mnt || poweroff -f
            for folder in proc sys dev run; do mount --move /$folder /mnt/$folder; done
            exec switch_root /mnt /sbin/init </mnt/dev/console >/mnt/dev/console 2>&1
            """;

    private static final List<String> MOUNT_POINTS =
            List.of("proc", "sys", "dev", "tmp", "run", "root", "mnt", "etc", "var");

    /** Merged as on today's distributions, so that a library has one place. */
    private static final List<String> MERGED = List.of("bin", "sbin", "lib", "lib64");

    private final LinuxKernel kernel;
    private final Map<String, String> modules = new LinkedHashMap<>();
    private final List<Part> parts = new ArrayList<>();
    private String script = "";
    private boolean isBootingRoot;

    /** Something that goes into the archive. */
    @FunctionalInterface
    private interface Part {
        void write(CpioArchive archive) throws IOException;
    }

    /** For a kernel, whose modules it takes. */
    public Initramfs(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * What the machine does: for this machine's {@code /bin/sh}. Its exit code is the machine's.
     */
    public Initramfs script(String text) {
        script = text;
        return this;
    }

    /**
     * Boots the system on the block device that {@code root=} of the kernel's command line names,
     * which may come a little later, instead of running a script.
     */
    Initramfs bootRoot() {
        isBootingRoot = true;
        return this;
    }

    /** Loads modules, and before them what they need, after those asked for already. */
    public Initramfs modules(String... names) {
        for (String name : names) {
            module(name, "");
        }
        return this;
    }

    /** Loads a module with parameters, such as {@code nested=1}. */
    public Initramfs module(String name, String parameters) {
        modules.put(name.replace('-', '_'), parameters);
        return this;
    }

    /** Adds a file. */
    public Initramfs file(String name, int permissions, byte[] content) {
        parts.add(archive -> archive.file(merged(name), permissions, content));
        return this;
    }

    /** Adds the content of a file of this machine, which must not change until it is written. */
    public Initramfs file(String name, int permissions, Path content) {
        parts.add(archive -> archive.file(merged(name), permissions, content));
        return this;
    }

    /** Adds a symbolic link. */
    public Initramfs symlink(String name, String target) {
        parts.add(archive -> archive.symlink(merged(name), target));
        return this;
    }

    /**
     * Adds a program of this machine, with the shared libraries that ldd(1) names.
     *
     * @param name on PATH, or an absolute path
     */
    public Initramfs program(String name) throws IOException {
        Path file = name.startsWith("/") ? Path.of(name) : Tool.require(name);
        parts.add(archive -> writeProgram(archive, file.toString(), file));
        return this;
    }

    /** Adds the libraries that a Java runtime loads, which itself is there by other means. */
    Initramfs librariesOfRuntime(Path jdk) throws IOException {
        for (String name : List.of("bin/java", "lib/server/libjvm.so")) {
            for (Path library : SharedLibraries.of(jdk.resolve(name))) {
                if (!library.startsWith(jdk)) {
                    parts.add(archive -> addOnce(archive, library.toString(), library));
                }
            }
        }
        return this;
    }

    private static void writeProgram(CpioArchive archive, String name, Path file)
            throws IOException {
        addOnce(archive, name, file);
        for (Path library : SharedLibraries.of(file)) {
            addOnce(archive, library.toString(), library);
        }
    }

    private static void addOnce(CpioArchive archive, String name, Path file) throws IOException {
        String place = merged(name);
        if (!archive.contains(place)) {
            archive.file(place, 0755, file);
        }
    }

    /**
     * Adds a folder with all in it: files with their permissions, symbolic links as they are.
     *
     * @param at its name in the archive
     * @param wanted called with each path below the folder; what is not wanted is left out, a
     *     folder with all in it
     */
    public Initramfs tree(Path folder, String at, Predicate<Path> wanted) {
        parts.add(archive -> addTree(archive, folder, merged(at), wanted));
        return this;
    }

    private static void addTree(CpioArchive archive, Path folder, String at, Predicate<Path> wanted)
            throws IOException {
        archive.folder(at);
        List<Path> entries;
        try (Stream<Path> listed = Files.list(folder)) {
            entries = listed.filter(wanted).sorted(Comparator.naturalOrder()).toList();
        }
        for (Path entry : entries) {
            String name = at + "/" + entry.getFileName();
            if (Files.isSymbolicLink(entry)) {
                archive.symlink(name, Files.readSymbolicLink(entry).toString());
            } else if (Files.isDirectory(entry)) {
                addTree(archive, entry, name, wanted);
            } else {
                archive.file(name, Files.isExecutable(entry) ? 0755 : 0644, entry);
            }
        }
    }

    /** Writes the archive to a file, not compressed. */
    public void write(Path file) throws IOException {
        try (CpioArchive archive =
                new CpioArchive(new BufferedOutputStream(Files.newOutputStream(file)))) {
            write(archive);
        }
    }

    private void write(CpioArchive archive) throws IOException {
        archive.folder("usr");
        for (String name : MERGED) {
            archive.folder("usr/" + name);
            archive.symlink(name, "usr/" + name);
        }
        for (String name : MOUNT_POINTS) {
            archive.folder(name);
        }
        // The kernel opens it before /init has mounted anything
        // (Documentation/admin-guide/devices.txt).
        archive.characterDevice("dev/console", 0600, 5, 1);
        String init = PREPARE + (isBootingRoot ? BOOT_ROOT : RUN_SCRIPT);
        archive.file("init", 0755, init.getBytes(StandardCharsets.UTF_8));
        archive.file("usr/lib/airlock/script", 0644, script.getBytes(StandardCharsets.UTF_8));
        writeModules(archive);
        // Not busybox's shell, which prefers its own applets to programs of the same name.
        writeProgram(archive, "/bin/sh", Path.of("/bin/sh"));
        for (Part part : parts) {
            part.write(archive);
        }
        writeBusybox(archive);
    }

    private void writeModules(CpioArchive archive) throws IOException {
        StringBuilder list = new StringBuilder();
        if (!modules.isEmpty()) {
            Map<String, Path> order =
                    new KernelModules(kernel).inLoadOrder(List.copyOf(modules.keySet()));
            for (Map.Entry<String, Path> module : order.entrySet()) {
                String name = module.getKey();
                list.append(name).append(' ').append(name.replace('_', '-')).append(' ');
                list.append(modules.getOrDefault(name, "")).append('\n');
                archive.file(
                        "usr/lib/airlock/" + name + ".ko",
                        0644,
                        KernelModules.content(module.getValue()));
            }
        }
        archive.file(
                "usr/lib/airlock/modules", 0644, list.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Last: a program of the machine goes before busybox's of the same name. */
    private static void writeBusybox(CpioArchive archive) throws IOException {
        Path busybox = Tool.require("busybox");
        if (!SharedLibraries.of(busybox).isEmpty()) {
            throw new NestException(
                    "busybox is not linked statically: install it (Debian/Ubuntu: apt-get install"
                            + " busybox-static)");
        }
        archive.file("usr/bin/busybox", 0755, busybox);
        String names = Tool.run(Path.of("/"), List.of("busybox", "--list"));
        for (String name : names.lines().toList()) {
            if (!archive.contains("usr/bin/" + name)) {
                archive.symlink("usr/bin/" + name, "busybox");
            }
        }
    }

    private static String merged(String name) {
        String plain = name.startsWith("/") ? name.substring(1) : name;
        int slash = plain.indexOf('/');
        return slash > 0 && MERGED.contains(plain.substring(0, slash)) ? "usr/" + plain : plain;
    }
}
