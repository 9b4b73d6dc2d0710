package dev.airlock.vmm.hyperv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SynicTest {
    private static final long MESSAGES = 0x10_000;
    private static final long EVENTS = 0x11_000;
    private static final int SINT = 2;
    private static final int VECTOR = 0xF3;

    private final MachineMemory memory;
    private final List<String> raised = new ArrayList<>();
    private final Synic synic;
    private final MemorySegment ram;

    SynicTest() throws IOException {
        memory = MachineMemory.unattached(1L << 20, 38);
        synic = new Synic(memory, (cpu, vector) -> raised.add(cpu + ":" + vector), 1);
        ram = Objects.requireNonNull(memory.base(0));
    }

    @BeforeEach
    void enable() {
        synic.setControl(1);
        synic.setMessagePage(MESSAGES | 1);
        synic.setEventPage(EVENTS | 1);
        synic.setSint(SINT, VECTOR);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void shouldPutAMessageIntoTheSlotAndInterrupt() {
        assertThat(synic.post(SINT, new byte[] {7, 8, 9})).isTrue();
        long slot = MESSAGES + 256 * SINT;
        assertThat(ram.get(JAVA_INT, slot)).isEqualTo(1);
        assertThat(ram.get(JAVA_BYTE, slot + 4)).isEqualTo((byte) 3);
        assertThat(ram.get(JAVA_BYTE, slot + 5)).isZero();
        assertThat(ram.get(JAVA_BYTE, slot + 16)).isEqualTo((byte) 7);
        assertThat(raised).containsExactly("1:" + VECTOR);
    }

    @Test
    void shouldKeepTheNextMessageUntilTheGuestHasTakenTheFirst() {
        synic.post(SINT, new byte[] {1});
        synic.post(SINT, new byte[] {2});
        long slot = MESSAGES + 256 * SINT;
        assertThat(ram.get(JAVA_BYTE, slot + 16)).isEqualTo((byte) 1);
        assertThat(ram.get(JAVA_BYTE, slot + 5)).as("message pending").isEqualTo((byte) 1);
        synic.endOfMessage();
        assertThat(ram.get(JAVA_BYTE, slot + 16)).as("slot is not empty").isEqualTo((byte) 1);

        ram.set(JAVA_INT, slot, 0);
        synic.endOfMessage();
        assertThat(ram.get(JAVA_BYTE, slot + 16)).isEqualTo((byte) 2);
        assertThat(ram.get(JAVA_INT, slot)).isEqualTo(1);
        assertThat(raised).hasSize(2);
    }

    @Test
    void shouldSetAnEventFlagAndInterruptOnce() {
        synic.signal(SINT, 37);
        synic.signal(SINT, 37);
        assertThat(ram.get(JAVA_INT, EVENTS + 256 * SINT + 4)).isEqualTo(1 << 5);
        assertThat(raised).containsExactly("1:" + VECTOR);
        synic.signal(SINT, 2048);
        synic.signal(SINT, -1);
        assertThat(raised).hasSize(1);
    }

    @Test
    void shouldHoldMessagesWhileTheSourceIsMaskedOrThePageDisabled() {
        synic.setSint(SINT, VECTOR | 1 << 16);
        synic.post(SINT, new byte[] {1});
        assertThat(raised).isEmpty();
        synic.setMessagePage(MESSAGES);
        synic.setSint(SINT, VECTOR);
        assertThat(raised).isEmpty();
        synic.setMessagePage(MESSAGES | 1);
        assertThat(raised).hasSize(1);
    }

    @Test
    void shouldFindItsPagesWhereTheyAreAfterTheyBecameVisible() throws IOException {
        memory.setVisible(MESSAGES >> 12, 1, true);
        synic.post(SINT, new byte[] {1});
        assertThat(ram.get(JAVA_INT, MESSAGES + 256 * SINT)).as("private backing").isZero();
        MemorySegment shared = Objects.requireNonNull(memory.base(1L << 38 | MESSAGES));
        assertThat(shared.get(JAVA_INT, MESSAGES + 256 * SINT)).isEqualTo(1);
    }

    @Test
    void shouldRefuseAFloodAndWhatIsTooLong() {
        assertThat(synic.post(SINT, new byte[241])).isFalse();
        boolean taken = true;
        int count = 0;
        while (taken) {
            taken = synic.post(SINT, new byte[1]);
            count++;
        }
        assertThat(count).isEqualTo(Synic.WAITING_MAX + 2);
    }

    @Test
    void shouldSurviveAPageThatIsNoMemory() {
        synic.setMessagePage(0xFFFF_FFFF_F000L | 1);
        synic.setEventPage(0xFFFF_FFFF_F000L | 1);
        assertThat(synic.post(SINT, new byte[1])).isTrue();
        synic.signal(SINT, 1);
        assertThat(raised).isEmpty();
    }
}
