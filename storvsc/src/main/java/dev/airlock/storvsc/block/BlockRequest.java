package dev.airlock.storvsc.block;

import dev.airlock.dma.Scatterlist;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.SenseKey;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.storvsc.CommandResult;
import dev.airlock.storvsc.Outcome;
import dev.airlock.storvsc.ScsiRequest;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One request to a {@link BlockDevice} with its results. Reusable: set it up by the method named
 * after what is wanted, submit, look at the status when it has ended. Allocates nothing after
 * construction.
 *
 * <p>Owned by the caller, except between submission and completion, when the device owns it and the
 * caller must touch neither it, nor the data list, nor the guest memory that the list names.
 */
public final class BlockRequest {
    private BlockOperation operation = BlockOperation.FLUSH;
    private long offset;
    private long length;
    private @Nullable Scatterlist data;
    private boolean forceUnitAccess;
    private boolean mayUnmap;
    private boolean overwriting;
    private @Nullable BlockCompletion completion;
    private @Nullable Object attachment;

    private volatile BlockStatus status = BlockStatus.OK;
    private volatile @Nullable Thread waiter;
    private int srbStatus;
    private int scsiStatus;
    private int senseKey;
    private int additionalSense;
    private int transferredBytes;

    /** Where the next command of the request begins, counted from its offset. */
    private long issued;

    private final Scatterlist single = new Scatterlist(1);
    private final DataCursor cursor = new DataCursor();
    private Phase phase = Phase.MAIN;

    /** Commands with the host or waiting to be tried again, and one for whoever issues more. */
    private final AtomicInteger pending = new AtomicInteger();

    private final AtomicReference<BlockStatus> failure = new AtomicReference<>(BlockStatus.OK);
    private @Nullable BlockRequest next;

    /** What the request's commands are at the moment. */
    enum Phase {
        /** What was asked for. */
        MAIN,
        /** Zeroes written as data, as the device has no command for it. */
        ZEROES_AS_DATA,
        /** A flush in place of FUA. */
        FLUSH
    }

    /** A request for nothing yet. */
    public BlockRequest() {}

    /**
     * Reads into guest memory.
     *
     * @param fromOffset bytes from the start of the disk, whole sectors
     * @param into where to; its length is the request's, whole sectors
     */
    public BlockRequest read(long fromOffset, Scatterlist into) {
        return set(BlockOperation.READ, fromOffset, into.totalBytes(), into);
    }

    /**
     * As {@link #read(long, Scatterlist)}, for a caller that vouches that the disk fills the whole
     * buffer, or that it does not look at the buffer after a failure: nothing is copied into the
     * bounce slots first. What the host says it has not written stays as it was. A host that lies
     * about that can make the caller see older contents of the slots, which are this guest's own
     * and were the host's to see already.
     */
    public BlockRequest readOverwriting(long fromOffset, Scatterlist into) {
        read(fromOffset, into);
        overwriting = true;
        return this;
    }

    /**
     * Writes guest memory to the disk.
     *
     * @param fua whether the data is to be durable when the request ends
     */
    public BlockRequest write(long toOffset, Scatterlist from, boolean fua) {
        set(BlockOperation.WRITE, toOffset, from.totalBytes(), from);
        forceUnitAccess = fua;
        return this;
    }

    /** Reads into one contiguous range of guest memory; the list is the request's own. */
    public BlockRequest read(long fromOffset, long gpa, int bytes) {
        return read(fromOffset, single(gpa, bytes));
    }

    /** Writes one contiguous range of guest memory; the list is the request's own. */
    public BlockRequest write(long toOffset, long gpa, int bytes, boolean fua) {
        return write(toOffset, single(gpa, bytes), fua);
    }

    /** Makes durable what was written before. */
    public BlockRequest flush() {
        return set(BlockOperation.FLUSH, 0, 0, null);
    }

    /**
     * Asks which blocks hold data, from an offset on: {@link dev.airlock.scsi.LbaStatus}. What
     * arrived is said by {@link #transferredBytes}.
     *
     * @param gpa where to, one contiguous range
     * @param bytes room for the answer
     */
    public BlockRequest lbaStatus(long fromOffset, long gpa, int bytes) {
        return set(BlockOperation.LBA_STATUS, fromOffset, 0, single(gpa, bytes));
    }

    /** Tells the device that a range is needed no more. */
    public BlockRequest trim(long fromOffset, long bytes) {
        return set(BlockOperation.TRIM, fromOffset, bytes, null);
    }

    /**
     * Makes a range read as zeroes.
     *
     * @param unmap whether the device may give the space back
     */
    public BlockRequest writeZeroes(long fromOffset, long bytes, boolean unmap) {
        set(BlockOperation.WRITE_ZEROES, fromOffset, bytes, null);
        mayUnmap = unmap;
        return this;
    }

    /** Who is told of the end. Kept from one use to the next. */
    public BlockRequest onCompletion(@Nullable BlockCompletion told) {
        completion = told;
        return this;
    }

    /** The caller's own object, for its completion to find. Kept from one use to the next. */
    public BlockRequest attachment(@Nullable Object callersObject) {
        attachment = callersObject;
        return this;
    }

