package dev.airlock.nest;

import java.nio.file.Path;

/**
 * A kernel to boot and its modules. Immutable.
 *
 * @param image the bzImage
 * @param release what {@code uname -r} prints, such as {@code 6.1.0-40-cloud-amd64}
 * @param modules the folder that is {@code /lib/modules/RELEASE} on a machine that runs it
 */
public record LinuxKernel(Path image, String release, Path modules) {}
