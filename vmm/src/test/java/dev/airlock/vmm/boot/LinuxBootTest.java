package dev.airlock.vmm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LinuxBootTest {

    private static final long MIB = 1L << 20;
    private static final long RSDP = 0xE_0000;

    private final KernelFile file = new KernelFile();
    private final RamLayout layout;
    private final ArrayRam ram;

    LinuxBootTest() throws BootException {
        layout = RamLayout.of(128 * MIB);
        ram = new ArrayRam(layout);
    }

    @Test
    void shouldLoadTheKernelWhereItPrefersAndEnterIt0x200Behind() throws BootException {
        BootEntry entry = load(null, "");

        assertThat(ram.read(KernelFile.PREF_ADDRESS, KernelFile.PAYLOAD_BYTES))
                .isEqualTo(file.payload());
        assertThat(entry.rip()).isEqualTo(KernelFile.PREF_ADDRESS + 0x200);
    }

    @Test
    void shouldFillBootParams() throws BootException {
        byte[] initrd = pattern(10_000);
        BootEntry entry = load(initrd, "console=ttyS0 root=/dev/sda");

        MemorySegment params = ram.slice(entry.rsi(), 4096);
        assertThat(LittleEndian.i64(params, 0x70)).isEqualTo(RSDP);
        assertThat(LittleEndian.u8(params, 0x210)).isEqualTo(0xFF);
        assertThat(LittleEndian.u8(params, 0x211) & 1).isEqualTo(1);
        assertThat(LittleEndian.u32(params, 0x21C)).isEqualTo(initrd.length);
        // Fields of the header go over as they are in the file, to its end and no further.
        assertThat(LittleEndian.u32(params, 0x202)).isEqualTo(0x5372_6448L);
        assertThat(LittleEndian.u32(params, 0x260)).isEqualTo(KernelFile.INIT_BYTES);
        assertThat(ram.read(entry.rsi() + KernelFile.HEADER_END, 0x2D0 - KernelFile.HEADER_END))
                .containsOnly(0);
        // The sentinel: a loader that did not clear boot_params leaves it non-zero.
        assertThat(LittleEndian.u8(params, 0x1EF)).isZero();
        long line = LittleEndian.u32(params, 0x228);
        assertThat(new String(ram.read(line, 28), StandardCharsets.US_ASCII))
                .isEqualTo("console=ttyS0 root=/dev/sda\0");
    }

    @Test
    void shouldPlaceTheInitrdAtTheEndOfRam() throws BootException {
        byte[] initrd = pattern(10_000);
        MemorySegment params = ram.slice(load(initrd, "").rsi(), 4096);

        long at = LittleEndian.u32(params, 0x218);
        assertThat(at).isEqualTo(128 * MIB - 3 * 4096);
        assertThat(ram.read(at, initrd.length)).isEqualTo(initrd);
    }

    @Test
    void shouldKeepTheInitrdBelowTheKernelsLimit() throws BootException {
        LittleEndian.u32(file.segment, 0x22C, 100 * MIB - 1);
        MemorySegment params = ram.slice(load(pattern(4096), "").rsi(), 4096);

        assertThat(LittleEndian.u32(params, 0x218)).isEqualTo(100 * MIB - 4096);
    }

    @Test
    void shouldTellNoInitrdWhenThereIsNone() throws BootException {
        MemorySegment params = ram.slice(load(null, "").rsi(), 4096);

        assertThat(LittleEndian.u32(params, 0x218)).isZero();
        assertThat(LittleEndian.u32(params, 0x21C)).isZero();
    }

    @Test
    void shouldTellTheMemoryMap() throws BootException {
        MemorySegment params = ram.slice(load(null, "").rsi(), 4096);

        assertThat(LittleEndian.u8(params, 0x1E8)).isEqualTo(4);
        assertThat(e820(params, 0)).containsExactly(0, 0xA_0000, 1);
        assertThat(e820(params, 1)).containsExactly(0xA_0000, 0x4_0000, 2);
        assertThat(e820(params, 2)).containsExactly(0xE_0000, 0x2_0000, 3);
        assertThat(e820(params, 3)).containsExactly(MIB, 127 * MIB, 1);
    }

    @Test
    void shouldMapTheFirst4GibToThemselves() throws BootException {
        long cr3 = load(null, "").cr3();

        for (long gpa : new long[] {0, 0x7123, MIB, 0x1234_5678L, 0xC000_0000L, 0xFFFF_FFFFL}) {
            assertThat(walk(cr3, gpa)).as("0x%x", gpa).isEqualTo(gpa);
        }
        assertThat(walk(cr3, 4L << 30)).isEqualTo(-1);
    }

    @Test
    void shouldDescribeFlatSegments() throws BootException {
        BootEntry entry = load(null, "");

        assertThat(entry.gdtLimit()).isEqualTo(4 * 8 - 1);
        MemorySegment gdt = ram.slice(entry.gdtBase(), entry.gdtLimit() + 1);
        assertThat(LittleEndian.i64(gdt, 0)).isZero();
        long code = LittleEndian.i64(gdt, BootEntry.CODE_SELECTOR);
        long data = LittleEndian.i64(gdt, BootEntry.DATA_SELECTOR);
        assertThat(code >> 53 & 1).as("L: 64-bit").isEqualTo(1);
        assertThat(code >> 43 & 1).as("code").isEqualTo(1);
        assertThat(data >> 43 & 1).as("data").isZero();
        assertThat(data >> 41 & 1).as("writable").isEqualTo(1);
        for (long descriptor : new long[] {code, data}) {
            assertThat(descriptor >> 47 & 1).as("present").isEqualTo(1);
            assertThat(descriptor & 0xFFFF).as("limit").isEqualTo(0xFFFF);
            assertThat(descriptor >> 48 & 0xF).as("limit").isEqualTo(0xF);
            assertThat(descriptor >> 55 & 1).as("4 KiB units").isEqualTo(1);
            assertThat(descriptor & 0xFF00_00FF_FFFF_0000L).as("base").isZero();
        }
    }

    @Test
    void shouldWriteOnlyBelowTheAcpiTablesTheKernelAndTheInitrd() throws BootException {
        load(pattern(4096), "quiet");

        long first = RamLayout.CONVENTIONAL_END;
        untouched(first, KernelFile.PREF_ADDRESS);
        untouched(KernelFile.PREF_ADDRESS + KernelFile.PAYLOAD_BYTES, 128 * MIB - 4096);
    }

    @Test
    void shouldBootAgainInMemoryThatHoldsALongerLine() throws BootException {
        load(pattern(4096), "a line that is long");
        BootEntry entry = load(null, "short");

        MemorySegment params = ram.slice(entry.rsi(), 4096);
        byte[] line = ram.read(LittleEndian.u32(params, 0x228), 6);
        assertThat(new String(line, StandardCharsets.US_ASCII)).isEqualTo("short\0");
        assertThat(LittleEndian.u32(params, 0x21C)).isZero();
    }

    @Test
    void shouldRefuseALineThatTheKernelWouldCut() {
        refuses(null, "x".repeat(2048), "a command line of 2048 bytes: the kernel takes 2047");
        refuses(null, "a\0b", "zero byte");
    }

    @Test
    void shouldRefuseAKernelThatDoesNotFit() {
        LittleEndian.u32(file.segment, 0x260, 113 * MIB);

        refuses(null, "", "needs memory up to 129 MiB, the guest has 128 MiB below 3 GiB");
    }

    @Test
    void shouldRefuseAKernelThatWantsToBeWhereDevicesAre() {
        LittleEndian.i64(file.segment, 0x258, 0xD000_0000L);
        refuses(null, "", "the kernel wants to be loaded at 0xd0000000");
        LittleEndian.i64(file.segment, 0x258, -4096);
        refuses(null, "", "the kernel wants to be loaded at");
    }

    @Test
    void shouldRefuseAnInitrdThatWouldReachTheKernel() throws BootException {
        int room = (int) (128 * MIB - KernelFile.PREF_ADDRESS - KernelFile.INIT_BYTES);

        refuses(new byte[room + 1], "", "an initrd of 81 MiB does not fit");
        assertThat(load(new byte[room], "").rsi()).isPositive();
    }

    private BootEntry load(byte @Nullable [] initrd, String line) throws BootException {
        MemorySegment image = initrd == null ? null : MemorySegment.ofArray(initrd);
        return LinuxBoot.load(ram, layout, BzImage.parse(file.bytes), image, line, RSDP);
    }

    private void refuses(byte @Nullable [] initrd, String line, String message) {
        assertThatThrownBy(() -> load(initrd, line))
                .isInstanceOf(BootException.class)
                .hasMessageContaining(message);
    }

    private void untouched(long from, long to) {
        byte[] bytes = ram.read(from, (int) (to - from));
        byte[] expected = new byte[bytes.length];
        Arrays.fill(expected, ArrayRam.UNTOUCHED);
        assertThat(Arrays.mismatch(bytes, expected))
                .as("first written from %x", from)
                .isEqualTo(-1);
    }

    private static byte[] pattern(int bytes) {
        byte[] pattern = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            pattern[i] = (byte) (i * 17 + 3);
        }
        return pattern;
    }

    private static long[] e820(MemorySegment params, int entry) {
        long at = 0x2D0 + entry * 20L;
        return new long[] {
            LittleEndian.i64(params, at),
            LittleEndian.i64(params, at + 8),
            LittleEndian.u32(params, at + 16)
        };
    }

    /** What the processor would find, -1 for a page fault. */
    private long walk(long cr3, long address) {
        long table = cr3;
        for (int shift = 39; shift >= 21; shift -= 9) {
            long entry = LittleEndian.i64(ram.slice(table + (address >> shift & 511) * 8, 8), 0);
            if ((entry & 1) == 0) {
                return -1;
            }
            if (shift == 21) {
                assertThat(entry & 0x83).as("present, writable, 2 MiB").isEqualTo(0x83);
                return (entry & ~0x1F_FFFFL) + (address & 0x1F_FFFF);
            }
            table = entry & ~0xFFFL;
        }
        throw new AssertionError();
    }
}
