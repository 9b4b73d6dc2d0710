package dev.airlock.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No module of the guest's side reads one of the host's side, nor the other way round, however
 * indirectly.
 */
class BoundaryModulesTest {
    private static final List<String> GUEST = List.of("dma", "storvsc", "nbd", "psk");
    private static final List<String> HOST = List.of("disk", "scsitarget", "storvsp");

    @ParameterizedTest
    @ValueSource(strings = {"dma", "storvsc", "nbd", "psk"})
    void guestModulesShouldNotReachTheHost(String module) {
        assertThat(reached(module)).contains(module).doesNotContainAnyElementsOf(HOST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"disk", "scsitarget", "storvsp"})
    void hostModulesShouldNotReachTheGuest(String module) {
        assertThat(reached(module)).contains(module).doesNotContainAnyElementsOf(GUEST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"linux", "memory", "vmbus", "scsi"})
    void modulesOfBothSidesShouldReachNeither(String module) {
        assertThat(reached(module))
                .contains(module)
                .doesNotContainAnyElementsOf(GUEST)
                .doesNotContainAnyElementsOf(HOST);
    }

    @Test
    void labShouldReachBothSides() {
        assertThat(reached("lab")).contains("dma", "storvsc").containsAll(HOST);
    }

    private static Set<String> reached(String module) {
        Set<String> found = new HashSet<>();
        visit(module, found);
        return found;
    }

    private static void visit(String module, Set<String> found) {
        if (!found.add(module)) {
            return;
        }
        // Surefire runs in the module's own folder.
        Path classes =
                Path.of("").toAbsolutePath().resolveSibling(module).resolve("target/classes");
        ModuleFinder finder = ModuleFinder.of(classes);
        ModuleDescriptor descriptor =
                finder.find("dev.airlock." + module).orElseThrow().descriptor();
        for (ModuleDescriptor.Requires requires : descriptor.requires()) {
            if (requires.name().startsWith("dev.airlock.")) {
                visit(requires.name().substring("dev.airlock.".length()), found);
            }
        }
    }
}
