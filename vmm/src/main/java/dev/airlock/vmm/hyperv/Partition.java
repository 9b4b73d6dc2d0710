package dev.airlock.vmm.hyperv;

import dev.airlock.memory.HvPage;
import dev.airlock.vmm.memory.MachineMemory;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What all processors of a guest share: its identity, the hypercall page, the reference clock, the
 * crash registers, and one {@link Synic} a processor. Thread-safe.
 */
public final class Partition {
    /** HV_X64_MSR_CRASH_P0 to P4. */
    static final int CRASH_PARAMETERS = 5;

    /** HV_X64_MSR_CRASH_CTL: a crash; with a message at P3 of P4 bytes. */
    static final long CRASH_NOTIFY = 1L << 63;

    static final long CRASH_MESSAGE = 1L << 62;
    private static final int CRASH_MESSAGE_MAX = HvPage.SIZE;

    private final MachineMemory memory;
    private final ReferenceClock clock;
    private final List<Synic> synics = new ArrayList<>();
    private final Consumer<Crash> onCrash;
    private final Runnable onReset;
    private final long[] crash = new long[CRASH_PARAMETERS];
    private long guestOsId;
    private long hypercallPage;
    private long tscPage;

    /**
     * A guest that says it has crashed.
     *
     * @param parameters P0 to P4; Linux: error, RIP, RAX..., or where the message is
     * @param message what it has to say; null where it says nothing, as an isolated one
     */
    public record Crash(long[] parameters, @Nullable String message) {
        /** The registers, for a report. */
        public String describe() {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < parameters.length; i++) {
                text.append(i == 0 ? "" : " ").append("P%d=%#x".formatted(i, parameters[i]));
            }
            return text.toString();
        }
    }

    /**
     * @param onCrash called on the processor's thread when the guest reports a crash
     * @param onReset called on the processor's thread when the guest asks for a reset by its MSR
     */
    public Partition(
            MachineMemory memory,
            ReferenceClock clock,
            int cpus,
            Synic.Interrupts interrupts,
            Consumer<Crash> onCrash,
            Runnable onReset) {
        this.memory = memory;
        this.clock = clock;
        this.onCrash = onCrash;
        this.onReset = onReset;
        for (int cpu = 0; cpu < cpus; cpu++) {
            synics.add(new Synic(memory, interrupts, cpu));
        }
    }

    /** A processor's controller; that of processor 0 for one that does not exist. */
    public Synic synic(int cpu) {
        return synics.get(cpu < 0 || cpu >= synics.size() ? 0 : cpu);
    }

    ReferenceClock clock() {
        return clock;
    }

    synchronized long guestOsId() {
        return guestOsId;
    }

    synchronized void setGuestOsId(long value) {
        guestOsId = value;
        if (value == 0) {
            hypercallPage &= ~1;
        }
    }

    synchronized long hypercallPage() {
        return hypercallPage;
    }

    /** False where there is no such page. */
    synchronized boolean setHypercallPage(long value) {
        if ((value & 1) != 0 && guestOsId != 0) {
            long gpa = value & ~HvPage.MASK;
            MemorySegment page = memory.base(gpa);
            if (page == null) {
                return false;
            }
            HypercallPage.write(page, memory.offset(gpa));
            hypercallPage = value;
        } else {
            hypercallPage = value & ~1;
        }
        return true;
    }

    synchronized long tscPage() {
        return tscPage;
    }

    /** False where there is no such page. */
    synchronized boolean setTscPage(long value) {
        if ((value & 1) != 0) {
            long gpa = value & ~HvPage.MASK;
            MemorySegment page = memory.base(gpa);
            if (page == null) {
                return false;
            }
            clock.writePage(page, memory.offset(gpa));
        }
        tscPage = value;
        return true;
    }

    synchronized long crashParameter(int index) {
        return crash[index];
    }

    synchronized void setCrashParameter(int index, long value) {
        crash[index] = value;
    }

    void crashed(long control) {
        if ((control & CRASH_NOTIFY) == 0) {
            return;
        }
        long[] parameters;
        synchronized (this) {
            parameters = crash.clone();
        }
        String message = null;
        if ((control & CRASH_MESSAGE) != 0 && parameters[4] > 0) {
            // P3 and P4: where, and how long. Linux gives its log's end in one page.
            int room = HvPage.SIZE - (int) (parameters[3] & HvPage.MASK);
            int count = (int) Math.min(Math.min(parameters[4], CRASH_MESSAGE_MAX), room);
            byte[] text = memory.read(parameters[3], count);
            message = text == null ? null : new String(text, StandardCharsets.UTF_8);
        }
        onCrash.accept(new Crash(parameters, message));
    }

    void reset() {
        onReset.run();
    }
}
