package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A SCSI disk over a {@link Disk}: SPC-4 and SBC-3. Shared by every guest that sees it; what SCSI
 * keeps per initiator is in {@link ItlNexus}. Thread-safe. The disk is the caller's: it closes it,
 * after {@link #awaitIdle}.
 */
public final class LogicalUnit {

    private final Disk disk;
    private final DiskIdentity identity;
    private final PrimaryCommands primary;
    private final InquiryCommand inquiry;
    private final ModeCommands modes;
    private final ReadWriteCommands readWrite;
    private final VerifyCommand verify;
    private final WriteSameCommand writeSame;
    private final ProvisioningCommands provisioning;
    private final OperationCodesCommand operationCodes;

    private final CopyOnWriteArrayList<ItlNexus> nexuses = new CopyOnWriteArrayList<>();
    private final Object idle = new Object();
    private final LongAdder bugs = new LongAdder();
    private final AtomicReference<@Nullable RuntimeException> firstBug = new AtomicReference<>();

    public LogicalUnit(Disk disk, DiskIdentity identity, LogicalUnitOptions options) {
        this.disk = disk;
        this.identity = identity;
        BlockGeometry geometry = new BlockGeometry(disk, options.maxTransferBytes());
        ModeState mode = new ModeState(disk);
        primary = new PrimaryCommands(disk, geometry, mode);
        inquiry = new InquiryCommand(geometry, identity, options);
        modes = new ModeCommands(disk, geometry, mode);
        readWrite = new ReadWriteCommands(disk, geometry, mode);
        verify = new VerifyCommand(disk, geometry);
        writeSame = new WriteSameCommand(disk, geometry, mode);
        provisioning = new ProvisioningCommands(disk, geometry, mode);
        operationCodes = new OperationCodesCommand(geometry);
    }

    public Disk disk() {
        return disk;
    }

    public DiskIdentity identity() {
        return identity;
    }

    /** Tells every guest that the disk's size is another one; call it after {@link Disk#resize}. */
    public void capacityChanged() {
        nexuses.forEach(nexus -> nexus.attention(UnitAttention.CAPACITY_CHANGED));
    }

    /** Tells every guest that INQUIRY data are others. */
    public void inquiryChanged() {
        nexuses.forEach(nexus -> nexus.attention(UnitAttention.INQUIRY_CHANGED));
    }

    /**
     * Waits until no guest can reach this unit and no command is under way: once it is removed from
     * its bus, or every guest's relation is closed, that takes no longer than those commands.
     *
     * @return whether that is so; false after {@code timeoutMs}
     */
    public boolean awaitIdle(long timeoutMs) throws InterruptedException {
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        synchronized (idle) {
            while (!nexuses.isEmpty()) {
                long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
                if (leftMs <= 0) {
                    return false;
                }
                idle.wait(leftMs);
            }
            return true;
        }
    }

    /**
     * Exceptions that no input should be able to cause; each ended one command with HARDWARE ERROR.
     */
    public long bugs() {
        return bugs.sum();
    }

    /** The first such exception, or null. */
    public @Nullable RuntimeException firstBug() {
        return firstBug.get();
    }

    void attach(ItlNexus nexus) {
        nexuses.add(nexus);
    }

    void wakeIfIdle(ItlNexus nexus) {
        if (nexus.isIdle()) {
            synchronized (idle) {
                nexuses.remove(nexus);
                idle.notifyAll();
            }
        }
    }

    void execute(ScsiTask task, ItlNexus nexus) {
        ScsiCommand command = ScsiCommand.of(task.cdb(0), task.cdb(1));
        try {
            if (reportsAttention(task, nexus, command)) {
                return;
            }
            if (command == null || SupportedCommands.usage(command) == null) {
                refuseUnknown(task);
            } else if (isReady(task, nexus, command)) {
                dispatch(task, nexus, command);
            }
        } catch (DiskException e) {
            DiskFailures.toSense(task, e, command);
        } catch (RuntimeException e) {
            bugs.increment();
            firstBug.compareAndSet(null, e);
            task.internalFailure();
        }
    }

    /**
     * Ends the command with a pending unit attention, which comes before everything else (SAM-5
     * section 5.14).
     */
    private static boolean reportsAttention(
            ScsiTask task, ItlNexus nexus, @Nullable ScsiCommand command) {
        if (!nexus.hasAttention() || isExemptFromAttention(command)) {
            return false;
        }
        UnitAttention attention = nexus.takeAttention();
        if (attention == null) {
            return false;
        }
        task.checkCondition(SenseKey.UNIT_ATTENTION, attention.additionalSense());
        return true;
    }

    /** Whether a known command may be carried out; else its sense data are set. */
    private static boolean isReady(ScsiTask task, ItlNexus nexus, ScsiCommand command) {
        if (task.cdbBytes() < command.cdbBytes()) {
            task.invalidField(task.cdbBytes(), -1);
            return false;
        }
        int control = command.cdbBytes() - 1;
        if ((task.cdb(control) & SupportedCommands.CONTROL_NACA) != 0) {
            task.invalidField(control, 2);
            return false;
        }
        if (nexus.isStopped() && needsMedium(command)) {
            task.checkCondition(SenseKey.NOT_READY, AdditionalSense.INITIALIZING_COMMAND_REQUIRED);
            return false;
        }
        return true;
    }

    /** Commands that are carried out whatever attention is pending (SAM-5 section 5.14.5). */
    private static boolean isExemptFromAttention(@Nullable ScsiCommand command) {
        return command == ScsiCommand.INQUIRY
                || command == ScsiCommand.REPORT_LUNS
                || command == ScsiCommand.REQUEST_SENSE;
    }

    private static void refuseUnknown(ScsiTask task) {
        if (ScsiCommand.hasServiceAction(task.cdb(0))
                && isServiceActionOpcodeSupported(task.cdb(0))) {
            task.invalidField(1, 4);
        } else {
            task.checkCondition(
                    SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
        }
    }

    private static boolean isServiceActionOpcodeSupported(int opcode) {
        return opcode == ScsiCommand.READ_CAPACITY_16.opcode()
                || opcode == ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES.opcode();
    }

    private static boolean needsMedium(ScsiCommand command) {
        return switch (command) {
            case INQUIRY,
                    REPORT_LUNS,
                    REQUEST_SENSE,
                    START_STOP_UNIT,
                    MODE_SENSE_6,
                    MODE_SENSE_10,
                    MODE_SELECT_6,
                    MODE_SELECT_10,
                    PREVENT_ALLOW_MEDIUM_REMOVAL,
                    REPORT_SUPPORTED_OPERATION_CODES ->
                    false;
            default -> true;
        };
    }

    private void dispatch(ScsiTask task, ItlNexus nexus, ScsiCommand command) throws DiskException {
        switch (command) {
            case READ_6, READ_10, READ_12, READ_16 -> readWrite.read(task, command);
            case WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> readWrite.write(task, command);
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 ->
                    readWrite.synchronizeCache(task, command);
            case TEST_UNIT_READY -> task.good();
            case INQUIRY -> inquiry.execute(task);
            case REPORT_LUNS -> {
                LunAddress address = nexus.address();
                ReportLunsCommand.execute(task, nexus.nexus(), address.path(), address.target());
            }
            case REQUEST_SENSE -> primary.requestSense(task, nexus);
            case READ_CAPACITY_10 -> primary.readCapacity10(task);
            case READ_CAPACITY_16 -> primary.readCapacity16(task);
            case START_STOP_UNIT -> primary.startStop(task, nexus);
            case PREVENT_ALLOW_MEDIUM_REMOVAL -> primary.preventAllow(task);
            case MODE_SENSE_6, MODE_SENSE_10 -> modes.sense(task, command);
            case MODE_SELECT_6, MODE_SELECT_10 -> {
                if (modes.select(task, command)) {
                    modeChangedBy(nexus);
                }
            }
            case VERIFY_10, VERIFY_12, VERIFY_16 -> verify.execute(task, command);
            case WRITE_SAME_10, WRITE_SAME_16 -> writeSame.execute(task, command);
            case UNMAP -> provisioning.unmap(task);
            case GET_LBA_STATUS -> provisioning.getLbaStatus(task);
            case REPORT_SUPPORTED_OPERATION_CODES -> operationCodes.execute(task);
            default -> throw new IllegalStateException("announced but not carried out: " + command);
        }
    }

    private void modeChangedBy(ItlNexus changer) {
        for (ItlNexus nexus : nexuses) {
            if (nexus != changer) {
                nexus.attention(UnitAttention.MODE_PARAMETERS_CHANGED);
            }
        }
    }
}
