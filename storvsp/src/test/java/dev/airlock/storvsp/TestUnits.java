package dev.airlock.storvsp;

import dev.airlock.disk.Disk;
import dev.airlock.scsitarget.DiskIdentity;
import dev.airlock.scsitarget.LogicalUnit;
import dev.airlock.scsitarget.LogicalUnitOptions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Gives a device the disks of a test, as LUN 0, 1, ..., and keeps what it logs. */
final class TestUnits implements StorvspDevice.Owner {
    final List<String> log = new CopyOnWriteArrayList<>();
    private final List<LogicalUnit> units = new CopyOnWriteArrayList<>();
    private int disconnected;

    TestUnits(Disk... disks) {
        for (Disk disk : disks) {
            units.add(unit(disk));
        }
    }

    static LogicalUnit unit(Disk disk) {
        return new LogicalUnit(disk, DiskIdentity.ofSerial("test"), LogicalUnitOptions.defaults());
    }

    StorvspDevice device(String name, StorvspOptions options) {
        return new StorvspDevice(name, options, this, log::add);
    }

    synchronized int disconnected() {
        return disconnected;
    }

    @Override
    public void connected(StorvspDevice device) {
        for (int lun = 0; lun < units.size(); lun++) {
            device.attach(lun, units.get(lun));
        }
    }

    @Override
    public synchronized void disconnected(StorvspDevice device) {
        disconnected++;
    }
}
