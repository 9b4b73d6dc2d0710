package dev.airlock.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Looks for texts in all that a process can reach: its mappings, and its memfds whether mapped or
 * not. A program of its own, for another machine than the tests'.
 */
final class MemorySearch {
    private MemorySearch() {}

    /**
     * Prints a line {@code found NAME mapped=N memfds=N} for each text.
     *
     * @param arguments a process's id; then names and texts by turns
     */
    public static void main(String[] arguments) throws IOException {
        ProcFs process = new ProcFs(Long.parseLong(arguments[0]));
        for (int i = 1; i + 1 < arguments.length; i += 2) {
            byte[] text = arguments[i + 1].getBytes(StandardCharsets.US_ASCII);
            System.out.printf(
                    "found %s mapped=%d memfds=%d%n",
                    arguments[i], process.count(text), process.countInMemfds(text));
        }
    }
}
