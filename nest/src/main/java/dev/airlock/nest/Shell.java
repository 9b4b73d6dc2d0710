package dev.airlock.nest;

import java.util.List;
import java.util.stream.Collectors;

/** Text for a POSIX shell. Stateless. */
final class Shell {
    private Shell() {}

    /** One word, whatever is in it. */
    static String quoted(String word) {
        return "'" + word.replace("'", "'\\''") + "'";
    }

    /** A command. */
    static String words(List<String> words) {
        return words.stream().map(Shell::quoted).collect(Collectors.joining(" "));
    }

    /**
     * Runs a command so that its standard output and error output are kept apart in FILE.out and
     * FILE.err, both also appear where they would have, and its exit code is in FILE.exit.
     */
    static String separated(String command, String file) {
        return """
        : >%1$s.out; : >%1$s.err
        {
            {
                { %2$s 3>&- 4>&-; echo $? >%1$s.exit; } 2>&3 | tee %1$s.out >&4
            } 3>&1 | tee %1$s.err >&4
        } 4>&1
        """
                .formatted(file, command);
    }
}
