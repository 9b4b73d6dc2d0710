package dev.airlock.vmm.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AmlTest {

    @Test
    void shouldEncodeNumbersAsShortAsTheyGo() {
        assertThat(Aml.integer(0)).containsExactly(0x00);
        assertThat(Aml.integer(1)).containsExactly(0x01);
        assertThat(Aml.integer(2)).containsExactly(0x0A, 2);
        assertThat(Aml.integer(0x1234)).containsExactly(0x0B, 0x34, 0x12);
        assertThat(Aml.integer(0x1234_5678)).containsExactly(0x0C, 0x78, 0x56, 0x34, 0x12);
    }

    @Test
    void shouldPackEisaIdsAsTheSpecificationDoes() {
        // PNP0501 is 0x0105D041 (ACPI 6.5, 19.6.36 for the algorithm).
        assertThat(Aml.eisaId("PNP0501")).containsExactly(0x0C, 0x41, 0xD0, 0x05, 0x01);
    }

    @ParameterizedTest
    @CsvSource({"10, 1", "58, 1", "59, 2", "4000, 2", "4089, 2", "4090, 3", "70000, 3"})
    void shouldCountItselfInAPackageLength(int bytes, int lengthBytes) {
        byte[] scope = Aml.scope(Aml.SYSTEM_BUS, new byte[bytes]);

        int more = (scope[1] & 0xFF) >> 6;
        int length = more == 0 ? scope[1] & 0x3F : scope[1] & 0xF;
        for (int i = 0; i < more; i++) {
            length |= (scope[2 + i] & 0xFF) << 4 + 8 * i;
        }
        assertThat(more + 1).isEqualTo(lengthBytes);
        assertThat(length).isEqualTo(scope.length - 1);
    }
}
