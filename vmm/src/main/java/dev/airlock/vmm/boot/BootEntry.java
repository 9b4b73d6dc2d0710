package dev.airlock.vmm.boot;

/**
 * The state in which the first vCPU enters the kernel: 64-bit mode with paging on, interrupts off,
 * {@link #CODE_SELECTOR} in CS, {@link #DATA_SELECTOR} in DS, ES and SS ({@code boot.rst}, "64-bit
 * Boot Protocol"). All are guest-physical addresses, mapped to themselves.
 *
 * @param rip the kernel's 64-bit entry point
 * @param rsi boot_params
 * @param rsp end of a page of stack
 * @param cr3 page tables that map the first 4 GiB to themselves
 * @param gdtBase the GDT
 * @param gdtLimit its last byte's offset, as GDTR takes it
 */
public record BootEntry(long rip, long rsi, long rsp, long cr3, long gdtBase, int gdtLimit) {

    /** {@code __BOOT_CS}: 64-bit code, flat. */
    public static final int CODE_SELECTOR = 0x10;

    /** {@code __BOOT_DS}: data, flat. */
    public static final int DATA_SELECTOR = 0x18;
}
