package dev.airlock.nest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What runs the processors of a machine under QEMU. */
public enum Accelerator {
    /** The processor itself, by KVM with the module of its vendor. */
    KVM("kvm"),
    /** Translation, on any machine. Threads of the machine's processors run side by side. */
    TCG("tcg,thread=multi");

    private static final Path DEVICE = Path.of("/dev/kvm");

    private final String option;

    Accelerator(String option) {
        this.option = option;
    }

    /** For {@code -accel}. */
    String option() {
        return option;
    }

    /**
     * For {@code -cpu}. Translated processors have no CMPXCHG16B: QEMU 7.2 of Debian 12 gets it
     * wrong where Linux 6.12 allocates memory with it, and every fourth boot or so dies (measured:
     * of 15 boots 11 came up with it; of 15 with {@code clearcpuid=cx16}, and of 15 under QEMU
     * 10.0, all).
     */
    String model(String wanted) {
        return this == TCG ? wanted + ",-cx16" : wanted;
    }

    /**
     * Options by which a JVM starts sooner on such processors. Translated ones find compiling dear,
     * wide registers too, and above all the JVM's moving of its start-up cache to a random address,
     * which touches every page of it (measured: {@code airlock --version} took 25 to 30 s without
     * these options and 8.5 s with them, on a machine that was busy otherwise).
     */
    String jvmOptions() {
        return this == TCG
                ? "-XX:TieredStopAtLevel=1 -XX:UseAVX=0 -XX:+UnlockDiagnosticVMOptions"
                        + " -XX:ArchiveRelocationMode=0"
                : "";
    }

    /**
     * The fastest one that works here. A /dev/kvm alone does not count: there are modules behind it
     * that run no stock kernel, so one of the vendors' must be loaded.
     *
     * @param isNesting whether the machine is to have KVM itself
     */
    public static Accelerator best(boolean isNesting) {
        if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE)) {
            return TCG;
        }
        for (String vendor : new String[] {"kvm_intel", "kvm_amd"}) {
            Path parameters = Path.of("/sys/module", vendor, "parameters");
            if (Files.isDirectory(parameters)) {
                return !isNesting || isOn(parameters.resolve("nested")) ? KVM : TCG;
            }
        }
        return TCG;
    }

    /** Whether the processor's KVM is Intel's. */
    static boolean isIntel() {
        return Files.isDirectory(Path.of("/sys/module/kvm_intel"));
    }

    private static boolean isOn(Path parameter) {
        try {
            String value = Files.readString(parameter).strip();
            return value.equals("1") || value.equals("Y");
        } catch (IOException e) {
            return false; // not readable: taken as not there
        }
    }
}
