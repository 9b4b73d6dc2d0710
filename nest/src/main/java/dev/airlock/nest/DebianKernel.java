package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Debian's kernel for cloud machines, out of its package: fetched by the machine's own apt, which
 * checks the signature, and unpacked into the cache without being installed. No rights are needed.
 */
public enum DebianKernel {
    /** Of the release that the machine runs: Linux 6.1 on Debian 12. */
    STABLE(""),
    /** Of its backports: Linux 6.12 on Debian 12. */
    BACKPORTS("-backports");

    private static final String META_PACKAGE = "linux-image-cloud-amd64";
    private static final String PACKAGE_PATTERN = "linux-image-[0-9][a-z0-9.+~-]*";

    /** How long a kernel is taken from the cache before apt is asked for a newer one. */
    private static final Duration FRESH = Duration.ofDays(7);

    private final String suiteSuffix;

    DebianKernel(String suiteSuffix) {
        this.suiteSuffix = suiteSuffix;
    }

    /** The kernel, out of the user's cache or by apt (about 30 MB). */
    public LinuxKernel fetch() throws IOException {
        return fetch(CacheFolder.ofUser());
    }

    /**
     * The kernel.
     *
     * @param cache where it is kept; many may ask at once
     * @throws NestException when apt is missing or does not have it, and the cache neither
     */
    public LinuxKernel fetch(CacheFolder cache) throws IOException {
        Path kernels = cache.path("kernels");
        Path newest = kernels.resolve(META_PACKAGE + suiteSuffix);
        return cache.locked(() -> {
            Optional<LinuxKernel> cached = read(newest);
            if (cached.isPresent() && isFresh(newest)) {
                return cached.get();
            }
            try {
                return fetchByApt(cache, kernels, newest);
            } catch (NestException e) {
                if (cached.isPresent()) { // old, but there, and the network may not be
                    return cached.get();
                }
                throw e;
            }
        });
    }

    private static boolean isFresh(Path link) throws IOException {
        Instant made = Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS).toInstant();
        return made.isAfter(Instant.now().minus(FRESH));
    }

    /** The kernel in an unpacked package. */
    private static Optional<LinuxKernel> read(Path folder) throws IOException {
        Path boot = folder.resolve("boot");
        if (!Files.isDirectory(boot)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(boot)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("vmlinuz-"))
                    .findFirst()
                    .map(name -> {
                        String release = name.substring("vmlinuz-".length());
                        Path top = folder.resolve("lib/modules").resolve(release);
                        // Newer packages have everything below usr.
                        Path modules =
                                Files.isDirectory(top)
                                        ? top
                                        : folder.resolve("usr/lib/modules").resolve(release);
                        return new LinuxKernel(boot.resolve(name), release, modules);
                    });
        }
    }

    private LinuxKernel fetchByApt(CacheFolder cache, Path kernels, Path newest)
            throws IOException {
        Path scratch = cache.scratch();
        try {
            Path file = suiteSuffix.isEmpty() ? downloadStable(scratch) : downloadOther(scratch);
            String fileName = file.getFileName().toString();
            Path name = kernels.resolve(fileName.substring(0, fileName.length() - ".deb".length()));
            if (read(name).isEmpty()) {
                Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
                AptDownload.unpack(file, unpacked);
                if (read(unpacked).isEmpty()) {
                    throw new NestException("no kernel in the package " + fileName);
                }
                cache.publish(unpacked, name);
            }
            Path link = Files.createSymbolicLink(scratch.resolve("link"), name.getFileName());
            cache.publishLink(link, newest);
            return read(name).orElseThrow();
        } finally {
            CacheFolder.delete(scratch);
        }
    }

    /** By the lists that the machine has; by fresh ones of our own if those do not do. */
    private static Path downloadStable(Path scratch) throws IOException {
        try {
            return download(AptDownload.byMachinesLists(scratch));
        } catch (NestException e) {
            return download(AptDownload.byFreshLists(scratch));
        }
    }

    private Path downloadOther(Path scratch) throws IOException {
        return download(AptDownload.fromSuite(scratch, suiteSuffix));
    }

    private static Path download(AptDownload apt) throws IOException {
        return apt.download(apt.dependency(META_PACKAGE, PACKAGE_PATTERN));
    }
}
