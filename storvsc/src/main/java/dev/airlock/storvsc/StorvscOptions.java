package dev.airlock.storvsc;

import dev.airlock.memory.HvPage;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How an adapter is set up. Set what is to differ from the defaults, then hand it to {@link
 * StorvscAdapter#open}, which checks every value before anything starts. Not thread-safe.
 */
public final class StorvscOptions {
    /** Linux {@code storvsc_vcpus_per_sub_channel}. */
    public static final int DEFAULT_CPUS_PER_SUBCHANNEL = 4;

    /**
     * As in Linux 6.1: {@code storvsc_ringbuffer_size}, for each direction; see {@code traces/}.
     */
    public static final int DEFAULT_RING_BYTES = 128 << 10;

    private String name = "scsi0";
    private int ringBytes = DEFAULT_RING_BYTES;
    private int queueDepth = 256;
    private boolean callerTags;
    private int port;
    private int cpus = Runtime.getRuntime().availableProcessors();
    private int cpusPerSubchannel = DEFAULT_CPUS_PER_SUBCHANNEL;
    private int subchannels = -1;
    private int paths = 8;
    private int targets = 2;
    private long timeoutMs = 30_000;
    private long resetTimeoutMs = 5_000;
    private long handshakeTimeoutMs = 5_000;
    private long drainTimeoutMs = 2_000;
    private long tickMs = 100;
    private long spinMaxNanos = 50_000;
    private LongSupplier nanoTime = System::nanoTime;
    private IoMapping.Factory mapping = (mapper, tags, maxPages) -> new WholeEntryMapping(mapper);
    private @Nullable Runnable pump;

    /** Defaults: threads, Linux's sizes, 30 s for a command, 5 s for a reset. */
    public StorvscOptions() {}

    /** What the adapter's threads are called. */
    public StorvscOptions name(String adapterName) {
        name = adapterName;
        return this;
    }

    /** Bytes of one ring, control page included; whole pages. Two for each channel. */
    public StorvscOptions ringBytes(int bytes) {
        ringBytes = bytes;
        return this;
    }

    /** Commands that one channel can have with the host, 1 to 4096. */
    public StorvscOptions queueDepth(int commands) {
        queueDepth = commands;
        return this;
    }

    /** Whether requests bring their own tags, for a recording to be reproduced. */
    public StorvscOptions callerTags(boolean callers) {
        callerTags = callers;
        return this;
    }

    /** {@code vmscsi_request.port_number}: this adapter's number in the guest, a byte. */
    public StorvscOptions port(int number) {
        port = number;
        return this;
    }

    /** CPUs of the guest, for the number of subchannels. */
    public StorvscOptions cpus(int count) {
        cpus = count;
        return this;
    }

    /** CPUs for each subchannel: the adapter asks for (cpus - 1) / this. */
    public StorvscOptions cpusPerSubchannel(int count) {
        cpusPerSubchannel = count;
        return this;
    }

    /** How many subchannels to ask for, whatever the CPUs; the host may have fewer. */
    public StorvscOptions subchannels(int count) {
        subchannels = count;
        return this;
    }

    /** How much of the address space is searched for disks: paths 0 to paths - 1, and so on. */
    public StorvscOptions scan(int pathCount, int targetCount) {
        paths = pathCount;
        targets = targetCount;
        return this;
    }

    /** How long a command may take before recovery begins. */
    public StorvscOptions timeoutMs(long milliseconds) {
        timeoutMs = milliseconds;
        return this;
    }

    /** How long the host may take to answer a reset. */
    public StorvscOptions resetTimeoutMs(long milliseconds) {
        resetTimeoutMs = milliseconds;
        return this;
    }

    /** How long the host may take for each step of the initialisation. */
    public StorvscOptions handshakeTimeoutMs(long milliseconds) {
        handshakeTimeoutMs = milliseconds;
        return this;
    }

    /** How long {@link StorvscAdapter#close} lets commands finish. */
    public StorvscOptions drainTimeoutMs(long milliseconds) {
        drainTimeoutMs = milliseconds;
        return this;
    }

    /** How often time-outs are looked for. */
    public StorvscOptions tickMs(long milliseconds) {
        tickMs = milliseconds;
        return this;
    }

    /** Longest time a completion thread looks at an empty ring before it sleeps; 0 for never. */
    public StorvscOptions spinMaxNanos(long nanoseconds) {
        spinMaxNanos = nanoseconds;
        return this;
    }

    /** The clock, counting as {@link System#nanoTime}. */
    public StorvscOptions clock(LongSupplier nanoTimeSource) {
        nanoTime = nanoTimeSource;
        return this;
    }

    /** Another way to map data; see {@link IoMapping}. */
    public StorvscOptions mapping(IoMapping.Factory factory) {
        mapping = factory;
        return this;
    }

    /**
     * No threads: the caller polls and ticks. Wherever the adapter has to wait, it polls and runs
     * this in turn, which may drive the host's end on the same thread.
     */
    public StorvscOptions singleThreaded(Runnable whileWaiting) {
        pump = whileWaiting;
        return this;
    }

    /** Checks everything. */
    StorvscOptions conclude() {
        require("ringBytes", ringBytes, 2 * HvPage.SIZE, 64 << 20);
        if (ringBytes % HvPage.SIZE != 0) {
            throw new IllegalArgumentException(
                    "ringBytes must be whole pages of 4096: ringBytes=" + ringBytes);
        }
        require("queueDepth", queueDepth, 1, 4096);
        require("port", port, 0, 255);
        require("cpus", cpus, 1, 4096);
        require("cpusPerSubchannel", cpusPerSubchannel, 1, 4096);
        require("subchannels", subchannels, -1, 1023);
        require("paths", paths, 1, 256);
        require("targets", targets, 1, 256);
        require("timeoutMs", timeoutMs, 1, 86_400_000);
        require("resetTimeoutMs", resetTimeoutMs, 1, 86_400_000);
        require("handshakeTimeoutMs", handshakeTimeoutMs, 1, 86_400_000);
        require("drainTimeoutMs", drainTimeoutMs, 0, 86_400_000);
        require("tickMs", tickMs, 1, 10_000);
        require("spinMaxNanos", spinMaxNanos, 0, 1_000_000);
        return this;
    }

    String name() {
        return name;
    }

    int ringBytes() {
        return ringBytes;
    }

    int queueDepth() {
        return queueDepth;
    }

    int paths() {
        return paths;
    }

    int targets() {
        return targets;
    }

    long resetTimeoutNanos() {
        return resetTimeoutMs * 1_000_000;
    }

    long handshakeTimeoutMs() {
        return handshakeTimeoutMs;
    }

    long drainTimeoutNanos() {
        return drainTimeoutMs * 1_000_000;
    }

    long tickNanos() {
        return tickMs * 1_000_000;
    }

    long spinMaxNanos() {
        return spinMaxNanos;
    }

    LongSupplier nanoTime() {
        return nanoTime;
    }

    IoMapping.Factory mapping() {
        return mapping;
    }

    @Nullable Runnable pump() {
        return pump;
    }

    /** Subchannels to ask for, as Linux computes them unless told otherwise. */
    int subchannels() {
        return subchannels >= 0 ? subchannels : (cpus - 1) / cpusPerSubchannel;
    }

    ChannelShape shape(int maxPages) {
        return new ChannelShape(
                port, queueDepth, callerTags, maxPages, timeoutMs * 1_000_000, tickNanos());
    }

    private static void require(String name, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    "%s must be in [%d, %d]: %s=%d".formatted(name, least, most, name, value));
        }
    }
}
