package dev.airlock.nest;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What this process's terminal is like, for the other end of a serial line.
 *
 * @param type as in {@code $TERM}
 * @param rows of characters; 0 where there is no terminal
 * @param columns of characters; 0 where there is no terminal
 */
public record TerminalShape(String type, int rows, int columns) {
    /** Of standard input, if that is a terminal. */
    public static TerminalShape ofStandardInput() {
        String type = System.getenv().getOrDefault("TERM", "linux");
        Console console = System.console();
        if (console == null || !console.isTerminal()) {
            return new TerminalShape(type, 0, 0);
        }
        try {
            String[] size =
                    Tool.run(Path.of("/"), List.of("sh", "-c", "stty size </dev/tty"))
                            .strip()
                            .split(" ");
            return new TerminalShape(type, Integer.parseInt(size[0]), Integer.parseInt(size[1]));
        } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
            return new TerminalShape(type, 24, 80);
        }
    }

    /** Whether there is a terminal. */
    public boolean isTerminal() {
        return rows > 0;
    }

    /** For stty(1); lines that go to a file or a pipe end as they were written. */
    String sttyWords() {
        return isTerminal() ? "rows " + rows + " cols " + columns : "-opost";
    }
}
