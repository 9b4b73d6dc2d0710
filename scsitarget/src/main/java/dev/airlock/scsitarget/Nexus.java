package dev.airlock.scsitarget;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.ReportLuns;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One guest's relation to the target (SAM-5's I_T nexus): which units it sees, and where. Made by
 * {@link TargetBus#connect}; closed when the guest goes. Thread-safe.
 */
public final class Nexus implements AutoCloseable {

    /** Units by address; replaced whole, so that looking one up takes no lock. */
    private record Table(int[] keys, ItlNexus[] units) {}

    private final TargetBus bus;
    private volatile Table table = new Table(new int[0], new ItlNexus[0]);

    Nexus(TargetBus bus) {
        this.bus = bus;
    }

    /** The unit at an address, or null; any integers may be asked for. Allocates nothing. */
    public @Nullable ItlNexus find(int path, int target, int lun) {
        if ((path | target | lun) >>> 8 != 0) {
            return null;
        }
        Table now = table;
        int index = Arrays.binarySearch(now.keys, LunAddress.key(path, target, lun));
        return index < 0 ? null : now.units[index];
    }

    /**
     * Carries out a command for whatever is at the address, a unit or none: see {@link
     * ItlNexus#execute} and {@link AbsentLun}.
     */
    public void execute(
            int path,
            int target,
            int lun,
            MemorySegment cdb,
            long at,
            int cdbBytes,
            int direction,
            IoVector data,
            ScsiTask task) {
        ItlNexus unit = find(path, target, lun);
        if (unit != null) {
            unit.execute(cdb, at, cdbBytes, direction, data, task);
        } else {
            task.begin(cdb, at, cdbBytes, direction, data, false);
            AbsentLun.execute(task, this, path, target, lun);
            task.end();
        }
    }

    /** Resets every unit that this guest sees, as a bus or adapter reset does. */
    public void resetAll() {
        for (ItlNexus unit : table.units) {
            unit.reset(UnitAttention.BUS_RESET);
        }
    }

    /** Every unit that this guest sees, ordered by address. A snapshot. */
    public List<ItlNexus> units() {
        return List.of(table.units);
    }

    /**
     * Ends the guest's relation: no command begins from now on, and the units forget it. Waits for
     * nothing.
     */
    @Override
    public void close() {
        bus.disconnect(this);
    }

    /**
     * Hands each LUN of a path and target to a REPORT LUNS list in the making; returns how many.
     */
    int writeLuns(int path, int target, MemorySegment list) {
        int count = 0;
        for (int key : table.keys) {
            if (key >>> 8 == (path << 8 | target)) {
                ReportLuns.writeLun(list, 0, count++, key & 0xFF);
            }
        }
        return count;
    }

    /** Clears an attention on every unit of a path and target. */
    void clearAttention(int path, int target, UnitAttention attention) {
        Table now = table;
        for (int i = 0; i < now.keys.length; i++) {
            if (now.keys[i] >>> 8 == (path << 8 | target)) {
                now.units[i].clearAttention(attention);
            }
        }
    }

    /** Adds a unit; the bus calls it with its lock held. Returns the new relation. */
    ItlNexus attach(LunAddress address, LogicalUnit unit) {
        Table now = table;
        int at = -Arrays.binarySearch(now.keys, address.key()) - 1;
        int[] keys = new int[now.keys.length + 1];
        ItlNexus[] units = new ItlNexus[keys.length];
        System.arraycopy(now.keys, 0, keys, 0, at);
        System.arraycopy(now.units, 0, units, 0, at);
        System.arraycopy(now.keys, at, keys, at + 1, now.keys.length - at);
        System.arraycopy(now.units, at, units, at + 1, now.units.length - at);
        keys[at] = address.key();
        units[at] = new ItlNexus(this, address, unit);
        unit.attach(units[at]);
        table = new Table(keys, units);
        return units[at];
    }

    /** Removes a unit; the bus calls it with its lock held. */
    void detach(LunAddress address) {
        Table now = table;
        int at = Arrays.binarySearch(now.keys, address.key());
        if (at < 0) {
            return;
        }
        int[] keys = new int[now.keys.length - 1];
        ItlNexus[] units = new ItlNexus[keys.length];
        System.arraycopy(now.keys, 0, keys, 0, at);
        System.arraycopy(now.units, 0, units, 0, at);
        System.arraycopy(now.keys, at + 1, keys, at, keys.length - at);
        System.arraycopy(now.units, at + 1, units, at, keys.length - at);
        table = new Table(keys, units);
        now.units[at].detach();
    }

    /** Removes every unit; the bus calls it with its lock held. */
    void detachAll() {
        Table now = table;
        table = new Table(new int[0], new ItlNexus[0]);
        for (ItlNexus unit : now.units) {
            unit.detach();
        }
    }
}
