package dev.airlock.vmm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Kvm;
import dev.airlock.linux.KvmVcpu;
import dev.airlock.linux.KvmVm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmm.boot.BootEntry;
import dev.airlock.vmm.boot.LinuxBoot;
import dev.airlock.vmm.hyperv.HypercallPorts;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A guest of some twenty instructions that measures how soon a host notices it. Again and again it
 * pauses, takes the time stamp counter, shows one packet in a ring, signals as Linux does (by a
 * write to {@link HypercallPorts#SIGNAL}, and only if the host has not masked it), spins until the
 * host has taken the packet, and takes the counter again. One clock reads both ends, so nothing has
 * to be converted; what is measured holds the guest's exit for the signal, and in the end the way
 * of one cache line back.
 *
 * <p>For one thread. Owns the machine, its memory and its processor's thread; the host must be done
 * with the rings when it is closed.
 */
public final class SignalGuest implements AutoCloseable {
    /** Bytes of each of the two rings. */
    public static final int RING_BYTES = RingLayout.MIN_RING_BYTES;

    /** Samples of one measurement, at most. */
    public static final int SAMPLES_MAX = 1 << 14;

    private static final int CONNECTION = 7;
    private static final int PACKET_BYTES = PacketDescriptor.BYTES + Long.BYTES;
    private static final int STEP = PACKET_BYTES + RingLayout.TRAILER_BYTES;

    private static final long MEMORY_BYTES = 2L << 20;
    private static final int CODE_GPA = 0x1000;
    private static final int RINGS_GPA = 0x10_0000;
    private static final int CONTROL_GPA = 0x11_0000;
    private static final int RESULTS_GPA = 0x12_0000;
    private static final int SLOTS = 2 * SAMPLES_MAX;

    /** In the control page: cycles to pause, rounds done, signals sent. */
    private static final int PAUSE_OFFSET = 0;

    private static final int DONE_OFFSET = 8;
    private static final int SIGNALS_OFFSET = 16;
    private static final VarHandle WORD = JAVA_LONG.varHandle();

    private final KvmVm vm;
    private final Mapping memory;
    private final KvmVcpu vcpu;
    private final Thread thread;

    /** Taken before the processor runs: KVM lets nobody else at it then. */
    private final double cyclesOfNano;

    private volatile boolean stopping;
    private volatile @Nullable String failure;

    /**
     * What a host did.
     *
     * @param nanos from signal to pick-up, sorted
     * @param signals how many of them went by the doorbell; the host looked by itself for the rest
     */
    public record Samples(long[] nanos, long signals) {}

    private SignalGuest(KvmVm vm, Mapping memory, KvmVcpu vcpu, BootEntry entry)
            throws LinuxException {
        this.vm = vm;
        this.memory = memory;
        this.vcpu = vcpu;
        cyclesOfNano = vcpu.tscKhz() / 1e6;
        thread = Thread.ofPlatform().daemon().name("signal-guest").unstarted(() -> run(entry));
    }

    /**
     * Makes the guest; it does not run yet.
     *
     * @throws IOException when KVM refuses
     */
    public static SignalGuest create(Kvm kvm) throws IOException {
        KvmVm vm = kvm.createVm();
        Mapping memory = null;
        try {
            memory = Mapping.anonymous(MEMORY_BYTES);
            MemorySegment all = memory.segment();
            vm.createInterruptControllers();
            vm.setMemory(0, 0, all);
            BootEntry entry = LinuxBoot.program(all::asSlice, CODE_GPA);
            byte[] code = code();
            MemorySegment.copy(MemorySegment.ofArray(code), 0, all, CODE_GPA, code.length);
            KvmVcpu vcpu = vm.createVcpu(0);
            vcpu.setCpuid(kvm.supportedCpuid());
            SignalGuest guest = new SignalGuest(vm, memory, vcpu, entry);
            guest.pause(Long.MAX_VALUE);
            return guest;
        } catch (IOException | RuntimeException e) {
            vm.close();
            if (memory != null) {
                memory.close();
            }
            throw e;
        }
    }

    /** Both rings, guest to host first, for the host to look at. */
    public MemorySegment rings() {
        return memory.segment().asSlice(RINGS_GPA, 2L * RING_BYTES);
    }

    /**
     * Starts the guest, once the rings have been initialised.
     *
     * @param doorbell what the host waits for; must stay open as long as this
     */
    public void start(EventFd doorbell) throws LinuxException {
        MemorySegment data =
                rings().asSlice(RingLayout.DATA_OFFSET, RING_BYTES - RingLayout.DATA_OFFSET);
        for (long at = 0; at < data.byteSize(); at += STEP) {
            PacketDescriptor.encode(
                    data,
                    at,
                    PacketDescriptor.TYPE_DATA_INBAND,
                    PacketDescriptor.BYTES,
                    PACKET_BYTES,
                    0,
                    0);
        }
        vm.portEvent(HypercallPorts.SIGNAL, Integer.BYTES, CONNECTION, doorbell, true);
        thread.start();
    }

    /**
     * Lets the guest signal with a pause before each, and then be quiet.
     *
     * @param pauseNanos before each signal
     * @param warmUp how many are not taken into account, or those of a quarter of the time
     * @param wanted at most {@link #SAMPLES_MAX}
     * @param limitNanos after which fewer will have to do, warming up included
     * @throws IOException when the guest cannot go on
     */
    public Samples measure(long pauseNanos, int warmUp, int wanted, long limitNanos)
            throws IOException, InterruptedException {
        if (wanted > SAMPLES_MAX) {
            throw new IllegalArgumentException("wanted=" + wanted);
        }
        long begin = System.nanoTime();
        long end = begin + limitNanos;
        pause((long) (pauseNanos * cyclesOfNano));
        long from = await(get(DONE_OFFSET) + warmUp, begin + limitNanos / 4);
        long signals = get(SIGNALS_OFFSET);
        long to = Math.min(await(from + wanted, end), from + wanted);
        signals = get(SIGNALS_OFFSET) - signals;
        pause(Long.MAX_VALUE);
        long[] nanos = new long[(int) (to - from)];
        for (int i = 0; i < nanos.length; i++) {
            long slot = RESULTS_GPA + (from + i) % SLOTS * Long.BYTES;
            nanos[i] = (long) (memory.segment().get(JAVA_LONG, slot) / cyclesOfNano);
        }
        Arrays.sort(nanos);
        return new Samples(nanos, Math.min(signals, nanos.length));
    }

    private long await(long rounds, long endNanos) throws IOException, InterruptedException {
        while (true) {
            long done = get(DONE_OFFSET);
            String why = failure;
            if (why != null) {
                throw new IOException("the guest that signals ended: " + why);
            }
            if (done >= rounds || System.nanoTime() >= endNanos) {
                return done;
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private long get(int offset) {
        return (long) WORD.getAcquire(memory.segment(), (long) CONTROL_GPA + offset);
    }

    private void pause(long cycles) {
        WORD.setRelease(memory.segment(), (long) CONTROL_GPA + PAUSE_OFFSET, cycles);
    }

    private void run(BootEntry entry) {
        try {
            vcpu.bind();
            Processor.enter(vcpu, entry);
            while (!stopping) {
                int exit = vcpu.run();
                if (exit != KvmVcpu.EXIT_INTR) {
                    failure = "exit reason " + exit + " " + vcpu.describe();
                    return;
                }
            }
        } catch (LinuxException | RuntimeException e) {
            failure = String.valueOf(e);
        } finally {
            vcpu.unbind();
        }
    }

    @Override
    public void close() {
        stopping = true;
        vcpu.kick();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        vcpu.close();
        vm.close();
        memory.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The program (Intel SDM 2). RDI is the ring, RSI the control page, RBP the results. */
    static byte[] code() {
        ByteBuffer code = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        put(code, 0xBF).putInt(RINGS_GPA); // mov edi, ring
        put(code, 0xBE).putInt(CONTROL_GPA); // mov esi, control
        put(code, 0xBD).putInt(RESULTS_GPA); // mov ebp, results
        put(code, 0x31, 0xDB); // xor ebx, ebx: the write index
        put(code, 0x45, 0x31, 0xD2); // xor r10d, r10d: rounds done
        int next = code.position();
        timeStamp(code);
        put(code, 0x49, 0x89, 0xC0); // mov r8, rax
        int pausing = code.position();
        put(code, 0xF3, 0x90); // pause
        timeStamp(code);
        put(code, 0x49, 0x89, 0xC1); // mov r9, rax
        put(code, 0x4C, 0x29, 0xC0); // sub rax, r8
        put(code, 0x48, 0x3B, 0x06); // cmp rax, [rsi]: cycles to pause
        jump(put(code, 0x72), pausing); // jb
        put(code, 0x4D, 0x89, 0xC8); // mov r8, r9: when it began
        put(code, 0x83, 0xC3, STEP); // add ebx, step
        put(code, 0x81, 0xE3).putInt(RING_BYTES - RingLayout.DATA_OFFSET - 1); // and ebx, mask
        put(code, 0x89, 0x1F); // mov [rdi], ebx: the packet is shown
        put(code, 0x0F, 0xAE, 0xF0); // mfence
        put(code, 0x83, 0x7F, RingLayout.INTERRUPT_MASK_OFFSET, 0); // cmp dword [rdi + mask], 0
        put(code, 0x75); // jne over the signal
        int overSignal = code.position();
        put(code, 0);
        put(code, 0xB8).putInt(CONNECTION); // mov eax, connection
        put(code, 0xE7, HypercallPorts.SIGNAL); // out imm8, eax
        put(code, 0x48, 0xFF, 0x46, SIGNALS_OFFSET); // inc qword [rsi + signals]
        int waiting = code.position();
        code.put(overSignal, (byte) (waiting - overSignal - 1));
        put(code, 0xF3, 0x90); // pause
        put(code, 0x39, 0x5F, RingLayout.READ_INDEX_OFFSET); // cmp [rdi + read index], ebx
        jump(put(code, 0x75), waiting); // jne
        timeStamp(code);
        put(code, 0x4C, 0x29, 0xC0); // sub rax, r8
        put(code, 0x44, 0x89, 0xD1); // mov ecx, r10d
        put(code, 0x81, 0xE1).putInt(SLOTS - 1); // and ecx, slots - 1
        put(code, 0x48, 0x89, 0x44, 0xCD, 0); // mov [rbp + 8 * rcx], rax
        put(code, 0x49, 0xFF, 0xC2); // inc r10
        put(code, 0x4C, 0x89, 0x56, DONE_OFFSET); // mov [rsi + done], r10
        jump(put(code, 0xEB), next); // jmp
        return Arrays.copyOf(code.array(), code.position());
    }

    /** RAX becomes the time stamp counter; RDX is lost. */
    private static void timeStamp(ByteBuffer code) {
        put(code, 0x0F, 0x31); // rdtsc
        put(code, 0x48, 0xC1, 0xE2, 0x20); // shl rdx, 32
        put(code, 0x48, 0x09, 0xD0); // or rax, rdx
    }

    private static void jump(ByteBuffer code, int target) {
        int displacement = target - (code.position() + 1);
        if (displacement < Byte.MIN_VALUE) {
            throw new IllegalStateException("too far: " + displacement);
        }
        code.put((byte) displacement);
    }

    private static ByteBuffer put(ByteBuffer code, int... bytes) {
        for (int each : bytes) {
            code.put((byte) each);
        }
        return code;
    }
}
