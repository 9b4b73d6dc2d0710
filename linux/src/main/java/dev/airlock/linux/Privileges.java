package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What this process may do, and how it ends with its parent. Acts on the whole process unless said.
 * Thread-safe.
 */
public final class Privileges {
    /** {@code asm-generic/signal.h}. */
    public static final int SIGKILL = 9;

    public static final int SIGTERM = 15;

    /**
     * Users that belong to nobody: one for each process, so that two hosts cannot reach each other
     * either.
     */
    private static final int UNPRIVILEGED_ID_BASE = 0x61510000;

    /** The overflow id of {@code linux/highuid.h}, for user namespaces that do not map ours. */
    private static final int NOBODY = 65534;

    /** {@code linux/prctl.h}. */
    private static final int PR_SET_PDEATHSIG = 1;

    private static final int PR_GET_DUMPABLE = 3;
    private static final int PR_SET_DUMPABLE = 4;
    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final int PR_CAP_AMBIENT = 47;
    private static final int PR_CAP_AMBIENT_CLEAR_ALL = 4;

    /** {@code linux/capability.h}. */
    private static final int LINUX_CAPABILITY_VERSION_3 = 0x20080522;

    /** {@code linux/seccomp.h}, {@code linux/bpf_common.h}. */
    private static final int SECCOMP_SET_MODE_FILTER = 1;

    private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
    private static final int SECCOMP_RET_ALLOW = 0x7FFF0000;
    private static final short BPF_RET_K = 0x06;

    private static volatile int parentDeathSignal;

    private Privileges() {}

    /**
     * Forbids core dumps, and forbids other processes without CAP_SYS_PTRACE to trace this one or
     * read its memory.
     */
    public static void setNotDumpable() throws LinuxException {
        check(ProcessCalls.prctl(PR_SET_DUMPABLE, 0, 0), "prctl", "operation=PR_SET_DUMPABLE");
    }

    /** Whether {@link #setNotDumpable} is not in force. */
    public static boolean isDumpable() throws LinuxException {
        int result = ProcessCalls.prctl(PR_GET_DUMPABLE, 0, 0);
        check(result, "prctl", "operation=PR_GET_DUMPABLE");
        return result != 0;
    }

    /**
     * Lets the kernel send this process a signal when the <em>thread</em> that started it ends. If
     * that has happened before this call nothing is sent: compare {@link #parentPid} afterwards
     * with what it should be. Holds as long as the calling thread lives, and over {@link #drop} if
     * that is called on the same thread.
     *
     * @param signal for example {@link #SIGKILL}; 0 takes it back
     */
    public static void parentDeathSignal(int signal) throws LinuxException {
        check(
                ProcessCalls.prctl(PR_SET_PDEATHSIG, signal, 0),
                "prctl",
                "operation=PR_SET_PDEATHSIG signal=" + signal);
        parentDeathSignal = signal;
    }

    /**
     * Number of the parent process; to be compared with what it should be after {@link
     * #parentDeathSignal}.
     */
    public static int parentPid() {
        return ProcessCalls.getppid();
    }

    /**
     * Gives up for ever whatever every thread of this process may do beyond an ordinary user:
     * supplementary groups, the identity of root, capabilities, and the gaining of privileges by
     * exec. The process is not dumpable afterwards.
     *
     * <p>Started as root, it continues under a user and group number of its own (or 65534 when the
     * user namespace does not map that). Not started as root, it keeps its user.
     *
     * @throws LinuxException when a step fails, or a thread was found to keep a privilege. Do not
     *     go on then.
     */
    public static synchronized void drop() throws LinuxException {
        boolean root = ProcessCalls.geteuid() == 0;
        forbidNewPrivileges();
        if (root) {
            check(ProcessCalls.clearGroups(), "setgroups", "groups=none");
            changeUser();
        }
        dropOwnCapabilities();
        // A change of identity resets both.
        setNotDumpable();
        if (parentDeathSignal != 0) {
            parentDeathSignal(parentDeathSignal);
        }
        verifyDropped();
    }

    /**
     * For this thread by prctl, and for all others by a seccomp filter that allows everything,
     * since TSYNC carries it over.
     */
    private static void forbidNewPrivileges() throws LinuxException {
        check(
                ProcessCalls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0),
                "prctl",
                "operation=PR_SET_NO_NEW_PRIVS");
        try (Arena arena = Arena.ofConfined()) {
            // struct sock_filter: u16 code, u8 jt, u8 jf, u32 k. struct sock_fprog: u16 len,
            // pointer.
            MemorySegment filter = arena.allocate(8, 8);
            filter.set(JAVA_SHORT, 0, BPF_RET_K);
            filter.set(JAVA_INT, 4, SECCOMP_RET_ALLOW);
            MemorySegment program = arena.allocate(16, 8);
            program.set(JAVA_SHORT, 0, (short) 1);
            program.set(ADDRESS, 8, filter);
            long result =
                    ProcessCalls.seccomp(
                            SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program);
            if (result < 0) {
                throw new LinuxException("seccomp", "flag=TSYNC", (int) -result);
            }
            if (result > 0) {
                throw new LinuxException(
                        "seccomp", "thread could not be synchronised: tid=" + result, Errno.ESRCH);
            }
        }
    }

    private static void changeUser() throws LinuxException {
        int id = UNPRIVILEGED_ID_BASE + (int) ProcessHandle.current().pid();
        int result = ProcessCalls.setresgid(id);
        if (result == -Errno.EINVAL) {
            id = NOBODY;
            result = ProcessCalls.setresgid(id);
        }
        check(result, "setresgid", "gid=" + id);
        result = ProcessCalls.setresuid(id);
        if (result == -Errno.EINVAL) {
            id = NOBODY;
            result = ProcessCalls.setresuid(id);
        }
        check(result, "setresuid", "uid=" + id);
    }

    /**
     * Of this thread only, the inheritable ones among them; the others lost theirs with root's
     * identity.
     */
    private static void dropOwnCapabilities() throws LinuxException {
        check(
                ProcessCalls.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0),
                "prctl",
                "operation=PR_CAP_AMBIENT");
        try (Arena arena = Arena.ofConfined()) {
            // struct __user_cap_header_struct: u32 version, int pid; two __user_cap_data_struct of
            // three u32.
            MemorySegment header = arena.allocate(8, 8);
            header.set(JAVA_INT, 0, LINUX_CAPABILITY_VERSION_3);
            MemorySegment none = arena.allocate(3 * JAVA_LONG.byteSize(), 8);
            check(ProcessCalls.capset(header, none), "capset", "capabilities=none");
        }
    }

    private static void verifyDropped() throws LinuxException {
        try {
            for (ThreadStatus thread : ThreadStatus.all()) {
                if (thread.hasCapabilities() || thread.isRoot() || !thread.hasNoNewPrivileges()) {
                    throw new LinuxException(
                            "privilege drop", "a thread keeps privileges: " + thread, Errno.EPERM);
                }
            }
        } catch (LinuxException e) {
            throw e;
        } catch (IOException e) {
            throw (LinuxException)
                    new LinuxException("privilege drop", "not verified: " + e, Errno.EIO)
                            .initCause(e);
        }
    }

    private static void check(int result, String call, String details) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, details, -result);
        }
    }
}
