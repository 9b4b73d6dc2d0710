package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Debian's kernel for cloud machines, out of its package: fetched by the machine's own apt, which
 * checks the signature, and unpacked into the cache without being installed. No rights are needed.
 */
public enum DebianKernel {
    /** Of the release that the machine runs: Linux 6.1 on Debian 12. */
    STABLE(""),
    /** Of its backports: Linux 6.12 on Debian 12. */
    BACKPORTS("-backports"),
    /** Of the suite where Debian's next release grows: about the newest that Linux has. */
    UNSTABLE("-unstable");

    private static final String META_PACKAGE = "linux-image-cloud-amd64";
    private static final String PACKAGE_PATTERN = "linux-image-[0-9][a-z0-9.+~-]*";

    /** What the package above needs and holds nothing itself, since Linux 6.19. */
    private static final String PARTS_PATTERN = "linux-(?:base|binary|modules)-[0-9][a-z0-9.+~-]*";

    /** How long a kernel is taken from the cache before apt is asked for a newer one. */
    private static final Duration FRESH = Duration.ofDays(7);

    private final String suffix;

    DebianKernel(String suffix) {
        this.suffix = suffix;
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
        Path newest = kernels.resolve(META_PACKAGE + suffix);
        return cache.locked(() -> {
            Optional<LinuxKernel> cached = LinuxKernel.unpacked(newest);
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

    private LinuxKernel fetchByApt(CacheFolder cache, Path kernels, Path newest)
            throws IOException {
        Path scratch = cache.scratch();
        try {
            AptDownload apt = apt(scratch);
            String image = apt.dependency(META_PACKAGE, PACKAGE_PATTERN);
            Path file = apt.download(image);
            String fileName = file.getFileName().toString();
            Path name = kernels.resolve(fileName.substring(0, fileName.length() - ".deb".length()));
            if (LinuxKernel.unpacked(name).isEmpty()) {
                Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
                AptDownload.unpack(file, unpacked);
                for (String part : apt.dependencies(image, PARTS_PATTERN)) {
                    AptDownload.unpack(apt.download(part), unpacked);
                }
                if (LinuxKernel.unpacked(unpacked).isEmpty()) {
                    throw new NestException("no kernel in the package " + fileName);
                }
                cache.publish(unpacked, name);
            }
            Path link = Files.createSymbolicLink(scratch.resolve("link"), name.getFileName());
            cache.publishLink(link, newest);
            return LinuxKernel.unpacked(name).orElseThrow();
        } finally {
            CacheFolder.delete(scratch);
        }
    }

    private AptDownload apt(Path scratch) throws IOException {
        return switch (this) {
            case STABLE -> stable(scratch);
            case BACKPORTS -> AptDownload.fromBackports(scratch);
            case UNSTABLE -> AptDownload.fromSuite(scratch, "unstable");
        };
    }

    /** By the lists that the machine has; by fresh ones of our own if those do not know it. */
    private static AptDownload stable(Path scratch) throws IOException {
        AptDownload machines = AptDownload.byMachinesLists(scratch);
        try {
            machines.download(machines.dependency(META_PACKAGE, PACKAGE_PATTERN));
            return machines;
        } catch (NestException e) {
            return AptDownload.byFreshLists(scratch);
        }
    }
}
