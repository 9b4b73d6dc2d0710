package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.scsi.AdditionalSense;
import dev.airlock.scsi.BigEndian;
import dev.airlock.scsi.ModePage;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.SenseKey;
import java.lang.foreign.MemorySegment;

/**
 * MODE SENSE and MODE SELECT (SPC-4 sections 6.8 to 6.12) of the caching (SBC-3 6.4.5) and control
 * (SPC-4 7.5.8) pages.
 */
final class ModeCommands {

    private static final int DBD = 0x08;
    private static final int LLBAA = 0x10;
    private static final int PAGE_AT = 2;
    private static final int SUBPAGE_AT = 3;
    private static final int PAGE_HIGH_BIT = 5;
    private static final int PAGE_FORMAT = 0x10;
    private static final int SAVE_PAGES = 0x01;

    /** Where pages of changed values are built for comparison, behind any parameter list. */
    private static final int COMPARE_AT = 4096;

    private static final int MAX_LIST_BYTES = 512;

    private final Disk disk;
    private final BlockGeometry geometry;
    private final ModeState mode;

    ModeCommands(Disk disk, BlockGeometry geometry, ModeState mode) {
        this.disk = disk;
        this.geometry = geometry;
        this.mode = mode;
    }

    void sense(ScsiTask task, ScsiCommand command) {
        boolean ten = command == ScsiCommand.MODE_SENSE_10;
        int control = task.cdb(PAGE_AT) >>> 6;
        int pageCode = task.cdb(PAGE_AT) & ModePage.PAGE_CODE_MASK;
        int subpage = task.cdb(SUBPAGE_AT);
        if (control == ModePage.PC_SAVED) {
            task.checkCondition(
                    SenseKey.ILLEGAL_REQUEST, AdditionalSense.SAVING_PARAMETERS_NOT_SUPPORTED);
            return;
        }
        if (pageCode != ModePage.ALL
                && pageCode != ModePage.CACHING
                && pageCode != ModePage.CONTROL) {
            task.invalidField(PAGE_AT, PAGE_HIGH_BIT);
            return;
        }
        if (subpage != 0 && subpage != ModePage.ALL_SUBPAGES) {
            task.invalidField(SUBPAGE_AT, -1);
            return;
        }
        int headerBytes = ten ? ModePage.HEADER_10_BYTES : ModePage.HEADER_6_BYTES;
        int descriptorBytes = blockDescriptor(task, ten, headerBytes);
        int bytes = headerBytes + descriptorBytes;
        MemorySegment scratch = task.scratch();
        if (pageCode != ModePage.CONTROL) {
            bytes += cachingPage(scratch, bytes, control);
        }
        if (pageCode != ModePage.CACHING) {
            bytes += controlPage(scratch, bytes, control);
        }
        int deviceSpecific = (mode.isReadOnly() ? ModePage.WP : 0) | ModePage.DPOFUA;
        if (ten) {
            ModePage.writeHeader10(scratch, 0, bytes, deviceSpecific, descriptorBytes);
        } else {
            ModePage.writeHeader6(scratch, 0, bytes, deviceSpecific, descriptorBytes);
        }
        task.respond(bytes, command.count(task.cdb(), 0));
    }

    private int blockDescriptor(ScsiTask task, boolean ten, int at) {
        if ((task.cdb(1) & DBD) != 0) {
            return 0;
        }
        if (ten && (task.cdb(1) & LLBAA) != 0) {
            ModePage.writeLongBlockDescriptor(
                    task.scratch(), at, geometry.blocks(), geometry.blockBytes());
            return ModePage.LONG_BLOCK_DESCRIPTOR_BYTES;
        }
        ModePage.writeBlockDescriptor(task.scratch(), at, geometry.blocks(), geometry.blockBytes());
        return ModePage.BLOCK_DESCRIPTOR_BYTES;
    }

