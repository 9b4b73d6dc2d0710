package dev.airlock.nest;

import java.nio.file.Path;
import java.util.List;

/**
 * A Java program as it stands on this machine, to be run in another one at the same paths: its
 * cache for a quick start is valid only there.
 *
 * @param jdk home of the runtime
 * @param folder with all that the program needs, its argument file among it
 * @param argumentFile options of the JVM
 * @param main words that name what to run, such as {@code -m MODULE/CLASS}
 */
public record Program(Path jdk, Path folder, Path argumentFile, List<String> main) {}