    /** What {@link #attachment(Object)} was given. */
    public @Nullable Object attachment() {
        return attachment;
    }

    public BlockOperation operation() {
        return operation;
    }

    /** Bytes from the start of the disk. */
    public long offset() {
        return offset;
    }

    /** Bytes of the range. */
    public long length() {
        return length;
    }

    /** How it ended; {@link BlockStatus#PENDING} while it has not. */
    public BlockStatus status() {
        return status;
    }

    /** Bytes of the answer to {@link #lbaStatus}; 0 for everything else. */
    public int transferredBytes() {
        return transferredBytes;
    }

    /** The {@link SenseKey} of the first command that failed, NO_SENSE when there is none. */
    public int senseKey() {
        return senseKey;
    }

    /** The {@link AdditionalSense} of the first command that failed, NONE when there is none. */
    public int additionalSense() {
        return additionalSense;
    }

    /** One line that says what was asked for and how it ended. Allocates. */
    public String describe() {
        return "%s offset=%d bytes=%d status=%s srb=%s scsi=%s sense=%s, %s"
                .formatted(
                        operation,
                        offset,
                        length,
                        status,
                        SrbStatus.name(srbStatus),
                        ScsiStatus.name(scsiStatus),
                        SenseKey.name(senseKey),
                        AdditionalSense.name(additionalSense));
    }

    private Scatterlist single(long gpa, int bytes) {
        requireIdle();
        single.clear();
        single.add(gpa, bytes);
        return single;
    }

    private BlockRequest set(BlockOperation what, long at, long bytes, @Nullable Scatterlist list) {
        requireIdle();
        operation = what;
        offset = at;
        length = bytes;
        data = list;
        forceUnitAccess = false;
        mayUnmap = false;
        overwriting = false;
        transferredBytes = 0;
        return this;
    }

    @Nullable Scatterlist data() {
        return data;
    }

    boolean isForceUnitAccess() {
        return forceUnitAccess;
    }

    boolean mayUnmap() {
        return mayUnmap;
    }

    boolean isOverwriting() {
        return overwriting;
    }

    DataCursor cursor() {
        return cursor;
    }

    long issued() {
        return issued;
    }

    void addIssued(long bytes) {
        issued += bytes;
    }

    Phase phase() {
        return phase;
    }

    @Nullable BlockRequest next() {
        return next;
    }

    void next(@Nullable BlockRequest following) {
        next = following;
    }

    /** The device takes the request over. */
    void beginSubmit() {
        requireIdle();
        status = BlockStatus.PENDING;
        srbStatus = 0;
        scsiStatus = 0;
        senseKey = SenseKey.NO_SENSE;
        additionalSense = AdditionalSense.NONE;
        failure.setPlain(BlockStatus.OK);
        beginPhase(Phase.MAIN);
    }

    /** Starts over with other commands; the issuer counts as one pending. */
    void beginPhase(Phase begun) {
        phase = begun;
        issued = 0;
        Scatterlist list = data;
        if (list != null) {
            cursor.start(list);
        }
        pending.setRelease(1);
    }

    /** A command is about to be queued. */
    void retain() {
        pending.incrementAndGet();
    }

    /** A command has ended, or the issuer is done; true for the last one. */
    boolean release() {
        return pending.decrementAndGet() == 0;
    }

    boolean hasFailed() {
        return failure.get() != BlockStatus.OK;
    }

    BlockStatus failure() {
        return failure.get();
    }

    /** Forgets a failure that another phase makes good. */
    void forgetFailure() {
        srbStatus = 0;
        scsiStatus = 0;
        senseKey = SenseKey.NO_SENSE;
        additionalSense = AdditionalSense.NONE;
        failure.set(BlockStatus.OK);
    }

    /** The first failure counts. */
    void fail(BlockStatus why) {
        failure.compareAndSet(BlockStatus.OK, why);
    }

    /** As above, with what the device said of the command. */
    void fail(BlockStatus why, ScsiRequest command) {
        if (failure.compareAndSet(BlockStatus.OK, why) && command.outcome() == Outcome.ANSWERED) {
            srbStatus = command.srbStatus();
            scsiStatus = command.scsiStatus();
            senseKey = CommandResult.senseKey(command);
            additionalSense = CommandResult.additionalSense(command);
        }
    }

    void transferred(int bytes) {
        transferredBytes = bytes;
    }

    /** Gives the request back to its caller and tells it. */
    void finish() {
        cursor.end();
        // Before the status: whoever sees that may use the request for something else at once.
        Thread waiting = waiter;
        BlockCompletion told = completion;
        status = failure.get();
        if (waiting != null) {
            LockSupport.unpark(waiting);
        } else if (told != null) {
            told.completed(this);
        }
    }

    /** A thread waits for the end and is woken instead of the completion; null for none. */
    void waiter(@Nullable Thread thread) {
        waiter = thread;
    }

    private void requireIdle() {
        if (status == BlockStatus.PENDING) {
            throw new IllegalStateException("request is with the device: " + operation);
        }
    }
}
