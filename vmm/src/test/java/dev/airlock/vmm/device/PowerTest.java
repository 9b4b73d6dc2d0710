package dev.airlock.vmm.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmm.acpi.Platform;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each way of a guest to turn its machine off or to start it again. */
class PowerTest {

    private final List<MachineEvent> events = new ArrayList<>();

    private final PortBus bus =
            new PortBus.Builder()
                    .add(PowerPorts.FIRST_PORT, PowerPorts.PORT_COUNT, new PowerPorts(events::add))
                    .add(KeyboardController.COMMAND_PORT, 1, new KeyboardController(events::add))
                    .add(PciHole.FIRST_PORT, PciHole.PORT_COUNT, new PciHole(events::add))
                    .add(SystemControlPort.PORT, 1, new SystemControlPort())
                    .build();

    @Test
    void shouldTurnOffBySleepControl() {
        bus.write(Platform.SLEEP_STATUS_PORT, 1, 0x80);
        assertThat(events).isEmpty();

        bus.write(Platform.SLEEP_CONTROL_PORT, 1, 5 << 2 | 0x20);

        assertThat(events).containsExactly(MachineEvent.POWER_OFF);
        assertThat(bus.read(Platform.SLEEP_STATUS_PORT, 1)).isZero();
    }

    @Test
    void shouldStayOnForOtherSleepStatesOrWithoutEnable() {
        bus.write(Platform.SLEEP_CONTROL_PORT, 1, 5 << 2);
        bus.write(Platform.SLEEP_CONTROL_PORT, 1, 3 << 2 | 0x20);

        assertThat(events).isEmpty();
    }

    @Test
    void shouldResetByTheResetRegister() {
        bus.write(Platform.RESET_PORT, 1, 0);
        assertThat(events).isEmpty();

        bus.write(Platform.RESET_PORT, 1, Platform.RESET_VALUE);

        assertThat(events).containsExactly(MachineEvent.RESET);
    }

    @Test
    void shouldResetByTheKeyboardController() {
        assertThat(bus.read(0x64, 1)).as("ready for a command").isZero();
        bus.write(0x64, 1, 0xD1);
        bus.write(0x64, 1, 0xFF);
        assertThat(events).isEmpty();

        bus.write(0x64, 1, 0xFE);

        assertThat(events).containsExactly(MachineEvent.RESET);
    }

    @Test
    void shouldResetByCf9InTheStepsOfLinux() {
        int control = bus.read(0xCF9, 1) & ~0x0F;
        bus.write(0xCF9, 1, control | 0x02);
        assertThat(events).isEmpty();

        bus.write(0xCF9, 1, control | 0x06);

        assertThat(events).containsExactly(MachineEvent.RESET);
    }

    @Test
    void shouldLookLikeAMachineWithoutPci() {
        // pci_check_type1 and pci_check_type2 of Linux.
        bus.write(0xCFB, 1, 1);
        bus.write(0xCF8, 4, 0x8000_0000);
        assertThat(bus.read(0xCF8, 4)).isNotEqualTo(0x8000_0000);
        bus.write(0xCF8, 1, 0);
        bus.write(0xCFA, 1, 0);
        assertThat(bus.read(0xCF8, 1)).isEqualTo(0xFF);
        assertThat(bus.read(0xCFC, 4)).isEqualTo(-1);
        // An address with all bits set reaches over 0xCF9, and must not reset.
        bus.write(0xCF8, 4, -1);
        assertThat(events).isEmpty();
    }

    @Test
    void shouldReportNoErrorByNmiReason() {
        bus.write(0x61, 1, 0xFF);

        assertThat(bus.read(0x61, 1)).isEqualTo(0x2F);
    }
}
