package dev.airlock.vmm.boot;

import dev.airlock.vmm.boot.MemoryRange.Type;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a guest's RAM lies: one piece from address 0 to the hole for devices, the rest from 4 GiB
 * up.
 *
 * <pre>
 *  0        A0000     E0000   100000             3 GiB    4 GiB
 *  +--------+---------+-------+--------------------+--------+---------------
 *  | RAM    | reserved| ACPI  | RAM                | devices| RAM, the rest
 *  +--------+---------+-------+--------------------+--------+---------------
 * </pre>
 *
 * <p>The reserved range and the ACPI range have memory behind them, since the piece below the hole
 * is one.
 *
 * @param belowHoleBytes RAM from address 0, at most {@link #HOLE}
 * @param aboveHoleBytes RAM from {@link #ABOVE_HOLE}, 0 if none
 */
public record RamLayout(long belowHoleBytes, long aboveHoleBytes) {

    /** Where RAM ends and the addresses of devices begin: 3 GiB. */
    public static final long HOLE = 3L << 30;

    /** Where RAM goes on: 4 GiB. */
    public static final long ABOVE_HOLE = 4L << 30;

    /** End of conventional memory: the legacy ranges of video memory and ROMs follow. */
    public static final long CONVENTIONAL_END = 0xA0000;

    /** Where the ACPI tables go; a BIOS has its RSDP there too (ACPI 6.5, 5.2.5.1). */
    public static final long ACPI_START = 0xE0000;

    /** First address after the legacy ranges: 1 MiB. */
    public static final long HIGH_START = 0x10_0000;

    /** Least memory of a guest, bytes; no kernel of today boots in less. */
    public static final long LEAST_BYTES = 64L << 20;

    private static final long GRANULE = 2L << 20;

    public RamLayout {
        if (belowHoleBytes > HOLE || aboveHoleBytes < 0) {
            throw new IllegalArgumentException(
                    "belowHoleBytes=" + belowHoleBytes + " aboveHoleBytes=" + aboveHoleBytes);
        }
    }

    /**
     * The layout of so much memory.
     *
     * @param ramBytes a multiple of 2 MiB
     * @throws BootException if it is less than {@link #LEAST_BYTES} or no such multiple
     */
    public static RamLayout of(long ramBytes) throws BootException {
        if (ramBytes < LEAST_BYTES || ramBytes % GRANULE != 0) {
            throw new BootException(
                    "memory of %d bytes: needs at least 64 MiB, and a multiple of 2 MiB"
                            .formatted(ramBytes));
        }
        long below = Math.min(ramBytes, HOLE);
        return new RamLayout(below, ramBytes - below);
    }

    /** All memory, bytes. */
    public long ramBytes() {
        return belowHoleBytes + aboveHoleBytes;
    }

    /** What the guest is told of its memory, in order of address. */
    public List<MemoryRange> e820() {
        List<MemoryRange> ranges = new ArrayList<>();
        ranges.add(range(0, CONVENTIONAL_END, Type.RAM));
        ranges.add(range(CONVENTIONAL_END, ACPI_START, Type.RESERVED));
        ranges.add(range(ACPI_START, HIGH_START, Type.ACPI));
        ranges.add(range(HIGH_START, belowHoleBytes, Type.RAM));
        if (aboveHoleBytes > 0) {
            ranges.add(new MemoryRange(ABOVE_HOLE, aboveHoleBytes, Type.RAM));
        }
        return List.copyOf(ranges);
    }

    private static MemoryRange range(long from, long to, Type type) {
        return new MemoryRange(from, to - from, type);
    }
}
