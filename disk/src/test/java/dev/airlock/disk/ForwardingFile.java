package dev.airlock.disk;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;

/** A file that does what another does, for tests that change one call of it. */
class ForwardingFile implements BackingFile {
    private final BackingFile file;

    ForwardingFile(BackingFile file) {
        this.file = file;
    }

    @Override
    public String path() {
        return file.path();
    }

    @Override
    public FileTraits traits() {
        return file.traits();
    }

    @Override
    public long read(IoVector into, long offset) {
        return file.read(into, offset);
    }

    @Override
    public long readWithoutWaiting(IoVector into, long offset) {
        return file.readWithoutWaiting(into, offset);
    }

    @Override
    public long write(IoVector from, long offset, boolean durable) {
        return file.write(from, offset, durable);
    }

    @Override
    public void syncData() throws LinuxException {
        file.syncData();
    }

    @Override
    public void punchHole(long offset, long bytes) throws LinuxException {
        file.punchHole(offset, bytes);
    }

    @Override
    public void zeroRange(long offset, long bytes) throws LinuxException {
        file.zeroRange(offset, bytes);
    }

    @Override
    public void truncate(long bytes) throws LinuxException {
        file.truncate(bytes);
    }

    @Override
    public long size() throws LinuxException {
        return file.size();
    }

    @Override
    public long nextData(long offset) throws LinuxException {
        return file.nextData(offset);
    }

    @Override
    public long nextHole(long offset) throws LinuxException {
        return file.nextHole(offset);
    }

    @Override
    public void close() {
        file.close();
    }
}
