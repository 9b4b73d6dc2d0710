package dev.airlock.vmbus.host;

import dev.airlock.vmbus.host.ChannelTable.Slot;
import dev.airlock.vmbus.host.ChannelTable.State;
import dev.airlock.vmbus.host.GpadlTable.Entry;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlAssembly;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The GPADL part of the control protocol with one guest. For the bus's thread. */
final class Gpadls {
    private final HostBus bus;
    private final ChannelTable channels;
    private final GpadlTable table;

    Gpadls(HostBus bus, ChannelTable channels, HostLimits limits) {
        this.bus = bus;
        this.channels = channels;
        this.table = new GpadlTable(limits);
    }

    void header(GpadlHeader m) throws IOException {
        Slot slot = channels.get(m.relid());
        if (slot == null) {
            bus.refuse(
                    HostBusEvent.UNKNOWN_RELID,
                    "GPADL for no channel: relid=" + Integer.toUnsignedString(m.relid()));
            return;
        }
        if (table.contains(m.gpadl())) {
            bus.refuse(HostBusEvent.DUPLICATE_GPADL, describe(m.gpadl()));
            return;
        }
        if (slot.state == State.RESCINDED) {
            created(m.relid(), m.gpadl(), ControlMessage.STATUS_UNSUCCESSFUL);
            return;
        }
        GpadlAssembly assembly = new GpadlAssembly(m);
        String limit = table.limitReachedBy(assembly.maxPages());
        if (limit != null) {
            bus.refuse(HostBusEvent.LIMIT_REACHED, limit);
            created(m.relid(), m.gpadl(), ControlMessage.STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
        finishIfComplete(table.begin(assembly), assembly);
    }

    void body(GpadlBody m) throws IOException {
        Entry entry = table.get(m.gpadl());
        GpadlAssembly assembly = entry == null ? null : entry.assembly;
        if (entry == null || assembly == null) {
            bus.refuse(HostBusEvent.UNKNOWN_GPADL, "body without header: " + describe(m.gpadl()));
            return;
        }
        assembly.add(m);
        finishIfComplete(entry, assembly);
    }

    void teardown(GpadlTeardown m) throws IOException {
        Entry entry = table.get(m.gpadl());
        if (entry == null || entry.relid != m.relid()) {
            bus.refuse(HostBusEvent.UNKNOWN_GPADL, "teardown: " + describe(m.gpadl()));
            return;
        }
        if (entry.inUse) {
            // The rings live there: the guest gets its answer when the channel has closed.
            entry.teardownWaits = true;
            return;
        }
        table.remove(m.gpadl());
        bus.send(new GpadlTorndown(m.gpadl()));
    }

    /** A complete GPADL of this channel that no open channel uses; null if there is none. */
    @Nullable Entry usable(int handle, int relid) {
        Entry entry = table.get(handle);
        return entry != null && entry.relid == relid && entry.gpadl != null && !entry.inUse
                ? entry
                : null;
    }

    /** The channel whose rings lay in this GPADL has closed. */
    void unused(int handle) throws IOException {
        Entry entry = table.get(handle);
        if (entry == null) {
            return;
        }
        entry.inUse = false;
        if (entry.teardownWaits) {
            table.remove(handle);
            bus.send(new GpadlTorndown(handle));
        }
    }

    void removeChannel(int relid) {
        table.removeChannel(relid);
    }

    void clear() {
        table.clear();
    }

    private void finishIfComplete(Entry entry, GpadlAssembly assembly) throws IOException {
        if (!assembly.isComplete()) {
            return;
        }
        Gpadl gpadl = assembly.finish();
        if (gpadl == null) {
            table.remove(assembly.handle());
            bus.refuse(HostBusEvent.MALFORMED_GPADL, describe(assembly.handle()));
            created(assembly.relid(), assembly.handle(), ControlMessage.STATUS_INVALID_PARAMETER);
            return;
        }
        entry.assembly = null;
        entry.gpadl = gpadl;
        bus.count(HostBusEvent.GPADL_CREATED);
        show(gpadl);
        created(assembly.relid(), assembly.handle(), ControlMessage.STATUS_SUCCESS);
    }

    private void show(Gpadl gpadl) {
        HostTap tap = bus.tap();
        long[] pfns = tap == null ? null : gpadl.wholePages();
        if (tap == null || pfns == null) {
            return;
        }
        int visible = 0;
        for (long pfn : pfns) {
            visible += bus.memory().isVisible(pfn) ? 1 : 0;
        }
        tap.gpadl(pfns.length, visible);
    }

    private void created(int relid, int handle, int status) throws IOException {
        bus.send(new GpadlCreated(relid, handle, status));
    }

    private static String describe(int handle) {
        return "gpadl=0x" + Integer.toHexString(handle);
    }
}
