package dev.airlock.scsitarget;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/** A guest of one unit at 0:0:0: sends CDBs with scattered buffers and looks at what comes back. */
final class TestGuest {

    static final LunAddress ADDRESS = new LunAddress(0, 0, 0);
    private static final int ROOM = 1 << 20;
    private static final byte UNTOUCHED = (byte) 0xA5;

    final TestDisk disk;
    final LogicalUnit unit;
    final TargetBus bus;
    final Nexus nexus;
    final ScsiTask task = new ScsiTask();
    private final MemorySegment memory = Arena.ofAuto().allocate(ROOM + 8192, 4096);
    private final IoVector data = new IoVector(IoVector.USUAL_CAPACITY);
    private final MemorySegment cdb = Arena.ofAuto().allocate(Cdb.BYTES);
    private int cdbBytes;

    TestGuest(TestDisk disk) {
        this(disk, LogicalUnitOptions.defaults());
    }

    TestGuest(TestDisk disk, LogicalUnitOptions options) {
        this.disk = disk;
        unit = new LogicalUnit(disk, DiskIdentity.ofSerial("SERIAL-1"), options);
        bus = new TargetBus(64);
        bus.add(ADDRESS, unit);
        nexus = bus.connect();
    }

    private TestGuest(TestGuest other) {
        disk = other.disk;
        unit = other.unit;
        bus = other.bus;
        nexus = bus.connect();
    }

    /** Another guest that sees the same units. */
    TestGuest another() {
        return new TestGuest(this);
    }

    static TestGuest withBlocks(int blockBytes, int blocks) {
        return new TestGuest(new TestDisk(blockBytes, blocks));
    }

    ItlNexus itl() {
        return Objects.requireNonNull(nexus.find(0, 0, 0));
    }

    /** Sets the next CDB. */
    TestGuest command(ScsiCommand command, long lba, long count) {
        Cdb.encode(cdb, 0, command, lba, count);
        cdbBytes = command.cdbBytes();
        return this;
    }

    TestGuest raw(int... bytes) {
        cdb.fill((byte) 0);
        for (int i = 0; i < bytes.length; i++) {
            BigEndian.u8(cdb, i, bytes[i]);
        }
        cdbBytes = bytes.length;
        return this;
    }

    /** Sets bits of a byte of the CDB. */
    TestGuest bits(int at, int bits) {
        BigEndian.u8(cdb, at, BigEndian.u8(cdb, at) | bits);
        return this;
    }

    TestGuest cdbBytes(int bytes) {
        cdbBytes = bytes;
        return this;
    }

    /** Sends without data. */
    TestGuest send() {
        data.clear();
        return run(VstorSrb.DIRECTION_NONE);
    }

    /**
     * Sends with room for data; returns what arrived, after checking that nothing was written
     * beyond it.
     */
    byte[] receive(int room) {
        buffer(room);
        memory.fill(UNTOUCHED);
        run(VstorSrb.DIRECTION_IN);
        byte[] all = new byte[room];
        data.copyTo(0, MemorySegment.ofArray(all), 0, room);
        int moved = Math.toIntExact(task.transferredBytes());
        for (int i = moved; i < room; i++) {
            assertThat(all[i]).as("byte %d beyond transferred=%d", i, moved).isEqualTo(UNTOUCHED);
        }
        return Arrays.copyOf(all, moved);
    }

    /** Sends with data. */
    TestGuest send(byte[] bytes) {
        buffer(bytes.length);
        data.copyFrom(0, MemorySegment.ofArray(bytes), 0, bytes.length);
        return run(VstorSrb.DIRECTION_OUT);
    }

    private TestGuest run(int direction) {
        nexus.execute(0, 0, 0, cdb, 0, cdbBytes, direction, data, task);
        assertThat(unit.bugs()).as(String.valueOf(unit.firstBug())).isZero();
        return this;
    }

    /** As a ring's thread would: false when it has to wait. */
    boolean trySend(int direction, int bytes) {
        buffer(bytes);
        return itl().tryExecute(cdb, 0, cdbBytes, direction, data, task);
    }

    IoVector data() {
        return data;
    }

    MemorySegment cdb() {
        return cdb;
    }

    int cdbBytes() {
        return cdbBytes;
    }

    /** What is in the buffer that was sent last. */
    byte[] sentBytes(int bytes) {
        byte[] now = new byte[bytes];
        data.copyTo(0, MemorySegment.ofArray(now), 0, bytes);
        return now;
    }

    /** A buffer in three pieces with gaps, at odd addresses. */
    IoVector buffer(int bytes) {
        data.clear();
        int first = bytes / 3;
        int second = bytes / 4;
        data.add(memory, 3, first);
        data.add(memory, 1500 + first, second);
        data.add(memory, 4000 + first + second, bytes - first - second);
        return data;
    }

    TestGuest good() {
        assertThat(ScsiStatus.name(task.scsiStatus()))
                .as(Sense.describe(task.sense(), 0, task.senseBytes()))
                .isEqualTo("GOOD");
        assertThat(task.senseBytes()).isZero();
        return this;
    }

    TestGuest succeeded() {
        good();
        assertThat(SrbStatus.name(task.srbStatus())).isEqualTo("SUCCESS");
        return this;
    }

    /** Expects CHECK CONDITION with this sense, nothing moved. */
    TestGuest failed(int key, int additionalSense) {
        String want = SenseKey.name(key) + ": " + AdditionalSense.name(additionalSense);
        assertThat(Sense.describe(task.sense(), 0, task.senseBytes())).startsWith(want);
        assertThat(task.scsiStatus()).isEqualTo(ScsiStatus.CHECK_CONDITION);
        assertThat(SrbStatus.name(task.srbStatus())).isEqualTo("ERROR|AUTOSENSE_VALID");
        return this;
    }

    /** Expects INVALID FIELD IN CDB that points at a byte, and a bit or -1. */
    TestGuest invalidField(int at, int bit) {
        String pointer = ", byte " + at + (bit < 0 ? "" : " bit " + bit);
        return sense("ILLEGAL REQUEST: INVALID FIELD IN CDB" + pointer);
    }

    TestGuest invalidParameter(int at, int bit) {
        String pointer = ", parameter byte " + at + (bit < 0 ? "" : " bit " + bit);
        return sense("ILLEGAL REQUEST: INVALID FIELD IN PARAMETER LIST" + pointer);
    }

    TestGuest sense(String text) {
        assertThat(Sense.describe(task.sense(), 0, task.senseBytes())).isEqualTo(text);
        return moved(0);
    }

    TestGuest moved(long bytes) {
        assertThat(task.transferredBytes()).isEqualTo(bytes);
        return this;
    }

    TestGuest overrun(long bytes) {
        assertThat(task.overrunBytes()).isEqualTo(bytes);
        assertThat(SrbStatus.name(task.srbStatus()))
                .isEqualTo(bytes == 0 ? "SUCCESS" : "DATA_OVERRUN");
        return this;
    }

    byte[] diskBytes(long offset, int length) {
        return disk.bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }
}
