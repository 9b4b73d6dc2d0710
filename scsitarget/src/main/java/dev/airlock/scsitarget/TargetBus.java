package dev.airlock.scsitarget;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which logical unit is at which address, for every guest the same; units come and go while guests
 * run. Thread-safe; its methods are for set-up and hot plug, and wait for no I/O.
 *
 * <p>A guest that was connected before a unit came or went finds REPORTED LUNS DATA HAS CHANGED on
 * its units of the same target, and POWER ON OCCURRED on a new one. A new guest starts without unit
 * attentions, as with Hyper-V.
 */
public final class TargetBus {

    /**
     * Most units of one target: what a LUN list in {@link ScsiTask} has room for, and a LUN byte
     * can name.
     */
    public static final int MAX_LUNS_PER_TARGET = 256;

    private final int maxUnits;
    private final TreeMap<LunAddress, LogicalUnit> units = new TreeMap<>();
    private final List<Nexus> nexuses = new ArrayList<>();

    /**
     * @param maxUnits most units at once
     */
    public TargetBus(int maxUnits) {
        if (maxUnits < 1) {
            throw new IllegalArgumentException("maxUnits=" + maxUnits);
        }
        this.maxUnits = maxUnits;
    }

    /**
     * Puts a unit at an address, for present and future guests. A unit has one address only.
     *
     * @throws IllegalStateException if the address is taken or there are too many units; the
     *     message says which
     */
    public synchronized void add(LunAddress address, LogicalUnit unit) {
        if (units.containsKey(address)) {
            throw new IllegalStateException("there is a unit already at address=" + address);
        }
        if (units.size() == maxUnits) {
            throw new IllegalStateException("too many units: maxUnits=" + maxUnits);
        }
        units.put(address, unit);
        for (Nexus nexus : nexuses) {
            reportLunsChanged(nexus, address);
            nexus.attach(address, unit).attention(UnitAttention.POWER_ON);
        }
    }

    /**
     * Takes a unit from its address. Commands that come later find no unit; those under way go on:
     * {@link LogicalUnit#awaitIdle} before closing its disk.
     *
     * @return the unit, or null if there was none
     */
    public synchronized @Nullable LogicalUnit remove(LunAddress address) {
        LogicalUnit unit = units.remove(address);
        if (unit != null) {
            for (Nexus nexus : nexuses) {
                nexus.detach(address);
                reportLunsChanged(nexus, address);
            }
        }
        return unit;
    }

    /** The unit at an address, or null. */
    public synchronized @Nullable LogicalUnit unit(LunAddress address) {
        return units.get(address);
    }

    /** Every unit by its address. A snapshot. */
    public synchronized SortedMap<LunAddress, LogicalUnit> units() {
        return new TreeMap<>(units);
    }

    /** The lowest free LUN of a target, or -1. */
    public synchronized int freeLun(int path, int target) {
        for (int lun = 0; lun <= LunAddress.MAX; lun++) {
            if (!units.containsKey(new LunAddress(path, target, lun))) {
                return lun;
            }
        }
        return -1;
    }

    /** Begins a guest's relation to every unit; the caller closes it when the guest goes. */
    public synchronized Nexus connect() {
        Nexus nexus = new Nexus(this);
        units.forEach(nexus::attach);
        nexuses.add(nexus);
        return nexus;
    }

    synchronized void disconnect(Nexus nexus) {
        if (nexuses.remove(nexus)) {
            nexus.detachAll();
        }
    }

    private static void reportLunsChanged(Nexus nexus, LunAddress changed) {
        for (ItlNexus unit : nexus.units()) {
            if (unit.address().path() == changed.path()
                    && unit.address().target() == changed.target()) {
                unit.attention(UnitAttention.REPORTED_LUNS_CHANGED);
            }
        }
    }
}
