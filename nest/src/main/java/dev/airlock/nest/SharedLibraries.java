package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The shared libraries that a program of this machine loads when it starts. Stateless. */
final class SharedLibraries {
    /** {@code libc.so.6 => /lib/x/libc.so.6 (0x...)}, or a path alone: the dynamic linker. */
    private static final Pattern LINE =
            Pattern.compile("\\s*(?:\\S+ => )?(/\\S+) \\(0x[0-9a-f]+\\)");

    private SharedLibraries() {}

    /**
     * Their files, the dynamic linker among them; none for a script or a static program.
     *
     * @throws NestException when one is missing
     */
    static List<Path> of(Path program) throws IOException {
        List<Path> libraries = new ArrayList<>();
        // ldd exits with 1 where there is nothing to load.
        String script = "ldd \"$1\" 2>&1 || true";
        String answer =
                Tool.run(Path.of("/"), List.of("sh", "-c", script, "sh", program.toString()));
        for (String line : answer.lines().toList()) {
            if (line.endsWith("=> not found")) {
                throw new NestException(program + " misses a library: " + line.strip());
            }
            Matcher matcher = LINE.matcher(line);
            if (matcher.matches()) {
                libraries.add(Path.of(matcher.group(1)).normalize());
            }
        }
        return libraries;
    }
}
