package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.DiskSpecException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The disks of a command that starts a host of its own. */
final class DiskSpecs {
    private DiskSpecs() {}

    /** What the user wrote, understood; a wrong one is the user's error. */
    static List<DiskSpec> parse(List<String> disks) {
        List<DiskSpec> specs = new ArrayList<>();
        try {
            for (String disk : disks) {
                specs.add(DiskSpec.parse(disk));
            }
        } catch (DiskSpecException e) {
            throw CommandFailure.usage(e.getMessage());
        }
        return specs;
    }

    /** The name of one whose contents die with its host; null when there is none. */
    static @Nullable String firstVolatile(List<DiskSpec> specs) {
        for (DiskSpec spec : specs) {
            if (spec.isVolatile()) {
                return spec.name();
            }
        }
        return null;
    }
}
