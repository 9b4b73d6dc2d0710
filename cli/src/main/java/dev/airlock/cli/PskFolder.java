package dev.airlock.cli;

import dev.airlock.nbd.PskSessions;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.net.URI;
import java.nio.file.Path;
import java.util.ServiceLoader;
import java.util.Set;

/**
 * The folder {@code psk} beside our own jar: modules that are loaded only for {@code --tls-psk}. On
 * the module path they would double the processor time of every start.
 */
final class PskFolder {
    private static final String MODULE = "dev.airlock.psk";

    private PskFolder() {}

    /** Loads what makes TLS with pre-shared keys. */
    static PskSessions.Provider provider() {
        Path jar =
                Path.of(
                        URI.create(
                                PskFolder.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toString()));
        Path folder = jar.resolveSibling("psk");
        try {
            Configuration modules =
                    ModuleLayer.boot()
                            .configuration()
                            .resolve(ModuleFinder.of(folder), ModuleFinder.of(), Set.of(MODULE));
            ModuleLayer layer =
                    ModuleLayer.boot()
                            .defineModulesWithOneLoader(modules, PskFolder.class.getClassLoader());
            return ServiceLoader.load(layer, PskSessions.Provider.class).findFirst().orElseThrow();
        } catch (FindException e) {
            throw CommandFailure.usage("TLS with pre-shared keys is not in " + folder + ": " + e);
        }
    }
}
