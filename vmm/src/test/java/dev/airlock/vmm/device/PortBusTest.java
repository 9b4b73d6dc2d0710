package dev.airlock.vmm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PortBusTest {

    private final List<String> seen = new ArrayList<>();

    /** Tells which port is read; keeps what is written. */
    private final BytePorts bytes =
            new BytePorts(0x104) {
                @Override
                int readByte(int port) {
                    return port & 0xFF | 0x80;
                }

                @Override
                void writeByte(int port, int value) {
                    seen.add("%x=%x".formatted(port, value));
                }
            };

    private final PortBus bus = new PortBus.Builder().add(0x100, 4, bytes).build();

    @Test
    void shouldReadOnesWhereNothingIs() {
        assertThat(bus.read(0x104, 1)).isEqualTo(0xFF);
        assertThat(bus.read(0x104, 2)).isEqualTo(0xFFFF);
        assertThat(bus.read(0x104, 4)).isEqualTo(-1);
        assertThat(bus.read(0xFFFF, 4)).isEqualTo(-1);
        bus.write(0xFF, 1, 1);
        assertThat(seen).isEmpty();
    }

    @Test
    void shouldMakeAWideAccessOneToEachPort() {
        assertThat(bus.read(0x100, 4)).isEqualTo(0x8382_8180);
        assertThat(bus.read(0x101, 2)).isEqualTo(0x8281);
        bus.write(0x100, 4, 0xAABB_CCDD);
        assertThat(seen).containsExactly("100=dd", "101=cc", "102=bb", "103=aa");
    }

    @Test
    void shouldKeepAWideAccessWithinTheDevice() {
        assertThat(bus.read(0x102, 4)).isEqualTo(0xFFFF_8382);
        bus.write(0x103, 2, 0x2211);
        assertThat(seen).containsExactly("103=11");
    }

    @Test
    void shouldRefuseTwoDevicesAtAPort() {
        PortBus.Builder builder = new PortBus.Builder().add(0x100, 4, bytes);

        assertThatThrownBy(() -> builder.add(0x103, 1, bytes)).hasMessageContaining("taken");
        assertThatThrownBy(() -> builder.add(0xFF, 2, bytes)).hasMessageContaining("taken");
        assertThatThrownBy(() -> builder.add(0xFFFF, 2, bytes)).hasMessageContaining("first=");
        builder.add(0x104, 1, bytes).add(0xFF, 1, bytes);
    }
}
