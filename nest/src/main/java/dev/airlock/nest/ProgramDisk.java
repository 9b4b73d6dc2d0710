package dev.airlock.nest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * An ext4 image with a program and its Java runtime, kept in the cache as long as neither changes:
 * {@code /0} is the runtime, {@code /1} the program's folder. A disk, not part of the initramfs: so
 * only what is used is read, and times of files survive, which the start-up cache is checked by.
 */
final class ProgramDisk {
    private static final String PREFIX = "program-";

    /** Images of other programs (or of older builds) that are kept beside the newest. */
    private static final int KEPT = 3;

    /** Parts of a JDK that running a program does not take. */
    private static final Set<String> NOT_NEEDED =
            Set.of(
                    "src.zip",
                    "ct.sym",
                    "legal",
                    "man",
                    "include",
                    "jmods",
                    "demo",
                    "sample",
                    "classes_coh.jsa",
                    "classes_nocoops.jsa",
                    "classes_nocoops_coh.jsa");

    private ProgramDisk() {}

    /** The image, made if it is not there. */
    static Path of(Program program, CacheFolder cache) throws IOException {
        List<Path> roots = List.of(program.jdk(), program.folder());
        Path image = cache.path(PREFIX + digest(roots) + ".ext4");
        return cache.locked(() -> {
            if (!Files.exists(image)) {
                make(roots, image, cache);
            }
            return image;
        });
    }

    private static void make(List<Path> roots, Path image, CacheFolder cache) throws IOException {
        Path scratch = cache.scratch();
        try {
            Path staging = Files.createDirectory(scratch.resolve("tree"));
            long bytes = 0;
            for (int i = 0; i < roots.size(); i++) {
                bytes += copy(roots.get(i), staging.resolve(Integer.toString(i)));
            }
            long mebibytes = (bytes >> 20) * 11 / 10 + 16; // what ext4 itself takes, and more
            Path made = scratch.resolve("image");
            Tool.run(
                    scratch,
                    List.of(
                            "mkfs.ext4",
                            "-q",
                            "-F",
                            "-O",
                            "^has_journal",
                            "-m",
                            "0",
                            "-d",
                            staging.toString(),
                            made.toString(),
                            mebibytes + "M"));
            removeOthers(cache);
            cache.publish(made, image);
        } finally {
            CacheFolder.delete(scratch);
        }
    }

    /** Machines that run from one keep it open. */
    private static void removeOthers(CacheFolder cache) throws IOException {
        List<Path> images;
        try (Stream<Path> files = Files.list(cache.path(""))) {
            images =
                    files.filter(file -> file.getFileName().toString().startsWith(PREFIX))
                            .sorted(Comparator.comparing(ProgramDisk::modified).reversed())
                            .toList();
        }
        for (int i = KEPT; i < images.size(); i++) {
            Files.delete(images.get(i));
        }
    }

    private static long modified(Path file) {
        return file.toFile().lastModified();
    }

    /** Copies a tree, following links, with permissions and times; tells the bytes. */
    private static long copy(Path from, Path to) throws IOException {
        long[] bytes = {0};
        for (Path file : files(from)) {
            Path target = to.resolve(from.relativize(file).toString());
            Files.createDirectories(target.getParent());
            Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES);
            bytes[0] += Files.size(target);
        }
        return bytes[0];
    }

    private static List<Path> files(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(
                root,
                EnumSet.of(FileVisitOption.FOLLOW_LINKS),
                Integer.MAX_VALUE,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(
                            Path folder, BasicFileAttributes attributes) {
                        return isNeeded(folder)
                                ? FileVisitResult.CONTINUE
                                : FileVisitResult.SKIP_SUBTREE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        if (attributes.isRegularFile() && isNeeded(file)) {
                            files.add(file);
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException failure) {
                        return FileVisitResult.CONTINUE; // a link to nowhere
                    }
                });
        files.sort(Comparator.naturalOrder());
        return files;
    }

    private static boolean isNeeded(Path path) {
        return !NOT_NEEDED.contains(String.valueOf(path.getFileName()));
    }

    /** Of names, sizes and times. */
    private static String digest(List<Path> roots) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path root : roots) {
                for (Path file : files(root)) {
                    String line =
                            file
                                    + " "
                                    + Files.size(file)
                                    + " "
                                    + Files.getLastModifiedTime(file).toMillis()
                                    + "\n";
                    digest.update(line.getBytes(StandardCharsets.UTF_8));
                }
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