    private int cachingPage(MemorySegment scratch, int at, int control) {
        boolean writeCache =
                switch (control) {
                    case ModePage.PC_CURRENT -> mode.isWriteCacheEnabled();
                    case ModePage.PC_CHANGEABLE -> mode.isWriteCacheChangeable();
                    default -> mode.isWriteCacheDefault();
                };
        scratch.asSlice(at, ModePage.CACHING_BYTES).fill((byte) 0);
        BigEndian.u8(scratch, at, ModePage.CACHING);
        BigEndian.u8(scratch, at + 1, ModePage.CACHING_BYTES - 2);
        BigEndian.u8(scratch, at + 2, writeCache ? ModePage.WCE : 0);
        return ModePage.CACHING_BYTES;
    }

    private int controlPage(MemorySegment scratch, int at, int control) {
        boolean protect =
                switch (control) {
                    case ModePage.PC_CURRENT -> mode.isSoftwareProtected();
                    case ModePage.PC_CHANGEABLE -> mode.isSoftwareProtectChangeable();
                    default -> false;
                };
        scratch.asSlice(at, ModePage.CONTROL_BYTES).fill((byte) 0);
        BigEndian.u8(scratch, at, ModePage.CONTROL);
        BigEndian.u8(scratch, at + 1, ModePage.CONTROL_BYTES - 2);
        if (control != ModePage.PC_CHANGEABLE) {
            BigEndian.u8(scratch, at + 3, ModePage.UNRESTRICTED_REORDERING);
        }
        BigEndian.u8(scratch, at + 4, protect ? ModePage.SWP : 0);
        return ModePage.CONTROL_BYTES;
    }

    /**
     * Carries MODE SELECT out; returns whether a parameter has changed. Everything is checked
     * before anything changes.
     */
    boolean select(ScsiTask task, ScsiCommand command) throws DiskException {
        if ((task.cdb(1) & SAVE_PAGES) != 0) {
            task.invalidField(1, 0);
            return false;
        }
        if ((task.cdb(1) & PAGE_FORMAT) == 0) {
            task.invalidField(1, 4);
            return false;
        }
        int listBytes = (int) command.count(task.cdb(), 0);
        if (listBytes == 0) {
            task.good();
            return false;
        }
        if (task.mustDefer(disk.mayBlock())) {
            return false;
        }
        if (listBytes > MAX_LIST_BYTES) {
            task.parameterListLengthError();
            return false;
        }
        if (!task.fetchParameters(listBytes)) {
            return false;
        }
        return apply(task, command == ScsiCommand.MODE_SELECT_10, listBytes);
    }

    private boolean apply(ScsiTask task, boolean ten, int listBytes) throws DiskException {
        MemorySegment list = task.scratch();
        int next = checkHeader(task, ten, listBytes);
        if (next < 0) {
            return false;
        }
        boolean writeCache = mode.isWriteCacheEnabled();
        boolean protect = mode.isSoftwareProtected();
        while (next < listBytes) {
            int pageBytes = checkPage(task, next, listBytes);
            if (pageBytes < 0) {
                return false;
            }
            if (BigEndian.u8(list, next) == ModePage.CONTROL) {
                protect = (BigEndian.u8(list, next + 4) & ModePage.SWP) != 0;
            } else {
                writeCache = (BigEndian.u8(list, next + 2) & ModePage.WCE) != 0;
            }
            next += pageBytes;
        }
        return change(task, writeCache, protect, listBytes);
    }

    private boolean change(ScsiTask task, boolean writeCache, boolean protect, int listBytes)
            throws DiskException {
        boolean changed =
                writeCache != mode.isWriteCacheEnabled() || protect != mode.isSoftwareProtected();
        boolean cacheOff = mode.isWriteCacheEnabled() && !writeCache;
        mode.writeCache(writeCache);
        mode.softwareProtected(protect);
        task.movedOut(listBytes);
        if (cacheOff) {
            // What was acknowledged while the cache was on becomes durable before the guest relies
            // on there being none.
            disk.flush();
        }
        return changed;
    }

