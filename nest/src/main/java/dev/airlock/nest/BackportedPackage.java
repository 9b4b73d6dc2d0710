package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A package of Debian's backports, unpacked into the cache and not installed: for tests with newer
 * programs than the release has. Their libraries are the machine's.
 */
public final class BackportedPackage {
    private BackportedPackage() {}

    /**
     * The folder that holds the package's files, out of the user's cache or by apt.
     *
     * @param name of the package
     * @throws NestException when apt is missing or does not have it, and the cache neither
     */
    public static Path fetch(String name) throws IOException {
        return fetch(CacheFolder.ofUser(), name);
    }

    static Path fetch(CacheFolder cache, String name) throws IOException {
        Path place = cache.path("backports").resolve(name);
        return cache.locked(() -> {
            if (!Files.isDirectory(place)) {
                Path scratch = cache.scratch();
                try {
                    Path file = AptDownload.fromBackports(scratch).download(name);
                    Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
                    AptDownload.unpack(file, unpacked);
                    cache.publish(unpacked, place);
                } finally {
                    CacheFolder.delete(scratch);
                }
            }
            return place;
        });
    }
}
