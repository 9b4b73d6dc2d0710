package dev.airlock.vmm.hyperv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.airlock.memory.HvPage;
import dev.airlock.vmm.memory.MachineMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The synthetic interrupt controller of one virtual processor (TLFS, Virtual Interrupt Control):
 * sixteen interrupt sources, a page of message slots, a page of event flags. A message waits here
 * while the guest has not emptied the source's slot. Thread-safe.
 */
public final class Synic {
    /** Interrupt sources. */
    static final int SOURCES = 16;

    /** Messages that wait for a slot, at most; more would be a host that floods its guest. */
    static final int WAITING_MAX = 4096;

    /** Bytes of a slot of either page; of the header of a message; of its payload. */
    private static final int SLOT_BYTES = 256;

    private static final int HEADER_BYTES = 16;
    private static final int PAYLOAD_MAX = SLOT_BYTES - HEADER_BYTES;

    private static final int PAYLOAD_SIZE_OFFSET = 4;
    private static final int FLAGS_OFFSET = 5;
    private static final int SENDER_OFFSET = 8;
    private static final byte MESSAGE_PENDING = 1;

    /** {@code message_type} of what the bus sends; Linux takes any but 0 and the timer's. */
    private static final int CHANNEL_MESSAGE = 1;

    private static final long ENABLED = 1;
    private static final long SINT_VECTOR = 0xFF;
    private static final long SINT_MASKED = 1 << 16;
    private static final VarHandle INT = JAVA_INT.varHandle();

    private final MachineMemory memory;
    private final Interrupts interrupts;
    private final int cpu;
    private final long[] sints = new long[SOURCES];
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private long control;
    private long messagePage;
    private long eventPage;

    private record Waiting(int sint, byte[] payload) {}

    /** How an interrupt reaches a processor. */
    public interface Interrupts {
        /** An edge to one processor's local APIC; called with the monitor of its controller. */
        void raise(int cpu, int vector);
    }

    /** A controller as it is after reset: disabled, all sources masked. */
    public Synic(MachineMemory memory, Interrupts interrupts, int cpu) {
        this.memory = memory;
        this.interrupts = interrupts;
        this.cpu = cpu;
        java.util.Arrays.fill(sints, SINT_MASKED);
    }

    /**
     * Puts a message into a source's slot, or keeps it until the slot is free.
     *
     * @return false when too many wait already, or it is too long
     */
    public synchronized boolean post(int sint, byte[] payload) {
        if (payload.length > PAYLOAD_MAX || waiting.size() >= WAITING_MAX) {
            return false;
        }
        waiting.add(new Waiting(sint, payload));
        deliver();
        return true;
    }

    /** Sets an event flag of a source, and interrupts unless it was set already. */
    public synchronized void signal(int sint, int flag) {
        MemorySegment page = pageOf(eventPage);
        if (page == null || flag < 0 || flag >= SLOT_BYTES * Byte.SIZE) {
            return;
        }
        long at = at(eventPage, sint) + flag / Integer.SIZE * Integer.BYTES;
        int bit = 1 << flag % Integer.SIZE;
        int before = (int) INT.getAndBitwiseOr(page, at, bit);
        if ((before & bit) == 0) {
            interrupt(sint);
        }
    }

    /** The guest has emptied a slot. */
    synchronized void endOfMessage() {
        deliver();
    }

    synchronized long control() {
        return control;
    }

    synchronized void setControl(long value) {
        control = value;
        deliver();
    }

    synchronized long messagePage() {
        return messagePage;
    }

    synchronized void setMessagePage(long value) {
        messagePage = value;
        deliver();
    }

    synchronized long eventPage() {
        return eventPage;
    }

    synchronized void setEventPage(long value) {
        eventPage = value;
    }

    synchronized long sint(int index) {
        return sints[index];
    }

    synchronized void setSint(int index, long value) {
        sints[index] = value;
        deliver();
    }

    /** Delivers in order: a message that cannot go keeps those behind it. */
    private void deliver() {
        Waiting first = waiting.peek();
        while (first != null && tryDeliver(first)) {
            waiting.remove();
            first = waiting.peek();
        }
    }

    private boolean tryDeliver(Waiting message) {
        MemorySegment page = pageOf(messagePage);
        if (page == null || (sints[message.sint] & SINT_MASKED) != 0) {
            return false;
        }
        long at = at(messagePage, message.sint);
        if ((int) INT.getVolatile(page, at) != 0) {
            page.set(JAVA_BYTE, at + FLAGS_OFFSET, MESSAGE_PENDING);
            VarHandle.fullFence();
            // The guest may have emptied it before it could see that one waits.
            if ((int) INT.getVolatile(page, at) != 0) {
                return false;
            }
        }
        page.set(JAVA_BYTE, at + PAYLOAD_SIZE_OFFSET, (byte) message.payload.length);
        page.set(JAVA_BYTE, at + FLAGS_OFFSET, waiting.size() > 1 ? MESSAGE_PENDING : 0);
        page.set(JAVA_LONG, at + SENDER_OFFSET, 0);
        MemorySegment.copy(
                MemorySegment.ofArray(message.payload),
                0,
                page,
                at + HEADER_BYTES,
                message.payload.length);
        INT.setVolatile(page, at, CHANNEL_MESSAGE);
        interrupt(message.sint);
        return true;
    }

    private void interrupt(int sint) {
        if ((control & ENABLED) != 0 && (sints[sint] & SINT_MASKED) == 0) {
            interrupts.raise(cpu, (int) (sints[sint] & SINT_VECTOR));
        }
    }

    private @Nullable MemorySegment pageOf(long register) {
        return (register & ENABLED) == 0 ? null : memory.base(register & ~HvPage.MASK);
    }

    private long at(long register, int sint) {
        return memory.offset(register & ~HvPage.MASK) + (long) sint * SLOT_BYTES;
    }
}
