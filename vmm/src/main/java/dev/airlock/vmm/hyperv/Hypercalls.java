package dev.airlock.vmm.hyperv;

import dev.airlock.memory.HvPage;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Hypercalls (TLFS, Hypercall Interface): input in RCX (call code, fast bit 16, repetitions at 32,
 * first of them at 48), RDX and R8; the result has a status, and repetitions done at 32. Whatever a
 * guest passes is copied once and then checked. Thread-safe.
 */
public final class Hypercalls {
    static final int POST_MESSAGE = 0x5C;
    static final int SIGNAL_EVENT = 0x5D;

    /** HvCallModifySparseGpaPageHostVisibility. */
    static final int MODIFY_HOST_VISIBILITY = 0xDB;

    /** HV_STATUS_*, Linux {@code asm-generic/hyperv-tlfs.h}. */
    public static final int SUCCESS = 0;

    static final int INVALID_CALL_CODE = 2;
    static final int INVALID_INPUT = 3;
    static final int INVALID_ALIGNMENT = 4;
    static final int INVALID_PARAMETER = 5;
    public static final int INVALID_CONNECTION_ID = 0x12;

    private static final int FAST = 1 << 16;
    private static final int REPETITIONS_SHIFT = 32;
    private static final int START_SHIFT = 48;
    private static final int REPETITIONS_MASK = 0xFFF;

    /** struct hv_input_post_message: connection id, reserved, type, size (u32 each), payload. */
    private static final int POST_SIZE_OFFSET = 12;

    private static final int POST_PAYLOAD_OFFSET = 16;
    private static final int POST_PAYLOAD_MAX = 240;

    /** struct hv_gpa_range_for_visibility: partition (u64), visibility (u32), reserved, PFNs. */
    private static final int VISIBILITY_OFFSET = 8;

    private static final int VISIBILITY_PFNS_OFFSET = 16;

    /** HVPFN visibility: none; readable and writable. One of the two alone does not exist here. */
    private static final int NOT_VISIBLE = 0;

    private static final int VISIBLE = 3;

    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MachineMemory memory;
    private final Connections connections;
    private final Map<Integer, LongAdder> counts = new ConcurrentHashMap<>();

    /** Where messages and events of the guest go. */
    public interface Connections {
        /**
         * A message to the host.
         *
         * @param message the guest's, a private copy
         * @return a status of this class
         */
        int post(int connectionId, MemorySegment message);

        /** An event; a status of this class. */
        int signal(int connectionId);
    }

    /** What a guest asks, refused or done: visibility can be refused on purpose. */
    public interface VisibilityPolicy {
        /** False refuses the change. */
        boolean mayChange(long pfn, boolean show);
    }

    private final VisibilityPolicy policy;

    public Hypercalls(MachineMemory memory, Connections connections, VisibilityPolicy policy) {
        this.memory = memory;
        this.connections = connections;
        this.policy = policy;
    }

    /**
     * Does a call.
     *
     * @return what RAX is to be
     * @throws IOException when the machine cannot go on
     */
    public long call(long control, long rdx) throws IOException {
        int code = (int) control & 0xFFFF;
        boolean fast = (control & FAST) != 0;
        count(code);
        return switch (code) {
            case POST_MESSAGE -> fast ? INVALID_INPUT : postMessage(rdx);
            case SIGNAL_EVENT -> signalEvent(fast, rdx);
            case MODIFY_HOST_VISIBILITY -> fast ? INVALID_INPUT : modifyVisibility(control, rdx);
            default -> INVALID_CALL_CODE;
        };
    }

    /** HvCallSignalEvent of a connection id: what was not known to the kernel. */
    public int signal(int connectionId) {
        count(SIGNAL_EVENT);
        return connections.signal(connectionId);
    }

    /** Calls so far by code, those answered with an error included. */
    public Map<Integer, Long> counts() {
        Map<Integer, Long> now = new TreeMap<>();
        counts.forEach((code, count) -> now.put(code, count.sum()));
        return now;
    }

    private void count(int code) {
        counts.computeIfAbsent(code, unused -> new LongAdder()).increment();
    }

    private long postMessage(long gpa) {
        if ((gpa & 7) != 0) {
            return INVALID_ALIGNMENT;
        }
        byte[] input = memory.read(gpa, POST_PAYLOAD_OFFSET + POST_PAYLOAD_MAX);
        if (input == null) {
            return INVALID_PARAMETER;
        }
        MemorySegment copy = MemorySegment.ofArray(input);
        int size = copy.get(U32, POST_SIZE_OFFSET);
        if (size < 0 || size > POST_PAYLOAD_MAX) {
            return INVALID_PARAMETER;
        }
        return connections.post(copy.get(U32, 0), copy.asSlice(POST_PAYLOAD_OFFSET, size));
    }

    private long signalEvent(boolean fast, long rdx) {
        if (fast) {
            return connections.signal((int) rdx);
        }
        byte[] input = memory.read(rdx, Long.BYTES);
        return input == null
                ? INVALID_PARAMETER
                : connections.signal(MemorySegment.ofArray(input).get(U32, 0));
    }

    private long modifyVisibility(long control, long gpa) throws IOException {
        int repetitions = (int) (control >>> REPETITIONS_SHIFT) & REPETITIONS_MASK;
        int start = (int) (control >>> START_SHIFT) & REPETITIONS_MASK;
        int listMax = (HvPage.SIZE - (int) (gpa & HvPage.MASK) - VISIBILITY_PFNS_OFFSET) / 8;
        if ((gpa & 7) != 0) {
            return INVALID_ALIGNMENT;
        }
        if (repetitions == 0 || start >= repetitions || repetitions > listMax) {
            return INVALID_INPUT;
        }
        byte[] input = memory.read(gpa, VISIBILITY_PFNS_OFFSET + repetitions * Long.BYTES);
        if (input == null) {
            return INVALID_PARAMETER;
        }
        MemorySegment copy = MemorySegment.ofArray(input);
        int visibility = copy.get(U32, VISIBILITY_OFFSET) & 3;
        if (visibility != VISIBLE && visibility != NOT_VISIBLE) {
            return INVALID_PARAMETER;
        }
        int done = start;
        while (done < repetitions) {
            int end = runEnd(copy, done, repetitions);
            long pfn = pfn(copy, done);
            boolean show = visibility == VISIBLE;
            if (!policy.mayChange(pfn, show) || !memory.setVisible(pfn, end - done, show)) {
                return result(INVALID_PARAMETER, done);
            }
            done = end;
        }
        return result(SUCCESS, done);
    }

    private static int runEnd(MemorySegment list, int from, int to) {
        int end = from + 1;
        while (end < to && pfn(list, end) == pfn(list, end - 1) + 1) {
            end++;
        }
        return end;
    }

    private static long pfn(MemorySegment list, int index) {
        return list.get(U64, VISIBILITY_PFNS_OFFSET + (long) index * Long.BYTES);
    }

    private static long result(int status, int done) {
        return status | (long) done << REPETITIONS_SHIFT;
    }
}
