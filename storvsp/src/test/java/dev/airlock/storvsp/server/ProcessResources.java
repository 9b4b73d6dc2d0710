package dev.airlock.storvsp.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What this process holds of the kernel: open descriptors, by kind, and mapped guest memory. */
final class ProcessResources {
    private ProcessResources() {}

    /** Kinds of descriptors that hosts, guests and tests use, with their numbers. */
    static String snapshot() throws IOException {
        TreeMap<String, Integer> kinds = new TreeMap<>();
        List<Path> descriptors = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            all.forEach(descriptors::add);
        }
        for (Path descriptor : descriptors) {
            String target;
            try {
                target = Files.readSymbolicLink(descriptor).toString();
            } catch (IOException gone) {
                continue;
            }
            if (target.contains("eventfd")
                    || target.startsWith("socket:")
                    || target.startsWith(System.getProperty("java.io.tmpdir"))
                    || isGuest(target)) {
                kinds.merge(target.replaceAll("[0-9]+", ""), 1, Integer::sum);
            }
        }
        long maps;
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            maps = lines.filter(ProcessResources::isGuest).count();
        }
        return kinds + " guestMappings=" + maps;
    }

    private static boolean isGuest(String text) {
        return text.contains("memfd:airlock-guest");
    }
}
