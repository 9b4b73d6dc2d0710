package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Packages fetched by the machine's own apt, which checks their signatures, and unpacked without
 * being installed. Needs no rights and changes nothing of the machine's. For one thread.
 */
final class AptDownload {
    private final Path scratch;
    private final List<String> options;
    private final String suite;

    private AptDownload(Path scratch, List<String> options, String suite) {
        this.scratch = scratch;
        this.options = options;
        this.suite = suite;
    }

    /** By the lists of packages that the machine has. */
    static AptDownload byMachinesLists(Path scratch) {
        return new AptDownload(scratch, sandbox(), "");
    }

    /** By the machine's sources and lists of our own, fetched now. */
    static AptDownload byFreshLists(Path scratch) throws IOException {
        return new AptDownload(scratch, ownLists(scratch, AptSources.ofMachine()), "");
    }

    /** From the backports to the release that the machine runs. */
    static AptDownload fromBackports(Path scratch) throws IOException {
        return fromSuite(scratch, codename() + "-backports");
    }

    /** From another suite of the machine's mirror, by lists of our own. */
    static AptDownload fromSuite(Path scratch, String suite) throws IOException {
        String codename = codename();
        String sources = AptSources.withSuite(AptSources.ofMachine(), codename, suite);
        if (sources.isEmpty()) {
            throw new NestException("no apt source of this machine has the suite " + codename);
        }
        return new AptDownload(
                scratch, ownLists(scratch, List.of(new AptSources.Source(sources, false))), suite);
    }

    private static String codename() throws IOException {
        return AptSources.codename()
                .orElseThrow(() -> new NestException("packages are fetched on Debian only"));
    }

    /** The first package that one depends on whose name matches. */
    String dependency(String name, String pattern) throws IOException {
        List<String> found = dependencies(name, pattern);
        if (found.isEmpty()) {
            throw new NestException("apt knows no package " + name);
        }
        return found.getFirst();
    }

    /** The packages that one depends on whose names match, in its order; empty if none does. */
    List<String> dependencies(String name, String pattern) throws IOException {
        String answer = Tool.run(scratch, command("apt-cache", "depends", name));
        return Pattern.compile("Depends: (" + pattern + ")\\s")
                .matcher(answer)
                .results()
                .map(found -> found.group(1))
                .distinct()
                .toList();
    }

    /** Fetches a package's file, into the scratch folder. */
    Path download(String name) throws IOException {
        String wanted = suite.isEmpty() ? name : name + "/" + suite;
        Tool.run(scratch, command("apt-get", "download", wanted));
        try (Stream<Path> files = Files.list(scratch)) {
            return files.filter(
                            file -> {
                                String fileName = file.getFileName().toString();
                                return fileName.startsWith(name + "_") && fileName.endsWith(".deb");
                            })
                    .findFirst()
                    .orElseThrow(() -> new NestException("apt-get downloaded no " + name));
        }
    }

    /** Unpacks a package's files. */
    static void unpack(Path file, Path to) throws IOException {
        Tool.run(to, List.of("dpkg-deb", "-x", file.toString(), to.toString()));
    }

    /** Options by which apt works on these sources and leaves the machine's state alone. */
    private static List<String> ownLists(Path scratch, List<AptSources.Source> sources)
            throws IOException {
        Path parts = Files.createDirectories(scratch.resolve("sources"));
        int number = 0;
        for (AptSources.Source source : sources) {
            String suffix = source.isOneLine() ? ".list" : ".sources";
            Files.writeString(parts.resolve("source" + number++ + suffix), source.text());
        }
        Files.createDirectories(scratch.resolve("lists/partial"));
        Files.createDirectories(scratch.resolve("cache/archives/partial"));
        List<String> options = new ArrayList<>(sandbox());
        options.addAll(List.of("-o", "Dir::Etc::sourcelist=/dev/null"));
        options.addAll(List.of("-o", "Dir::Etc::sourceparts=" + parts));
        options.addAll(List.of("-o", "Dir::State::lists=" + scratch.resolve("lists")));
        options.addAll(List.of("-o", "Dir::Cache=" + scratch.resolve("cache")));
        Tool.run(scratch, command("apt-get", options, "update"));
        return options;
    }

    /** Root's apt hands downloads to a user of its own, who could not write to our folder. */
    private static List<String> sandbox() {
        return List.of("-o", "APT::Sandbox::User=" + System.getProperty("user.name"));
    }

    private List<String> command(String tool, String... arguments) {
        return command(tool, options, arguments);
    }

    private static List<String> command(String tool, List<String> options, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(tool);
        command.addAll(options);
        command.addAll(List.of(arguments));
        return command;
    }
}
