package dev.airlock.storvsp.server;

import dev.airlock.disk.DiskSpec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A host in a process of its own, for tests: arguments are its socket, its control socket and a
 * disk. It says {@code ready}, and ends with its standard input. A line there is a path that it
 * tries to read, and says whether it could.
 */
final class HostMain {
    private HostMain() {}

    public static void main(String[] arguments) throws IOException {
        StorageHost host =
                StorageHost.start(
                        new HostOptions()
                                .socket(Path.of(arguments[0]))
                                .control(Path.of(arguments[1]))
                                .disk(DiskSpec.parse(arguments[2]))
                                .log(System.err::println));
        System.out.println("ready");
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(canRead(Path.of(line)) ? "readable" : "denied");
        }
        host.close();
    }

    private static boolean canRead(Path path) {
        try (var stream = Files.newInputStream(path)) {
            return stream != null;
        } catch (IOException e) {
            return false;
        }
    }
}
