package dev.airlock.vmm;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.airlock.linux.CpuidEntry;
import dev.airlock.linux.Kvm;
import dev.airlock.linux.KvmVcpu;
import dev.airlock.linux.KvmVm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.vmm.boot.BootEntry;
import dev.airlock.vmm.boot.GuestRam;
import dev.airlock.vmm.boot.LinuxBoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Whether this machine's KVM can run a stock kernel, found out by running a little of what one is
 * made of: SSE, POPCNT, XGETBV and ten million rounds of a loop. Some cloud machines have a KVM
 * that opens and makes machines and yet cannot. Stateless.
 */
public final class KvmProbe {
    /** Hardware needs 10 ms, emulation a hundred times that. */
    private static final long TIMEOUT_MS = 1_000;

    /**
     * With a vendor's module behind it, KVM does run instructions, on a processor that may itself
     * be emulated on a busy machine: there a second was seen to be over.
     */
    private static final long VENDOR_TIMEOUT_MS = 20_000;

    private static final List<Path> VENDORS =
            List.of(Path.of("/sys/module/kvm_intel"), Path.of("/sys/module/kvm_amd"));

    private static final long MEMORY_BYTES = 2L << 20;
    private static final long CODE_GPA = 0x1000;
    private static final byte DONE_PORT = 0x42;

    private static final byte[] CODE = {
        0x0F,
        0x20,
        (byte) 0xE0, // mov rax, cr4
        0x0D,
        0x00,
        0x06,
        0x04,
        0x00, // or eax, OSFXSR | OSXMMEXCPT | OSXSAVE
        0x0F,
        0x22,
        (byte) 0xE0, // mov cr4, rax
        0x31,
        (byte) 0xC9, // xor ecx, ecx
        0x0F,
        0x01,
        (byte) 0xD0, // xgetbv
        0x66,
        0x0F,
        0x6E,
        (byte) 0xC0, // movd xmm0, eax
        0x66,
        0x0F,
        (byte) 0xEF,
        (byte) 0xC0, // pxor xmm0, xmm0
        (byte) 0xF3,
        0x0F,
        (byte) 0xB8,
        (byte) 0xC0, // popcnt eax, eax
        (byte) 0xB8,
        0x07,
        0x00,
        0x00,
        0x00, // mov eax, x87 | SSE | AVX
        0x31,
        (byte) 0xD2, // xor edx, edx
        0x0F,
        0x01,
        (byte) 0xD1, // xsetbv
        (byte) 0xB9,
        (byte) 0x80,
        (byte) 0x96,
        (byte) 0x98,
        0x00, // mov ecx, 10000000
        (byte) 0xFF,
        (byte) 0xC9, // again: dec ecx
        0x75,
        (byte) 0xFC, // jnz again
        (byte) 0xB8,
        0x0D,
        0x00,
        0x00,
        0x00, // mov eax, 0xD; ecx is 0
        0x0F,
        (byte) 0xA2, // cpuid
        (byte) 0x89,
        (byte) 0xD8, // mov eax, ebx
        (byte) 0xE7,
        DONE_PORT, // out imm8, eax
        (byte) 0xF4, // hlt
    };

    /** Where {@link #CODE} has the state components to enable. */
    private static final int COMPONENTS_AT = 29;

    private static final int X87_SSE = 3;
    private static final int AVX = 4;

    /** Bytes of an XSAVE area of x87 and SSE alone, its header included. */
    private static final int LEGACY_AREA_BYTES = 576;

    /**
     * What was found.
     *
     * @param tracksXsave whether KVM sees which state components the guest enables. On QEMU's
     *     emulated SVM it does not: it puts XCR0 back at each entry, so that a guest that uses
     *     XSAVE loses its registers
     */
    public record Findings(boolean tracksXsave) {}

    private KvmProbe() {}

    /**
     * Runs the probe: 10 ms or so, a second at most where no vendor's module is behind KVM.
     *
     * @throws KvmUnusableException saying in one line why not
     */
    public static Findings require(Kvm kvm) throws KvmUnusableException {
        try (KvmVm vm = kvm.createVm();
                Mapping memory = Mapping.anonymous(MEMORY_BYTES)) {
            vm.createInterruptControllers();
            vm.setMemory(0, 0, memory.segment());
            GuestRam ram = memory.segment()::asSlice;
            BootEntry entry = LinuxBoot.program(ram, CODE_GPA);
            List<CpuidEntry> supported = kvm.supportedCpuid();
            int areaWithAvx = areaWithAvx(supported);
            byte[] code = CODE.clone();
            code[COMPONENTS_AT] = (byte) (areaWithAvx == 0 ? X87_SSE : X87_SSE | AVX);
            ram.write(CODE_GPA, code);
            try (KvmVcpu vcpu = vm.createVcpu(0)) {
                vcpu.setCpuid(supported);
                int area = run(vcpu, entry);
                return new Findings(area == (areaWithAvx == 0 ? LEGACY_AREA_BYTES : areaWithAvx));
            }
        } catch (LinuxException e) {
            throw new KvmUnusableException("KVM refuses: " + e.getMessage(), e);
        }
    }

    /** What the program found out: bytes of the XSAVE area. */
    private static int run(KvmVcpu vcpu, BootEntry entry) throws KvmUnusableException {
        CompletableFuture<Integer> exit = new CompletableFuture<>();
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("kvm-probe")
                        .start(() -> {
                            try {
                                vcpu.bind();
                                Processor.enter(vcpu, entry);
                                exit.complete(vcpu.run());
                            } catch (IOException | RuntimeException e) {
                                exit.completeExceptionally(e);
                            } finally {
                                vcpu.unbind();
                            }
                        });
        try {
            int reason = exit.get(timeoutMs(), TimeUnit.MILLISECONDS);
            if (reason != KvmVcpu.EXIT_IO) {
                throw new KvmUnusableException(
                        "KVM cannot run a stock kernel's instructions here (exit reason %d)"
                                .formatted(reason),
                        null);
            }
            return vcpu.page()
                    .get(
                            JAVA_INT_UNALIGNED,
                            vcpu.page().get(JAVA_LONG, KvmVcpu.IO_DATA_OFFSET_OFFSET));
        } catch (TimeoutException e) {
            vcpu.kick();
            throw new KvmUnusableException(
                    "KVM emulates instructions one by one here, too slow for a kernel", e);
        } catch (ExecutionException e) {
            throw new KvmUnusableException("KVM refuses: " + e.getCause(), e);
        } catch (InterruptedException e) {
            vcpu.kick();
            Thread.currentThread().interrupt();
            throw new KvmUnusableException("interrupted", e);
        } finally {
            join(thread);
        }
    }

    private static long timeoutMs() {
        return VENDORS.stream().anyMatch(Files::isDirectory) ? VENDOR_TIMEOUT_MS : TIMEOUT_MS;
    }

    /** Bytes of the area with AVX's component, from its own sub-leaf; 0 where there is no AVX. */
    private static int areaWithAvx(List<CpuidEntry> supported) {
        for (CpuidEntry leaf : supported) {
            if (leaf.function() == 0xD && leaf.index() == 2 && leaf.eax() != 0) {
                return leaf.eax() + leaf.ebx();
            }
        }
        return 0;
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
