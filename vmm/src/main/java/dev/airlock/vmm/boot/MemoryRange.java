package dev.airlock.vmm.boot;

/**
 * A range of guest-physical addresses and what is there.
 *
 * @param gpa first address
 * @param bytes length, more than 0
 */
public record MemoryRange(long gpa, long bytes, Type type) {

    /** Types of the e820 map (ACPI 6.5, 15.1, table 15.5; Linux {@code enum e820_type}). */
    public enum Type {
        RAM(1),
        RESERVED(2),
        ACPI(3);

        private final int e820;

        Type(int e820) {
            this.e820 = e820;
        }

        /** The number in an e820 entry. */
        public int e820() {
            return e820;
        }
    }

    public MemoryRange {
        if (gpa < 0 || bytes <= 0) {
            throw new IllegalArgumentException("gpa=" + gpa + " bytes=" + bytes);
        }
    }

    /** The first address after it. */
    public long end() {
        return gpa + bytes;
    }
}
