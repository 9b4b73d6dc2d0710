package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a PC under QEMU starts with before a kernel given by {@code -kernel} runs. Stateless. */
final class QemuFirmware {
    private static final List<String> NAMES =
            List.of("bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin");

    private QemuFirmware() {}

    /**
     * The files, in the folders that QEMU itself looks into.
     *
     * @throws NestException when one is missing
     */
    static List<Path> files() throws IOException {
        String folders =
                Tool.run(Path.of("/"), List.of("qemu-system-x86_64", "-L", "help")).strip();
        List<Path> files = new ArrayList<>();
        for (String name : NAMES) {
            files.add(
                    folders.lines()
                            .map(folder -> Path.of(folder.strip()).normalize().resolve(name))
                            .filter(Files::isReadable)
                            .findFirst()
                            .orElseThrow(() ->
                                    new NestException(
                                            "QEMU's " + name + " is in none of " + folders)));
        }
        return files;
    }
}
