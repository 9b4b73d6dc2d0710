package dev.airlock.vmm.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AcpiTablesTest {

    private static final long BASE = 0xE_0000;

    @Test
    void shouldBeFoundFromTheRsdpAlone() {
        AcpiTables tables = AcpiTables.build(BASE, 4);
        ByteBuffer rsdp = at(tables, tables.rsdpGpa());

        assertThat(text(rsdp, 0, 8)).isEqualTo("RSD PTR ");
        assertThat(rsdp.get(15)).as("revision").isEqualTo((byte) 2);
        assertThat(rsdp.getInt(16)).as("no RSDT").isZero();
        assertThat(sum(rsdp, 20)).isZero();
        assertThat(sum(rsdp, 36)).isZero();

        ByteBuffer xsdt = at(tables, rsdp.getLong(24));
        assertThat(text(xsdt, 0, 4)).isEqualTo("XSDT");
        List<String> found = new ArrayList<>();
        for (int i = 36; i < xsdt.getInt(4); i += 8) {
            found.add(text(at(tables, xsdt.getLong(i)), 0, 4));
        }
        assertThat(found).containsExactly("FACP", "APIC");
        ByteBuffer fadt = at(tables, xsdt.getLong(36));
        assertThat(text(at(tables, fadt.getLong(140)), 0, 4)).isEqualTo("DSDT");
        assertThat(fadt.getInt(40)).isEqualTo((int) fadt.getLong(140));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64, 254, 255, 256, 4096})
    void shouldHaveTablesThatSumToZeroAndFitBelow1Mib(int cpus) {
        AcpiTables tables = AcpiTables.build(BASE, cpus);

        assertThat(BASE + tables.image().length).isLessThanOrEqualTo(0x10_0000);
        assertThat(tables.tables()).containsOnlyKeys("DSDT", "FACP", "APIC", "XSDT");
        tables.tables()
                .forEach((name, table) -> {
                    ByteBuffer bytes = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
                    assertThat(bytes.getInt(4)).as(name).isEqualTo(table.length);
                    assertThat(sum(bytes, table.length)).as(name).isZero();
                });
    }

    @Test
    void shouldNameEachVcpuOnce() {
        ByteBuffer madt = table(AcpiTables.build(BASE, 300), "APIC");
        List<Integer> ids = new ArrayList<>();
        int at = 44;
        while (at < madt.limit()) {
            int type = madt.get(at);
            if (type == 0) {
                ids.add(madt.get(at + 3) & 0xFF);
            } else if (type == 9) {
                ids.add(madt.getInt(at + 4));
            }
            at += madt.get(at + 1);
        }

        assertThat(at).isEqualTo(madt.limit());
        assertThat(ids).hasSize(300).doesNotHaveDuplicates().startsWith(0).endsWith(299);
    }

    @Test
    void shouldTellAHardwareReducedMachineThatTurnsOffAndResetsByPorts() {
        ByteBuffer fadt = table(AcpiTables.build(BASE, 1), "FACP");

        assertThat(fadt.limit()).isEqualTo(276);
        assertThat(fadt.getInt(112) >> 20 & 1).as("HW_REDUCED_ACPI").isEqualTo(1);
        assertThat(fadt.getInt(112) >> 10 & 1).as("RESET_REG_SUP").isEqualTo(1);
        assertThat(port(fadt, 116)).isEqualTo(Platform.RESET_PORT);
        assertThat(fadt.get(128)).isEqualTo((byte) Platform.RESET_VALUE);
        assertThat(port(fadt, 244)).isEqualTo(Platform.SLEEP_CONTROL_PORT);
        assertThat(port(fadt, 256)).isEqualTo(Platform.SLEEP_STATUS_PORT);
        assertThat(fadt.getLong(132)).as("no FACS").isZero();
        for (int at = 148; at < 244; at++) {
            assertThat(fadt.get(at)).as("fixed hardware, byte " + at).isZero();
        }
    }

    @Test
    void shouldRefuseWhatDoesNotFit() {
        assertThatThrownBy(() -> AcpiTables.build(BASE, 0)).hasMessageContaining("cpus=0");
        assertThatThrownBy(() -> AcpiTables.build(BASE, 4097)).hasMessageContaining("cpus=4097");
        assertThatThrownBy(() -> AcpiTables.build(BASE + 4, 1)).hasMessageContaining("baseGpa=");
    }

    /** The port of a generic address structure, checked to be one byte of system I/O. */
    private static long port(ByteBuffer table, int at) {
        assertThat(Arrays.copyOfRange(table.array(), at, at + 4)).containsExactly(1, 8, 0, 1);
        return table.getLong(at + 4);
    }

    private static ByteBuffer table(AcpiTables tables, String name) {
        byte[] table = tables.tables().get(name);
        assertThat(table).isNotNull();
        return ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer at(AcpiTables tables, long gpa) {
        byte[] image = tables.image();
        byte[] rest = Arrays.copyOfRange(image, (int) (gpa - tables.baseGpa()), image.length);
        return ByteBuffer.wrap(rest).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String text(ByteBuffer bytes, int at, int length) {
        return new String(bytes.array(), at, length, StandardCharsets.US_ASCII);
    }

    private static int sum(ByteBuffer bytes, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            sum += bytes.get(i);
        }
        return sum & 0xFF;
    }
}
