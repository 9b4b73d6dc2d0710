package dev.airlock.storvsp.server;

import dev.airlock.disk.DiskSpec;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.host.HostTap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link StorageHost} is to do. Filled by one thread before {@link StorageHost#start}, which
 * checks it whole before anything is opened.
 */
public final class HostOptions {
    private @Nullable Path socket;
    private @Nullable Path control;
    private final List<Served> disks = new ArrayList<>();
    private HostLimits limits = HostLimits.DEFAULT;
    private StorvspOptions storage = StorvspOptions.defaults();
    private boolean dropPrivileges = true;
    private boolean leaveSockets;
    private boolean integrationServices;
    private Consumer<String> log = line -> {};
    private @Nullable HostTap tap;

    /** A disk to open, or one that is open. */
    record Served(String name, @Nullable DiskSpec spec, @Nullable HostDisk opened) {}

    /** Where guests connect; required. */
    public HostOptions socket(Path path) {
        socket = path;
        return this;
    }

    /** Where {@link ControlClient} connects; none unless given. */
    public HostOptions control(Path path) {
        control = path;
        return this;
    }

    /** One more disk, at the next LUN; opened by {@link StorageHost#start}. */
    public HostOptions disk(DiskSpec spec) {
        disks.add(new Served(spec.name(), spec, null));
        return this;
    }

    /** One more disk, at the next LUN, that is open already; the host's own from its start. */
    public HostOptions disk(HostDisk disk) {
        disks.add(new Served(disk.name(), null, disk));
        return this;
    }

    /** How much guests may ask for. */
    public HostOptions limits(HostLimits newLimits) {
        limits = newLimits;
        return this;
    }

    /** How each guest's device works. */
    public HostOptions storage(StorvspOptions options) {
        storage = options;
        return this;
    }

    /**
     * Whether the whole process gives up its rights once disks and sockets are open. True unless
     * told otherwise; false only for a host inside a process that has other things to do.
     */
    public HostOptions dropPrivileges(boolean drop) {
        dropPrivileges = drop;
        return this;
    }

    /**
     * That somebody else removes the sockets when this host ends, as a parent does that gave them a
     * folder of their own; a host that gave up root leaves no process behind to do it then.
     */
    public HostOptions leaveSockets() {
        leaveSockets = true;
        return this;
    }

    /** Offers shutdown, heartbeat and time synchronisation to guests too. */
    public HostOptions integrationServices() {
        integrationServices = true;
        return this;
    }

    /** Shows {@code shown} all that crosses the boundary of every guest. */
    public HostOptions tap(HostTap shown) {
        tap = shown;
        return this;
    }

    /** Takes one line for each thing worth telling. Called from any thread, must not block. */
    public HostOptions log(Consumer<String> lines) {
        log = lines;
        return this;
    }

    /**
     * Checks what can be checked without opening anything.
     *
     * @throws HostException with one line for the user
     */
    Path conclude() throws HostException {
        Path path = socket;
        if (path == null) {
            throw new HostException("no socket to listen at; give one with --socket PATH");
        }
        if (control != null && path.toAbsolutePath().equals(control.toAbsolutePath())) {
            throw new HostException("one path cannot be both socket and control socket: " + path);
        }
        Set<String> names = new HashSet<>();
        for (Served disk : disks) {
            if (!names.add(disk.name())) {
                throw new HostException(
                        "two disks have one name: name=%s; give one another with ,name="
                                .formatted(disk.name()));
            }
        }
        return path;
    }

    @Nullable Path control() {
        return control;
    }

    List<Served> disks() {
        return disks;
    }

    @Nullable HostTap tap() {
        return tap;
    }

    HostLimits limits() {
        return limits;
    }

    StorvspOptions storage() {
        return storage;
    }

    boolean dropsPrivileges() {
        return dropPrivileges;
    }

    boolean leavesSockets() {
        return leaveSockets;
    }

    boolean offersIntegrationServices() {
        return integrationServices;
    }

    Consumer<String> log() {
        return log;
    }
}
