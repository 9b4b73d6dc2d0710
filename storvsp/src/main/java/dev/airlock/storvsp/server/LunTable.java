package dev.airlock.storvsp.server;

import dev.airlock.disk.DiskException;
import dev.airlock.scsitarget.DiskIdentity;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LogicalUnitOptions;
import dev.airlock.storvsp.LunStatistics;
import dev.airlock.storvsp.StorvspDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which disk is which LUN, and which guest has it.
 *
 * <p>A disk that only one guest may have goes to the guest that has been connected longest; when
 * that one leaves, to the next, who is told. Disks keep their LUN until they are removed; a new one
 * gets the lowest that is free.
 *
 * <p>Thread-safe. The monitor is never held while waiting for I/O.
 */
final class LunTable implements StorvspDevice.Owner {
    private final int maxTransferBytes;
    private final Consumer<String> log;
    private final @Nullable Entry[] entries = new Entry[StorvspDevice.LUNS_MAX];

    /** Connected ones, the longest first. */
    private final List<StorvspDevice> guests = new ArrayList<>();

    /**
     * @param maxTransferBytes largest READ or WRITE that units announce
     */
    LunTable(int maxTransferBytes, Consumer<String> log) {
        this.maxTransferBytes = maxTransferBytes;
        this.log = log;
    }

    private static final class Entry {
        private final HostDisk disk;
        private final int maxTransferBytes;
        private LogicalUnit unit;
        private final List<StorvspDevice> users = new ArrayList<>();
        private boolean leaving;

        /** Held while the size changes, and to close the disk. */
        private final Object sizing = new Object();

        private LunStatistics past = LunStatistics.NONE;

        private Entry(HostDisk disk, int maxTransferBytes) {
            this.disk = disk;
            this.maxTransferBytes = maxTransferBytes;
            unit = newUnit();
        }

        /**
         * A unit as after power on: what a guest had set in the one before is not the next one's.
         */
        private LogicalUnit newUnit() {
            return new LogicalUnit(
                    disk.disk(),
                    DiskIdentity.ofSerial(disk.serial()),
                    LogicalUnitOptions.defaults().withMaxTransferBytes(maxTransferBytes));
        }

        private boolean isFree() {
            return !leaving && (users.isEmpty() || !disk.isExclusive());
        }
    }

    /**
     * Adds a disk and gives it to the guests that may have it.
     *
     * @return its LUN
     * @throws HostException if the name is taken or the table is full; the disk stays the caller's
     */
    synchronized int add(HostDisk disk) throws HostException {
        int lun = -1;
        for (int i = entries.length - 1; i >= 0; i--) {
            Entry entry = entries[i];
            if (entry == null) {
                lun = i;
            } else if (entry.disk.name().equals(disk.name())) {
                throw new HostException(
                        "a disk of this name is there already: name=%s lun=%d; give it another with ,name="
                                .formatted(disk.name(), i));
            }
        }
        if (lun < 0) {
            throw new HostException(
                    "limit disks=%d reached; remove one first".formatted(entries.length));
        }
        Entry entry = new Entry(disk, maxTransferBytes);
        entries[lun] = entry;
        for (StorvspDevice guest : guests) {
            give(lun, entry, guest);
        }
        return lun;
    }

    /**
     * Takes a disk from every guest, waits for what they have under way on it, flushes and closes
     * it.
     *
     * @throws HostException if there is none of that name
     * @throws DiskException if its last flush failed; it is gone all the same
     */
    void remove(String name) throws HostException, DiskException, InterruptedException {
        int lun = -1;
        Entry entry = null;
        List<StorvspDevice> users = List.of();
        synchronized (this) {
            for (int i = 0; i < entries.length; i++) {
                Entry found = entries[i];
                if (found != null && !found.leaving && found.disk.name().equals(name)) {
                    lun = i;
                    entry = found;
                    entry.leaving = true;
                    users = List.copyOf(entry.users);
                }
            }
        }
        if (entry == null) {
            throw new HostException("no disk of this name: name=" + name);
        }
        for (StorvspDevice user : users) {
            user.detach(lun);
        }
        try {
            entry.disk.disk().flush();
        } finally {
            synchronized (this) {
                entries[lun] = null;
            }
            synchronized (entry.sizing) {
                entry.disk.disk().close();
            }
        }
    }

