package dev.airlock.vmm.console;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A terminal in raw mode until it is closed: keys arrive one by one, none makes a signal, none is
 * echoed. A shell does it with {@code stty} and undoes it when its input ends, which it does
 * however this process ends, by SIGKILL too. One owner.
 */
final class RawTerminal implements AutoCloseable {

    // The shell outlives signals to the whole process group. It says "raw" once all is set; if the
    // device is no terminal, its first command fails and it says nothing. When a killed owner's
    // shell has taken the terminal back, the janitor is in the background: without TTOU ignored it
    // would be refused.
    private static final String JANITOR =
            """
            trap '' INT TERM HUP QUIT
            saved=$(stty -F "$1" -g 2>/dev/null) || exit 1
            stty -F "$1" raw -echo || exit 1
            trap '' TTOU
            echo raw
            cat >/dev/null
            stty -F "$1" "$saved"
            """;

    private final Process janitor;

    private RawTerminal(Process janitor) {
        this.janitor = janitor;
    }

    /** Puts standard input's terminal in raw mode; empty if it is none. */
    static Optional<RawTerminal> ofStandardInput() throws IOException {
        Path input = Files.readSymbolicLink(Path.of("/proc/self/fd/0"));
        return input.isAbsolute() ? open(input) : Optional.empty();
    }

    /**
     * Puts a terminal in raw mode.
     *
     * @param device its device file
     * @return empty if the file is no terminal
     */
    static Optional<RawTerminal> open(Path device) throws IOException {
        Process janitor =
                new ProcessBuilder("sh", "-c", JANITOR, "sh", device.toString())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        byte[] said = janitor.getInputStream().readNBytes(4);
        if (new String(said, StandardCharsets.US_ASCII).equals("raw\n")) {
            return Optional.of(new RawTerminal(janitor));
        }
        janitor.getOutputStream().close();
        return Optional.empty();
    }

    /** Puts it back as it was, and returns when that is done. */
    @Override
    public void close() {
        boolean interrupted = false;
        try {
            janitor.getOutputStream().close();
        } catch (IOException e) {
            // A pipe that nobody reads any more: the janitor is gone, and so is its terminal.
        }
        while (true) {
            try {
                janitor.waitFor();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
