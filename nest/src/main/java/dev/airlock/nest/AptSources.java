package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The machine's apt sources, and the same with another suite: so packages of the backports come
 * from the mirror that the machine already trusts and uses. Reads both formats of sources.list(5).
 * Stateless.
 */
final class AptSources {
    private static final Path FOLDER = Path.of("/etc/apt");
    private static final Pattern LINE =
            Pattern.compile("\\s*deb\\s+(\\[[^]]*]\\s+)?(\\S+)\\s+(\\S+)\\s+(\\S.*)");
    private static final Pattern URI = Pattern.compile("(?im)^URIs:\\s*(\\S+)");
    private static final Pattern CODENAME = Pattern.compile("VERSION_CODENAME=\"?([a-z]+)\"?");

    private AptSources() {}

    /**
     * A file in the deb822 or the one-line format.
     *
     * @param text of the file
     * @param isOneLine whether it is in the one-line format ({@code .list})
     */
    record Source(String text, boolean isOneLine) {}

    /** Of this machine. */
    static List<Source> ofMachine() throws IOException {
        List<Source> sources = new ArrayList<>();
        Path oldest = FOLDER.resolve("sources.list");
        if (Files.isReadable(oldest)) {
            sources.add(new Source(Files.readString(oldest), true));
        }
        Path more = FOLDER.resolve("sources.list.d");
        if (Files.isDirectory(more)) {
            try (Stream<Path> files = Files.list(more)) {
                for (Path file : files.sorted().toList()) {
                    String name = file.getFileName().toString();
                    if (name.endsWith(".list") || name.endsWith(".sources")) {
                        sources.add(new Source(Files.readString(file), name.endsWith(".list")));
                    }
                }
            }
        }
        return sources;
    }

    /** The release's name, such as {@code bookworm}, if this is a Debian. */
    static Optional<String> codename() throws IOException {
        Path file = Path.of("/etc/os-release");
        if (!Files.isReadable(file)) {
            return Optional.empty();
        }
        String text = Files.readString(file);
        Matcher matcher = CODENAME.matcher(text);
        boolean isDebian = text.lines().anyMatch(line -> line.matches("ID=\"?debian\"?"));
        return isDebian && matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /**
     * Those sources that have a suite, with another one in its place, in deb822 format. What names
     * only other suites (security, other vendors) is left out. Empty if nothing is left.
     */
    static String withSuite(List<Source> sources, String suite, String other) {
        StringBuilder result = new StringBuilder();
        for (Source source : sources) {
            if (source.isOneLine()) {
                source.text().lines().forEach(line -> result.append(fromLine(line, suite, other)));
            } else {
                for (String stanza : source.text().split("\n[ \t]*\n")) {
                    result.append(fromStanza(stanza, suite, other));
                }
            }
        }
        return result.toString();
    }

    /**
     * Where packages of a suite come from.
     *
     * @throws NestException when no source has the suite
     */
    static String mirror(List<Source> sources, String suite) throws NestException {
        Matcher matcher = URI.matcher(withSuite(sources, suite, suite));
        if (!matcher.find()) {
            throw new NestException("no apt source of this machine has the suite " + suite);
        }
        return matcher.group(1);
    }

    private static String fromLine(String line, String suite, String other) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches() || !matcher.group(3).equals(suite)) {
            return "";
        }
        StringBuilder result = new StringBuilder("Types: deb\n");
        result.append("URIs: ").append(matcher.group(2)).append('\n');
        result.append("Suites: ").append(other).append('\n');
        result.append("Components: main\n");
        if (matcher.group(1) != null) {
            String options = matcher.group(1).strip();
            for (String option : options.substring(1, options.length() - 1).strip().split("\\s+")) {
                String[] pair = option.split("=", 2);
                if (pair.length == 2 && pair[0].toLowerCase(Locale.ROOT).equals("signed-by")) {
                    result.append("Signed-By: ").append(pair[1]).append('\n');
                }
            }
        }
        return result.append('\n').toString();
    }

    private static String fromStanza(String stanza, String suite, String other) {
        StringBuilder result = new StringBuilder();
        boolean hasSuite = false;
        for (String line : stanza.lines().toList()) {
            if (line.startsWith("#") || line.isBlank()) {
                continue;
            }
            int colon = line.indexOf(':');
            boolean isField = colon > 0 && !Character.isWhitespace(line.charAt(0));
            String name = isField ? line.substring(0, colon).toLowerCase(Locale.ROOT) : "";
            if (name.equals("suites")) {
                hasSuite = List.of(line.substring(colon + 1).strip().split("\\s+")).contains(suite);
                result.append("Suites: ").append(other).append('\n');
            } else if (name.equals("types")) {
                result.append("Types: deb\n");
            } else if (name.equals("enabled") && line.substring(colon + 1).strip().equals("no")) {
                return "";
            } else {
                result.append(line).append('\n');
            }
        }
        return hasSuite ? result.append('\n').toString() : "";
    }
}
