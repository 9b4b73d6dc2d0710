package dev.airlock.storvsc;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.Scatterlist;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One SCSI command with its data list and, afterwards, its results. Reusable: prepare, submit, read
 * the results in the completion, prepare again; nothing is allocated in between.
 *
 * <p>Owned by the caller, except between an accepted submit and its completion, when the driver
 * owns it and the caller must touch neither it nor the guest memory it names. Not thread-safe
 * otherwise.
 *
 * <p>The data list holds guest-physical ranges in order. The driver sends them as one GPA range and
 * refuses a list that cannot be one, see {@link GpaRangeLayout}.
 */
public final class ScsiRequest {
    /** What Linux writes in {@code vmscsi_request.time_out_value}, seconds. */
    public static final int LINUX_TIMEOUT_SECONDS = 60;

    /** Value of {@link #tag(int)} that leaves the choice to the driver. */
    public static final int ANY_TAG = -1;

    private final MemorySegment cdb;
    private final MemorySegment sense;
    private final int maxEntries;
    private Scatterlist data;
    private int path;
    private int target;
    private int lun;
    private int cdbLength;
    private DataDirection direction = DataDirection.NONE;
    private int mappingAttributes = DmaAttributes.NONE;
    private boolean tagged = true;
    private int tag = ANY_TAG;
    private int timeoutMs;
    private @Nullable ScsiCompletion completion;
    private @Nullable Object attachment;

    /** Guards against misuse only; hand-over between threads happens through the command table. */
    private boolean submitted;

    private Outcome outcome = Outcome.NONE;
    private int srbStatus;
    private int scsiStatus;
    private int senseLength;
    private int transferredBytes;

    /**
     * A request whose data list takes {@code maxEntries} ranges.
     *
     * @param maxEntries at least 1; a page-contiguous transfer of n bytes needs at most n / 4096 +
     *     1
     */
    public ScsiRequest(int maxEntries) {
        MemorySegment bytes =
                Arena.ofAuto().allocate(VstorSrb.CDB_BYTES + VstorSrb.SENSE_BYTES, Long.BYTES);
        this.cdb = bytes.asSlice(0, VstorSrb.CDB_BYTES);
        this.sense = bytes.asSlice(VstorSrb.CDB_BYTES, VstorSrb.SENSE_BYTES);
        this.maxEntries = maxEntries;
        this.data = new Scatterlist(maxEntries);
    }

    /** Forgets the previous command: no data, simple tag, driver's tag and time-out, zeroed CDB. */
    public ScsiRequest prepare(int path, int target, int lun, DataDirection direction) {
        requireIdle();
        this.path = path;
        this.target = target;
        this.lun = lun;
        this.direction = direction;
        data.clear();
        cdb.fill((byte) 0);
        cdbLength = 0;
        mappingAttributes = DmaAttributes.NONE;
        tagged = true;
        tag = ANY_TAG;
        timeoutMs = 0;
        outcome = Outcome.NONE;
        return this;
    }

    /** As {@link #prepare(int, int, int, DataDirection)}. */
    public ScsiRequest prepare(LunAddress at, DataDirection direction) {
        return prepare(at.path(), at.target(), at.lun(), direction);
    }

    /**
     * The CDB, 16 bytes to be filled by the caller; {@link #cdbLength(int)} says how many count.
     */
    public MemorySegment cdb() {
        return cdb;
    }

    /** Sets the length of the CDB, 1 to 16 bytes. */
    public ScsiRequest cdbLength(int bytes) {
        if (bytes < 1 || bytes > VstorSrb.CDB_BYTES) {
            throw new IllegalArgumentException("cdbLength must be in [1, 16]: cdbLength=" + bytes);
        }
        cdbLength = bytes;
        return this;
    }

    /**
     * Appends a guest-physical range to the data list.
     *
     * @return false when the list is full
     */
    public boolean addData(long gpa, int bytes) {
        return data.add(gpa, bytes);
    }

    /** Bits of {@link DmaAttributes} for the mapping, such as OVERWRITE. */
    public ScsiRequest mappingAttributes(int attributes) {
        mappingAttributes = attributes;
        return this;
    }

    /** False for a command to a device that is not known to queue (Linux: before its INQUIRY). */
    public ScsiRequest tagged(boolean simpleQueue) {
        tagged = simpleQueue;
        return this;
    }

    /** The tag to use, when the adapter leaves tags to its callers; else {@link #ANY_TAG}. */
    public ScsiRequest tag(int callersTag) {
        tag = callersTag;
        return this;
    }

