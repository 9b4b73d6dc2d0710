package dev.airlock.scsitarget;

import dev.airlock.memory.IoVector;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One command at a time: its private CDB, its result, and the private memory that carrying it out
 * needs. Made once by whoever executes commands (a ring's thread, a worker) and used again for
 * each; everything is allocated at construction but the bulk buffer, which the first command that
 * compares or repeats data allocates and which then stays.
 *
 * <p>For one thread at a time. The result is valid until the next command. The data vector belongs
 * to the caller and is not kept.
 */
public final class ScsiTask {

    /** Room for parameter lists and responses: the longest are an UNMAP list and a LUN list. */
    static final int SCRATCH_BYTES = 8192;

    /** Chunk in which data are compared or repeated. */
    static final int BULK_BYTES = 64 << 10;

    private static final int BULK_RANGES = 16;

    private final MemorySegment cdb;
    private final MemorySegment sense;
    private final MemorySegment scratch;
    private final IoVector part;
    private final IoVector bulkVector = new IoVector(BULK_RANGES);
    private final IoVector noData = new IoVector(1);
    private final LbaStatusCollector lbaStatus = new LbaStatusCollector();
    private @Nullable MemorySegment bulk;

    private int cdbBytes;
    private IoVector data = noData;
    private int direction;
    private boolean inlineOnly;
    private boolean deferred;
    private int scsiStatus;
    private int srbStatus;
    private int senseBytes;
    private long transferredBytes;
    private long overrunBytes;

    /** For data vectors of {@link IoVector#USUAL_CAPACITY} ranges. */
    public ScsiTask() {
        this(IoVector.USUAL_CAPACITY);
    }

    /** For data vectors of at most {@code ranges} ranges. */
    public ScsiTask(int ranges) {
        Arena arena = Arena.ofAuto();
        cdb = arena.allocate(Cdb.BYTES, Long.BYTES);
        sense = arena.allocate(Sense.DESCRIPTOR_FORMAT_MAX_BYTES, Long.BYTES);
        scratch = arena.allocate(SCRATCH_BYTES, Long.BYTES);
        part = new IoVector(ranges);
    }

    /** The {@link ScsiStatus} of the command; GOOD when the transport did not get to it. */
    public int scsiStatus() {
        return scsiStatus;
    }

    /**
     * The {@link SrbStatus} of the command, {@link SrbStatus#AUTOSENSE_VALID} included where there
     * is sense data.
     */
    public int srbStatus() {
        return srbStatus;
    }

    /** Sense data, fixed format; {@link #senseBytes} of it are valid. */
    public MemorySegment sense() {
        return sense;
    }

    /** Bytes of sense data: 0 unless the status is CHECK CONDITION. */
    public int senseBytes() {
        return senseBytes;
    }

    /** Bytes moved to or from the data vector, counted from its start: what the SRB reports. */
    public long transferredBytes() {
        return transferredBytes;
    }

    /** Bytes that the command had for the guest beyond what the SRB had room for. */
    public long overrunBytes() {
        return overrunBytes;
    }

    // What follows is for carrying out a command.

    /** Takes a command over: copies the CDB, zero-filled, and forgets the last result. */
    void begin(
            MemorySegment from,
            long at,
            int bytes,
            int dataDirection,
            IoVector vector,
            boolean onlyInline) {
        cdbBytes = Math.clamp(bytes, 0, Cdb.BYTES);
        BigEndian.u64(cdb, 0, 0);
        BigEndian.u64(cdb, Long.BYTES, 0);
        MemorySegment.copy(from, at, cdb, 0, cdbBytes);
        data = vector;
        direction = dataDirection;
        inlineOnly = onlyInline;
        deferred = false;
        good();
    }

    /** Drops the caller's vector. */
    void end() {
        data = noData;
    }

    MemorySegment cdb() {
        return cdb;
    }

    int cdb(int at) {
        return BigEndian.u8(cdb, at);
    }

    int cdbBytes() {
        return cdbBytes;
    }

    MemorySegment scratch() {
        return scratch;
    }

    LbaStatusCollector lbaStatus() {
        return lbaStatus;
    }

    MemorySegment bulk() {
        MemorySegment memory = bulk;
        if (memory == null) {
            memory = Arena.ofAuto().allocate(BULK_BYTES, 4096);
            bulk = memory;
        }
        return memory;
    }

    /** An empty vector for ranges of {@link #bulk}; at most {@link #BULK_RANGES}. */
    IoVector bulkVector() {
        bulkVector.clear();
        return bulkVector;
    }

    IoVector data() {
        return data;
    }

    /**
     * The first {@code bytes} of the data vector, itself when it is no longer; null when a task of
     * this size cannot tell.
     */
    @Nullable IoVector dataPart(long bytes) {
        if (data.totalBytes() == bytes) {
            return data;
        }
        return data.slice(0, bytes, part) ? part : null;
    }

    /** Bytes that the guest has room for: 0 unless data go to it. */
    long dataInRoom() {
        return direction == VstorSrb.DIRECTION_IN ? data.totalBytes() : 0;
    }

    /** Bytes that came from the guest. */
    long dataOutBytes() {
        return direction == VstorSrb.DIRECTION_OUT ? data.totalBytes() : 0;
    }

    boolean isInlineOnly() {
        return inlineOnly;
    }

    /**
     * Whether the command must go to a thread that may wait; if so it is marked, and nothing of it
     * may have been done.
     */
    boolean mustDefer(boolean mayBlock) {
        deferred |= inlineOnly && mayBlock;
        return deferred;
    }

    boolean isDeferred() {
        return deferred;
    }

    void good() {
        scsiStatus = ScsiStatus.GOOD;
        srbStatus = SrbStatus.SUCCESS;
        senseBytes = 0;
        transferredBytes = 0;
        overrunBytes = 0;
    }

    /** Ends with data moved to the guest: {@code moved} bytes of {@code had}. */
    void movedIn(long moved, long had) {
        transferredBytes = moved;
        overrunBytes = had - moved;
        if (overrunBytes > 0) {
            srbStatus = SrbStatus.DATA_OVERRUN;
        }
    }

    /** Ends with data taken from the guest. */
    void movedOut(long bytes) {
        transferredBytes = bytes;
    }

    /**
     * Ends with the first {@code bytes} of {@link #scratch} for the guest, cut to its allocation
     * length and its room.
     */
    void respond(int bytes, long allocationBytes) {
        long allowed = Math.min(bytes, allocationBytes);
        long moved = Math.min(allowed, dataInRoom());
        data.copyFrom(0, scratch, 0, moved);
        movedIn(moved, allowed);
    }

    /**
     * Copies a parameter list into {@link #scratch}, once; false, with sense data, when the SRB
     * brought less.
     */
    boolean fetchParameters(int bytes) {
        if (dataOutBytes() < bytes) {
            shortDataOut();
            return false;
        }
        data.copyTo(0, scratch, 0, bytes);
        movedOut(bytes);
        return true;
    }

    /** Ends with an answer of the transport: no such unit. */
    void noUnit(int status) {
        good();
        srbStatus = status;
    }

    void checkCondition(int key, int additionalSense) {
        good();
        scsiStatus = ScsiStatus.CHECK_CONDITION;
        srbStatus = SrbStatus.ERROR | SrbStatus.AUTOSENSE_VALID;
        Sense.write(sense, 0, key, additionalSense);
        senseBytes = Sense.BYTES;
    }

    /** The INFORMATION field of the sense data just made. */
    void information(long value) {
        Sense.information(sense, 0, value);
    }

    /**
     * INVALID FIELD IN CDB that points at a field: its first byte, its highest bit there, or -1 for
     * whole bytes.
     */
    void invalidField(int cdbByte, int bit) {
        checkCondition(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_CDB);
        Sense.fieldPointer(sense, 0, true, cdbByte, bit);
    }

    /** INVALID FIELD IN PARAMETER LIST that points at a field of it. */
    void invalidParameter(int listByte, int bit) {
        checkCondition(SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST);
        Sense.fieldPointer(sense, 0, false, listByte, bit);
    }

    void parameterListLengthError() {
        checkCondition(SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
    }

    /** The SRB brought less data than its CDB asks to take; nothing was done. */
    void shortDataOut() {
        checkCondition(
                SenseKey.ILLEGAL_REQUEST,
                AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
    }

    void outOfRange() {
        checkCondition(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LBA_OUT_OF_RANGE);
    }

    void writeProtected() {
        checkCondition(SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
    }

    void internalFailure() {
        checkCondition(SenseKey.HARDWARE_ERROR, AdditionalSense.INTERNAL_TARGET_FAILURE);
    }
}