    /**
     * Gives a disk another size, or takes over the one that its store has got from outside, and
     * tells the guests.
     *
     * @param newBytes the size; empty to take over
     * @throws HostException if there is none of that name
     * @throws DiskException if it cannot have that size
     */
    void resize(String name, OptionalLong newBytes) throws HostException, DiskException {
        Entry entry = find(name);
        synchronized (entry.sizing) {
            synchronized (this) {
                if (entry.leaving) {
                    throw new HostException("no disk of this name: name=" + name);
                }
            }
            if (newBytes.isPresent()) {
                entry.disk.disk().resize(newBytes.getAsLong());
            } else {
                entry.disk.disk().rescan();
            }
        }
        synchronized (this) {
            entry.unit.capacityChanged();
            entry.users.forEach(StorvspDevice::announce);
        }
    }

    private synchronized Entry find(String name) throws HostException {
        for (Entry entry : entries) {
            if (entry != null && !entry.leaving && entry.disk.name().equals(name)) {
                return entry;
            }
        }
        throw new HostException("no disk of this name: name=" + name);
    }

    @Override
    public synchronized void connected(StorvspDevice guest) {
        guests.add(guest);
        for (int lun = 0; lun < entries.length; lun++) {
            Entry entry = entries[lun];
            if (entry != null) {
                give(lun, entry, guest);
            }
        }
    }

    @Override
    public synchronized void disconnected(StorvspDevice guest) {
        guests.remove(guest);
        for (int lun = 0; lun < entries.length; lun++) {
            Entry entry = entries[lun];
            if (entry != null && entry.users.remove(guest)) {
                entry.past = entry.past.plus(guest.statistics(lun));
                if (entry.users.isEmpty()) {
                    entry.unit = entry.newUnit();
                }
                if (!entry.leaving && entry.disk.isExclusive() && !guests.isEmpty()) {
                    StorvspDevice next = guests.getFirst();
                    give(lun, entry, next);
                    log.accept(
                            "%s: LUN %d is there now: disk %s was released by %s"
                                    .formatted(next.name(), lun, entry.disk.name(), guest.name()));
                }
            }
        }
    }

    /** What is in the table, by LUN. */
    synchronized List<DiskStatus> status() {
        List<DiskStatus> all = new ArrayList<>();
        for (int lun = 0; lun < entries.length; lun++) {
            Entry entry = entries[lun];
            if (entry == null) {
                continue;
            }
            LunStatistics io = entry.past;
            List<String> names = new ArrayList<>();
            for (StorvspDevice user : entry.users) {
                io = io.plus(user.statistics(lun));
                names.add(user.name());
            }
            HostDisk disk = entry.disk;
            all.add(
                    new DiskStatus(
                            lun,
                            disk.name(),
                            disk.spec(),
                            disk.disk().sizeBytes(),
                            disk.disk().sectorBytes(),
                            disk.disk().isReadOnly(),
                            disk.shared(),
                            names,
                            io));
        }
        return all;
    }

    /**
     * Flushes and closes every disk, after the guests have gone.
     *
     * @return what could not be made durable, a line each
     */
    synchronized List<String> closeAll() {
        List<String> failures = new ArrayList<>();
        for (int lun = 0; lun < entries.length; lun++) {
            Entry entry = entries[lun];
            if (entry == null || entry.leaving) {
                continue;
            }
            try {
                entry.disk.disk().flush();
            } catch (DiskException e) {
                failures.add("disk not flushed: name=" + entry.disk.name() + ": " + e.getMessage());
            }
            entry.disk.disk().close();
            entries[lun] = null;
        }
        return failures;
    }

    private void give(int lun, Entry entry, StorvspDevice guest) {
        if (entry.leaving) {
            return;
        }
        if (!entry.isFree()) {
            log.accept(
                    "%s: LUN %d is absent: disk %s is writable and %s has it (,shared would allow both)"
                            .formatted(
                                    guest.name(),
                                    lun,
                                    entry.disk.name(),
                                    entry.users.getFirst().name()));
            return;
        }
        entry.users.add(guest);
        if (!guest.attach(lun, entry.unit, entry.disk.identity())) {
            entry.users.remove(guest);
            log.accept(
                    "%s: LUN %d is absent: disk %s is not what the guest had there of an earlier host"
                            .formatted(guest.name(), lun, entry.disk.name()));
        }
    }
}
