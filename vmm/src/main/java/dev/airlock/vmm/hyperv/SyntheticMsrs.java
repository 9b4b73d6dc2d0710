package dev.airlock.vmm.hyperv;

import org.jspecify.annotations.Nullable;

/**
 * The synthetic MSRs of one processor, 0x40000000 to 0x400001FF (TLFS, appendix of MSRs; Linux
 * {@code HV_X64_MSR_*}). For the thread that runs the processor.
 */
public final class SyntheticMsrs {
    /** What goes to user space: these MSRs and no others. */
    public static final int FIRST = 0x4000_0000;

    public static final int COUNT = 0x200;

    private static final int GUEST_OS_ID = 0x4000_0000;
    private static final int HYPERCALL = 0x4000_0001;
    private static final int VP_INDEX = 0x4000_0002;
    private static final int RESET = 0x4000_0003;
    private static final int TIME_REF_COUNT = 0x4000_0020;
    private static final int REFERENCE_TSC = 0x4000_0021;
    private static final int TSC_FREQUENCY = 0x4000_0022;
    private static final int APIC_FREQUENCY = 0x4000_0023;
    private static final int VP_ASSIST_PAGE = 0x4000_0073;
    private static final int SCONTROL = 0x4000_0080;
    private static final int SVERSION = 0x4000_0081;
    private static final int SIEFP = 0x4000_0082;
    private static final int SIMP = 0x4000_0083;
    private static final int EOM = 0x4000_0084;
    private static final int SINT0 = 0x4000_0090;
    private static final int CRASH_P0 = 0x4000_0100;
    private static final int CRASH_CONTROL = 0x4000_0105;

    /** KVM's local APIC timer counts nanoseconds ({@code APIC_BUS_CYCLE_NS} is 1). */
    private static final long APIC_HZ = 1_000_000_000;

    private final Partition partition;
    private final Synic synic;
    private final int cpu;
    private long vpAssistPage;

    public SyntheticMsrs(Partition partition, int cpu) {
        this.partition = partition;
        this.synic = partition.synic(cpu);
        this.cpu = cpu;
    }

    /** Its value; null where there is none, which is a general protection fault. */
    public @Nullable Long read(int msr) {
        if (msr >= SINT0 && msr < SINT0 + Synic.SOURCES) {
            return synic.sint(msr - SINT0);
        }
        if (msr >= CRASH_P0 && msr < CRASH_P0 + Partition.CRASH_PARAMETERS) {
            return partition.crashParameter(msr - CRASH_P0);
        }
        return switch (msr) {
            case GUEST_OS_ID -> partition.guestOsId();
            case HYPERCALL -> partition.hypercallPage();
            case VP_INDEX -> (long) cpu;
            case RESET, EOM -> 0L;
            case TIME_REF_COUNT -> partition.clock().units();
            case REFERENCE_TSC -> partition.tscPage();
            case TSC_FREQUENCY -> partition.clock().tscHz();
            case APIC_FREQUENCY -> APIC_HZ;
            case VP_ASSIST_PAGE -> vpAssistPage;
            case SCONTROL -> synic.control();
            case SVERSION -> 1L;
            case SIEFP -> synic.eventPage();
            case SIMP -> synic.messagePage();
            case CRASH_CONTROL -> Partition.CRASH_NOTIFY | Partition.CRASH_MESSAGE;
            default -> null;
        };
    }

    /** False where it cannot be written so, which is a general protection fault. */
    public boolean write(int msr, long value) {
        if (msr >= SINT0 && msr < SINT0 + Synic.SOURCES) {
            synic.setSint(msr - SINT0, value);
            return true;
        }
        if (msr >= CRASH_P0 && msr < CRASH_P0 + Partition.CRASH_PARAMETERS) {
            partition.setCrashParameter(msr - CRASH_P0, value);
            return true;
        }
        switch (msr) {
            case GUEST_OS_ID -> partition.setGuestOsId(value);
            case HYPERCALL -> {
                return partition.setHypercallPage(value);
            }
            case RESET -> {
                if ((value & 1) != 0) {
                    partition.reset();
                }
            }
            case REFERENCE_TSC -> {
                return partition.setTscPage(value);
            }
            case VP_ASSIST_PAGE -> vpAssistPage = value;
            case SCONTROL -> synic.setControl(value);
            case SIEFP -> synic.setEventPage(value);
            case SIMP -> synic.setMessagePage(value);
            case EOM -> synic.endOfMessage();
            case CRASH_CONTROL -> partition.crashed(value);
            default -> {
                return false;
            }
        }
        return true;
    }
}
