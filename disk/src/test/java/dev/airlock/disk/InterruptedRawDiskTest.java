package dev.airlock.disk;

/** A raw disk over a file whose transfers end early and are interrupted at random. */
class InterruptedRawDiskTest extends StoringDiskContract {
    FileTraits traits() {
        return ArrayFile.cached();
    }

    @Override
    boolean readsWithoutWaiting() {
        return false;
    }

    @Override
    Disk create(long bytes) {
        return open(bytes, false);
    }

    @Override
    Disk createReadOnly(long bytes) {
        return open(bytes, true);
    }

    private Disk open(long bytes, boolean readOnly) {
        BackingFile file = new ArrayFile(traits(), new byte[(int) bytes]);
        return new RawDisk(
                FlakyFile.interrupted(file, Seed.random()), bytes, sectorBytes, readOnly);
    }
}
