package dev.airlock.nest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A kernel to boot and its modules. Immutable.
 *
 * @param image the bzImage
 * @param release what {@code uname -r} prints, such as {@code 6.1.0-40-cloud-amd64}
 * @param modules the folder that is {@code /lib/modules/RELEASE} on a machine that runs it
 */
public record LinuxKernel(Path image, String release, Path modules) {
    /**
     * Documentation/arch/x86/boot.rst, The Real-Mode Kernel Header: "header" and "kernel_version".
     */
    private static final int MAGIC_OFFSET = 0x202;

    private static final int MAGIC = 0x53726448; // "HdrS"
    private static final int VERSION_OFFSET = 0x20E;
    private static final int VERSION_BASE = 0x200;
    private static final int SETUP_BYTES_MAX = 65 * 512;

    /**
     * The kernel in a file, with the modules that belong to it: beside the file, {@code
     * ../lib/modules/RELEASE} from the file's folder, as in an unpacked package, or this machine's.
     *
     * @throws NestException when it is no bzImage, or its modules are nowhere
     */
    public static LinuxKernel of(Path image) throws IOException {
        String release = release(image);
        Path folder = image.toAbsolutePath().getParent();
        if (folder != null
                && folder.endsWith(release)
                && Files.isDirectory(folder.resolve("kernel"))) {
            return new LinuxKernel(image, release, folder);
        }
        Path root =
                folder == null || folder.getParent() == null ? Path.of("/") : folder.getParent();
        for (Path place :
                List.of(
                        root.resolve("lib/modules"),
                        root.resolve("usr/lib/modules"),
                        Path.of("/lib/modules"))) {
            Path modules = place.resolve(release);
            if (Files.isDirectory(modules.resolve("kernel"))) {
                return new LinuxKernel(image, release, modules);
            }
        }
        throw new NestException(
                "no modules of " + image + ": /lib/modules/" + release + " is missing");
    }

    /**
     * The kernel of a folder that Debian's packages of it are unpacked into: {@code
     * boot/vmlinuz-RELEASE}, or, in newer ones, {@code vmlinuz} among its modules. Newer ones have
     * everything below {@code usr}. Empty where there is none.
     */
    static Optional<LinuxKernel> unpacked(Path folder) throws IOException {
        for (Path modules :
                List.of(folder.resolve("usr/lib/modules"), folder.resolve("lib/modules"))) {
            for (Path each : entries(modules)) {
                String release = each.getFileName().toString();
                Path inBoot = folder.resolve("boot/vmlinuz-" + release);
                Path image = Files.isRegularFile(inBoot) ? inBoot : each.resolve("vmlinuz");
                if (Files.isRegularFile(image) && Files.isDirectory(each.resolve("kernel"))) {
                    return Optional.of(new LinuxKernel(image, release, each));
                }
            }
        }
        return Optional.empty();
    }

    private static List<Path> entries(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private static String release(Path image) throws IOException {
        ByteBuffer setup = ByteBuffer.allocate(SETUP_BYTES_MAX).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(image)) {
            while (setup.hasRemaining() && file.read(setup) >= 0) {}
        }
        int at = VERSION_BASE + Short.toUnsignedInt(setup.getShort(VERSION_OFFSET));
        if (setup.getInt(MAGIC_OFFSET) != MAGIC || at >= setup.position()) {
            throw new NestException("not a bzImage: " + image);
        }
        int end = at;
        while (end < setup.position() && setup.get(end) > ' ') {
            end++;
        }
        return new String(setup.array(), at, end - at, StandardCharsets.US_ASCII);
    }
}
