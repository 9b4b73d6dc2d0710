package dev.airlock.vmm.hyperv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.CpuidEntry;
import dev.airlock.vmm.memory.MachineMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class HypervCpuidTest {
    private static final List<CpuidEntry> SUPPORTED =
            List.of(
                    CpuidEntry.leaf(0, 0xD, 0x6874_7541, 0x444D_4163, 0x6974_6E65),
                    CpuidEntry.leaf(1, 0x800F12, 0x0002_0800, -1 & ~(1 << 31), 0x178B_FBFF),
                    CpuidEntry.subleaf(0xB, 0, 7, 7, 7, 7),
                    CpuidEntry.subleaf(0xD, 0, 7, 0x340, 0x340, 0),
                    CpuidEntry.leaf(0x4000_0000, 0x4000_0001, 0x4B4D564B, 0x564B_4D56, 0x4D),
                    CpuidEntry.leaf(0x4000_0001, 0x0100_7EFB, 0, 0, 0),
                    CpuidEntry.leaf(0x8000_0001, 0, 0, -1, -1),
                    CpuidEntry.leaf(0x8000_0008, 0x3028, 0, 0x500F, 0),
                    CpuidEntry.leaf(0x8000_000A, 1, 8, 0, -1));

    @Test
    void shouldBeHyperVAndNotKvm() {
        List<CpuidEntry> leaves = HypervCpuid.of(SUPPORTED, 0, 1, MachineMemory.NO_BOUNDARY, true);
        CpuidEntry vendor = leaf(leaves, 0x4000_0000);
        ByteBuffer name = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        name.putInt(vendor.ebx()).putInt(vendor.ecx()).putInt(vendor.edx());
        assertThat(new String(name.array(), StandardCharsets.US_ASCII)).isEqualTo("Microsoft Hv");
        assertThat(vendor.eax()).isEqualTo(0x4000_000C);
        assertThat(leaf(leaves, 0x4000_0001).eax()).isEqualTo(0x3123_7648);
        assertThat(leaves.stream().map(CpuidEntry::function)).doesNotContain(0x8000_000A);
        assertThat(leaf(leaves, 1).ecx() & 1 << 31).as("hypervisor present").isNotZero();
        assertThat(leaf(leaves, 0x8000_0001).ecx() & 4).as("SVM").isZero();
        assertThat(leaf(leaves, 1).ecx() & 1 << 5).as("VMX").isZero();
    }

    @Test
    void shouldOfferIsolationOnlyToTheIsolated() {
        List<CpuidEntry> open = HypervCpuid.of(SUPPORTED, 0, 1, MachineMemory.NO_BOUNDARY, true);
        assertThat(leaf(open, 0x4000_0003).ebx() & 1 << 22).isZero();
        assertThat(leaf(open, 0x4000_000C).ebx()).isZero();

        List<CpuidEntry> isolated = HypervCpuid.of(SUPPORTED, 0, 1, 38, true);
        assertThat(leaf(isolated, 0x4000_0003).ebx() & 1 << 22).isNotZero();
        int config = leaf(isolated, 0x4000_000C).ebx();
        assertThat(config & 0xF).as("VBS").isEqualTo(1);
        assertThat(config >> 5 & 1).as("boundary active").isEqualTo(1);
        assertThat(config >> 6 & 0x3F).as("boundary").isEqualTo(38);
    }

    @Test
    void shouldTellEachProcessorItsOwnId() {
        for (int cpu = 0; cpu < 5; cpu++) {
            List<CpuidEntry> leaves = HypervCpuid.of(SUPPORTED, cpu, 5, 38, true);
            assertThat(leaf(leaves, 1).ebx() >>> 24).isEqualTo(cpu);
            assertThat(leaf(leaves, 1).ebx() & 0xFF00).as("CLFLUSH size").isEqualTo(0x800);
            List<CpuidEntry> topology =
                    leaves.stream().filter(leaf -> leaf.function() == 0xB).toList();
            assertThat(topology).hasSize(3).extracting(CpuidEntry::edx).containsOnly(cpu);
            assertThat(topology.get(1).eax()).as("bits of 5 cores").isEqualTo(3);
        }
    }

    @Test
    void shouldLeaveTheXsaveAreaAsKvmMadeIt() {
        List<CpuidEntry> leaves = HypervCpuid.of(SUPPORTED, 1, 2, 38, true);
        assertThat(leaf(leaves, 0xD)).isEqualTo(SUPPORTED.get(3));
        assertThat(HypervCpuid.physicalAddressBits(SUPPORTED)).isEqualTo(40);
    }

    @Test
    void shouldHideXsaveAndWhatNeedsIt() {
        List<CpuidEntry> supported =
                List.of(
                        CpuidEntry.leaf(1, 0, 0, -1, -1),
                        CpuidEntry.subleaf(7, 0, 1, -1, -1, -1),
                        CpuidEntry.subleaf(0xD, 0, 7, 576, 832, 0));
        List<CpuidEntry> leaves = HypervCpuid.of(supported, 0, 1, 38, false);
        assertThat(leaf(leaves, 1).ecx() & (1 << 26 | 1 << 27 | 1 << 28)).isZero();
        assertThat(leaf(leaves, 1).ecx() & 1 << 25).as("AES").isNotZero();
        assertThat(leaf(leaves, 7).ebx() & 1 << 5).as("AVX2").isZero();
        assertThat(leaf(leaves, 0xD)).isEqualTo(CpuidEntry.subleaf(0xD, 0, 0, 0, 0, 0));
    }

    private static CpuidEntry leaf(List<CpuidEntry> leaves, int function) {
        List<CpuidEntry> found =
                leaves.stream().filter(leaf -> leaf.function() == function).toList();
        assertThat(found).as("leaf %#x", function).hasSize(1);
        return found.getFirst();
    }
}
