package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.SwiotlbMode;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.GuestMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A guest with an adapter and its host, both on the test's thread unless it asks for threads, and a
 * clock that stands still until told.
 */
public final class Rig implements AutoCloseable {
    static final int MIB = 1 << 20;

    public final GuestMemory memory;
    public final DmaMapper mapper;
    final LoopbackDevice device;
    public final StorvscAdapter adapter;

    private long nowNanos = 1_000_000_000_000L;

    private Rig(Setup setup) {
        try {
            memory =
                    setup.isolated
                            ? GuestMemory.isolated(16 * MIB, setup.visibleBytes)
                            : GuestMemory.shared(setup.sharedBytes);
            SwiotlbOptions pool =
                    SwiotlbOptions.DEFAULTS
                            .withMode(setup.mode)
                            .withPoolBytes(setup.poolBytes)
                            .withAreas(1)
                            .withChecker(setup.checked);
            mapper = DmaMapper.forGuest(memory, pool, DmaLimits.STORVSC);
            device = new LoopbackDevice(memory, setup.threaded, setup.script);
            device.subchannels = setup.subchannels;
            StorvscOptions options = setup.options;
            if (!setup.threaded) {
                options.singleThreaded(this::pump);
                options.clock(() -> nowNanos);
                options.drainTimeoutMs(0);
            }
            adapter = StorvscAdapter.open(device, mapper, memory.bytes(), options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a test may choose. */
    public static final class Setup {
        boolean isolated = true;
        boolean threaded;
        boolean checked = true;
        long visibleBytes = 8 * MIB;
        long sharedBytes = 24 * MIB;
        long poolBytes = 4 * MIB;
        int subchannels;
        SwiotlbMode mode = SwiotlbMode.AUTO;
        FakeHost.Script script;
        StorvscOptions options = new StorvscOptions().scan(1, 2).cpus(1);

        Setup(FakeHost.Script script) {
            this.script = script;
        }

        public Setup isolated(boolean on) {
            isolated = on;
            return this;
        }

        public Setup poolBytes(long bytes) {
            poolBytes = bytes;
            return this;
        }

        public Setup checked(boolean on) {
            checked = on;
            return this;
        }

        public StorvscOptions options() {
            return options;
        }

        public Rig open() {
            return new Rig(this);
        }
    }

    /** An isolated guest, everything on one thread. */
    public static Setup with(FakeHost.Script script) {
        return new Setup(script);
    }

    public static FakeDisk disk(int sectorBytes, int sizeBytes) {
        return new FakeDisk(sectorBytes, sizeBytes);
    }

    /** Runs the host's ends. */
    public int pump() {
        int handled = 0;
        for (FakeHost host : device.hosts()) {
            handled += host.pump();
        }
        return handled;
    }

    FakeHost host() {
        return device.host(0);
    }

    /** Lets both ends run until neither has anything to do. */
    public void settle() {
        int work;
        do {
            work = pump() + adapter.poll();
        } while (work > 0);
    }

    /** Time passes; nobody looks at the clock before the next tick. */
    public void advanceMs(long milliseconds) {
        nowNanos += milliseconds * 1_000_000;
    }

    /** Time passes, and the adapter looks. */
    void tickAfterMs(long milliseconds) {
        advanceMs(milliseconds);
        adapter.tick();
    }

    /** Private memory where there is any, at an offset in a page. */
    public long allocate(int bytes, int offset) {
        long gpa = memory.privatePages().allocate((long) bytes + offset, 4096);
        assertThat(gpa).isPositive();
        return gpa + offset;
    }

    public void fill(long gpa, byte[] bytes) {
        MemorySegment.copy(bytes, 0, memory.bytes(), ValueLayout.JAVA_BYTE, gpa, bytes.length);
    }

    public byte[] read(long gpa, int bytes) {
        return memory.bytes().asSlice(gpa, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    public long slotsInUse() {
        return mapper.statistics().slotsUsed();
    }

    /** A prepared TEST UNIT READY. */
    static ScsiRequest testUnitReady() {
        return new ScsiRequest(1).prepare(0, 0, 0, DataDirection.NONE).cdbLength(6);
    }

    /** A prepared READ(10) of whole sectors of 512. */
    static ScsiRequest read10(long lba, long gpa, int bytes) {
        ScsiRequest request = new ScsiRequest(300).prepare(0, 0, 0, DataDirection.FROM_DEVICE);
        dev.airlock.scsi.Cdb.encode(
                request.cdb(), 0, dev.airlock.scsi.ScsiCommand.READ_10, lba, bytes / 512);
        request.cdbLength(10);
        assertThat(request.addData(gpa, bytes)).isTrue();
        return request;
    }

    @Override
    public void close() {
        adapter.close();
        device.close();
        mapper.close();
        memory.close();
    }
}