    /** How long the host may take before recovery begins, ms; 0 means the adapter's default. */
    public ScsiRequest timeoutMs(int milliseconds) {
        timeoutMs = milliseconds;
        return this;
    }

    /** Who is told of the end. Kept from one use to the next. */
    public ScsiRequest onCompletion(ScsiCompletion told) {
        completion = told;
        return this;
    }

    /** The caller's own object, for its completion to find. Kept from one use to the next. */
    public ScsiRequest attachment(@Nullable Object callersObject) {
        attachment = callersObject;
        return this;
    }

    /** What {@link #attachment(Object)} was given. */
    public @Nullable Object attachment() {
        return attachment;
    }

    /** Bytes of the data list. */
    public int dataBytes() {
        return Math.toIntExact(data.totalBytes());
    }

    /** How the command ended; {@link Outcome#NONE} before that. */
    public Outcome outcome() {
        return outcome;
    }

    /** {@link dev.airlock.scsi.SrbStatus} with its flag bits; meaningful when answered. */
    public int srbStatus() {
        return srbStatus;
    }

    /** {@link dev.airlock.scsi.ScsiStatus}; meaningful when answered. */
    public int scsiStatus() {
        return scsiStatus;
    }

    /** Valid bytes of {@link #sense()}, 0 when the host gave none, at most 20. */
    public int senseLength() {
        return senseLength;
    }

    /** The sense data, {@link #senseLength()} bytes of it valid. */
    public MemorySegment sense() {
        return sense;
    }

    /** Bytes the host says it moved, never more than {@link #dataBytes()}. */
    public int transferredBytes() {
        return transferredBytes;
    }

    /** Bytes of the data list that were not moved. */
    public int residualBytes() {
        return dataBytes() - transferredBytes;
    }

    int path() {
        return path;
    }

    int target() {
        return target;
    }

    int lun() {
        return lun;
    }

    int cdbLength() {
        return cdbLength;
    }

    DataDirection direction() {
        return direction;
    }

    int mappingAttributes() {
        return mappingAttributes;
    }

    boolean isTagged() {
        return tagged;
    }

    int tag() {
        return tag;
    }

    int timeoutMs() {
        return timeoutMs;
    }

    /**
     * The data list, to be looked at; {@link #addData} fills it. After a time-out the request may
     * have another list with the same entries.
     */
    public Scatterlist data() {
        return data;
    }

    /**
     * The driver takes the request over. Throws when it has it already, or the command is not
     * whole.
     */
    void beginSubmit() {
        requireIdle();
        if (cdbLength == 0) {
            throw new IllegalStateException("cdbLength was not set");
        }
        if ((direction == DataDirection.NONE) != (data.entries() == 0)) {
            throw new IllegalStateException(
                    "direction and data disagree: direction=%s entries=%d"
                            .formatted(direction, data.entries()));
        }
        submitted = true;
    }

    /** The driver gives the request back without having queued it. */
    void cancelSubmit() {
        submitted = false;
    }

    /**
     * Takes the mapped data list away, for a command whose caller is told of a time-out while the
     * host may still write the bounce slots; the request gets a fresh list. Allocates; not the hot
     * path.
     */
    Scatterlist detachData() {
        Scatterlist detached = data;
        Scatterlist fresh = new Scatterlist(maxEntries);
        for (int entry = 0; entry < detached.entries(); entry++) {
            fresh.add(detached.gpa(entry), detached.bytes(entry));
        }
        data = fresh;
        return detached;
    }

    /** Sets the results of an answer; sense bytes are already in {@link #sense()}. */
    void answer(int srbStatus, int scsiStatus, int senseLength, int transferredBytes) {
        this.srbStatus = srbStatus;
        this.scsiStatus = scsiStatus;
        this.senseLength = senseLength;
        this.transferredBytes = transferredBytes;
        outcome = Outcome.ANSWERED;
    }

    /** Sets the results of a command that the host did not answer. */
    void fail(Outcome why) {
        srbStatus = 0;
        scsiStatus = 0;
        senseLength = 0;
        transferredBytes = 0;
        outcome = why;
    }

    /** Gives the request back to its caller and tells it. */
    void finish() {
        submitted = false;
        ScsiCompletion told = completion;
        if (told == null) {
            return;
        }
        try {
            told.completed(this);
        } catch (RuntimeException | Error failure) {
            Thread current = Thread.currentThread();
            current.getUncaughtExceptionHandler().uncaughtException(current, failure);
        }
    }

    private void requireIdle() {
        if (submitted) {
            throw new IllegalStateException("request is with the driver");
        }
    }
}
