package dev.airlock.lab.mapping;

import dev.airlock.disk.DiskSpec;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import java.io.IOException;
import java.nio.file.Path;

/** A host in this process, with the disks that the laboratory wants. */
final class LabHost {
    private LabHost() {}

    static StorageHost start(Path folder) throws IOException {
        return StorageHost.start(
                new HostOptions()
                        .socket(folder.resolve("lab.sock"))
                        .dropPrivileges(false)
                        .disk(DiskSpec.parse("null:64G,shared"))
                        .disk(DiskSpec.parse("mem:64M,shared")));
    }
}
