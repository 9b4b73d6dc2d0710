package dev.airlock.storvsp.server;

import java.io.IOException;
import java.io.InputStream;

/**
 * The files this program is loaded from. A class loader opens a jar when it needs the first class
 * of it and then keeps it open; once the process has become another user it may not be allowed to:
 * a program in a folder that only root can enter would fail at the first class it lacks.
 */
final class ProgramFiles {
    private ProgramFiles() {}

    /** Has every jar of the module path and of the class path opened, for as long as we live. */
    static void open() throws IOException {
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        for (Module module : ModuleLayer.boot().modules()) {
            if (module.getClassLoader() == loader) {
                try (InputStream any = module.getResourceAsStream("module-info.class")) {
                    // Asking is enough: the loader opened the module's file to look.
                }
            }
        }
        // What is nowhere is looked for in every jar of the class path.
        loader.getResource("dev/airlock/no-such-file");
    }
}