    /**
     * Checks header and block descriptor; returns where the pages begin, or -1 with sense data set.
     */
    private int checkHeader(ScsiTask task, boolean ten, int listBytes) {
        MemorySegment list = task.scratch();
        int headerBytes = ten ? ModePage.HEADER_10_BYTES : ModePage.HEADER_6_BYTES;
        if (listBytes < headerBytes) {
            task.parameterListLengthError();
            return -1;
        }
        int mediumTypeAt = ten ? 2 : 1;
        if (BigEndian.u8(list, mediumTypeAt) != 0) {
            task.invalidParameter(mediumTypeAt, -1);
            return -1;
        }
        boolean longLba = ten && (BigEndian.u8(list, 4) & ModePage.LONGLBA) != 0;
        int lengthAt = ten ? 6 : 3;
        int told = ten ? BigEndian.u16(list, lengthAt) : BigEndian.u8(list, lengthAt);
        int whole =
                longLba ? ModePage.LONG_BLOCK_DESCRIPTOR_BYTES : ModePage.BLOCK_DESCRIPTOR_BYTES;
        if (told != 0 && told != whole) {
            task.invalidParameter(lengthAt, -1);
            return -1;
        }
        if (headerBytes + told > listBytes) {
            task.parameterListLengthError();
            return -1;
        }
        return told == 0 || checkBlockDescriptor(task, headerBytes, longLba)
                ? headerBytes + told
                : -1;
    }

    /** The number of blocks may be 0, for no change, or what it is; the block length what it is. */
    private boolean checkBlockDescriptor(ScsiTask task, int at, boolean longLba) {
        MemorySegment list = task.scratch();
        long blocks = longLba ? BigEndian.u64(list, at) : BigEndian.u32(list, at);
        long most = longLba ? -1L : ModePage.BLOCKS_TOO_LARGE;
        long current = longLba ? geometry.blocks() : Math.min(geometry.blocks(), most);
        if (blocks != 0 && blocks != current && blocks != most) {
            task.invalidParameter(at, -1);
            return false;
        }
        int lengthAt = at + (longLba ? 12 : 5);
        long length = longLba ? BigEndian.u32(list, lengthAt) : BigEndian.u24(list, lengthAt);
        if (length != geometry.blockBytes()) {
            task.invalidParameter(lengthAt, -1);
            return false;
        }
        return true;
    }

    /**
     * Checks a page against what may change; clears its PS bit; returns its length, or -1 with
     * sense data set.
     */
    private int checkPage(ScsiTask task, int at, int listBytes) {
        MemorySegment list = task.scratch();
        if (listBytes - at < 2) {
            task.parameterListLengthError();
            return -1;
        }
        int code = BigEndian.u8(list, at) & ~ModePage.PS;
        if (code != ModePage.CACHING && code != ModePage.CONTROL) {
            task.invalidParameter(at, (code & ModePage.SPF) != 0 ? 6 : PAGE_HIGH_BIT);
            return -1;
        }
        BigEndian.u8(list, at, code);
        int bytes = code == ModePage.CACHING ? ModePage.CACHING_BYTES : ModePage.CONTROL_BYTES;
        if (BigEndian.u8(list, at + 1) != bytes - 2) {
            task.invalidParameter(at + 1, -1);
            return -1;
        }
        if (bytes > listBytes - at) {
            task.parameterListLengthError();
            return -1;
        }
        return changesOnlyChangeable(task, at, code, bytes) ? bytes : -1;
    }

    private boolean changesOnlyChangeable(ScsiTask task, int at, int code, int bytes) {
        MemorySegment scratch = task.scratch();
        int currentAt = COMPARE_AT;
        int maskAt = COMPARE_AT + bytes;
        if (code == ModePage.CACHING) {
            cachingPage(scratch, currentAt, ModePage.PC_CURRENT);
            cachingPage(scratch, maskAt, ModePage.PC_CHANGEABLE);
        } else {
            controlPage(scratch, currentAt, ModePage.PC_CURRENT);
            controlPage(scratch, maskAt, ModePage.PC_CHANGEABLE);
        }
        for (int i = 2; i < bytes; i++) {
            int changed = BigEndian.u8(scratch, at + i) ^ BigEndian.u8(scratch, currentAt + i);
            int refused = changed & ~BigEndian.u8(scratch, maskAt + i);
            if (refused != 0) {
                task.invalidParameter(at + i, 31 - Integer.numberOfLeadingZeros(refused));
                return false;
            }
        }
        return true;
    }
}
