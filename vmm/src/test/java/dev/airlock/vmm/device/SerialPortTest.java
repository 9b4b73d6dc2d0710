package dev.airlock.vmm.device;

import static dev.airlock.vmm.device.UartRegisters.DATA;
import static dev.airlock.vmm.device.UartRegisters.IER;
import static dev.airlock.vmm.device.UartRegisters.IIR_FCR;
import static dev.airlock.vmm.device.UartRegisters.LCR;
import static dev.airlock.vmm.device.UartRegisters.LSR;
import static dev.airlock.vmm.device.UartRegisters.MCR;
import static dev.airlock.vmm.device.UartRegisters.MSR;
import static dev.airlock.vmm.device.UartRegisters.SCRATCH;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SerialPortTest {

    private static final int BASE = 0x3F8;
    private static final int OUT2_RTS_DTR = 0x0B;

    private final List<Boolean> levels = new ArrayList<>();
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final SerialPort port = new SerialPort(BASE, levels::add, sent::write);

    @Test
    void shouldBeA16550AForTheProbeOfLinux() {
        // drivers/tty/serial/8250/8250_port.c, autoconfig().
        write(IER, 0);
        assertThat(read(IER) & 0x0F).isZero();
        write(IER, 0x0F);
        assertThat(read(IER) & 0x0F).isEqualTo(0x0F);
        write(IER, 0);
        write(MCR, 0x10 | 0x0A);
        assertThat(read(MSR) & 0xF0).as("loopback").isEqualTo(0x90);
        write(MCR, 0);
        write(LCR, 0xBF);
        write(IIR_FCR, 0);
        write(LCR, 0);
        write(IIR_FCR, 1);
        assertThat(read(IIR_FCR) >> 6).as("16550A").isEqualTo(3);

        // autoconfig_16550a(): none of the chips that have more.
        write(LCR, 0x80);
        assertThat(read(IIR_FCR)).as("16650").isNotZero();
        write(LCR, 0xBF);
        assertThat(read(IIR_FCR)).as("16650V2").isNotZero();
        write(LCR, 0);
        int modem = read(MCR);
        write(LCR, 0xE0);
        assertThat((read(IIR_FCR) ^ modem) & 0x10).as("first half of NatSemi's").isZero();
        write(LCR, 0);
        write(MCR, modem ^ 0x10);
        write(LCR, 0xE0);
        int bank = read(IIR_FCR);
        write(LCR, 0);
        write(MCR, modem);
        assertThat((bank ^ modem) & 0x10).as("NatSemi superchip").isZero();
        write(LCR, 0x80);
        write(IIR_FCR, 0x21);
        assertThat(read(IIR_FCR) >> 5).as("16750").isEqualTo(6);
        write(LCR, 0);
        write(IER, 0x40);
        assertThat(read(IER) & 0x40).as("XScale").isZero();
    }

    @Test
    void shouldSendWhatIsWritten() {
        write(DATA, 'h');
        write(DATA, 'i');

        assertThat(sent.toString(StandardCharsets.US_ASCII)).isEqualTo("hi");
        assertThat(read(LSR)).as("idle at once").isEqualTo(0x60);
    }

    @Test
    void shouldKeepDivisorAndDataApart() {
        write(LCR, 0x83);
        write(DATA, 0x34);
        write(IER, 0x12);
        assertThat(read(DATA)).isEqualTo(0x34);
        assertThat(read(IER)).isEqualTo(0x12);
        write(LCR, 0x03);

        assertThat(read(IER)).isZero();
        assertThat(sent.size()).isZero();
        write(SCRATCH, 0x5A);
        assertThat(read(SCRATCH)).isEqualTo(0x5A);
    }

    @Test
    void shouldGiveInputInOrder() {
        assertThat(receive("abc")).isEqualTo(3);

        assertThat(read(LSR) & 1).isEqualTo(1);
        assertThat(read(DATA)).isEqualTo('a');
        assertThat(read(DATA)).isEqualTo('b');
        assertThat(read(DATA)).isEqualTo('c');
        assertThat(read(LSR) & 1).isZero();
        assertThat(read(DATA)).isZero();
    }

    @Test
    void shouldInterruptUntilInputIsRead() {
        write(IIR_FCR, 0x01);
        write(MCR, OUT2_RTS_DTR);
        write(IER, 0x01);
        receive("xy");

        assertThat(levels).containsExactly(true);
        assertThat(read(IIR_FCR)).as("trigger level 1").isEqualTo(0xC4);
        assertThat(read(DATA)).isEqualTo('x');
        assertThat(levels).containsExactly(true);
        assertThat(read(DATA)).isEqualTo('y');
        assertThat(levels).containsExactly(true, false);
        assertThat(read(IIR_FCR)).isEqualTo(0xC1);
    }

    @Test
    void shouldTellATimeoutBelowTheTriggerLevel() {
        write(IIR_FCR, 0x81);
        write(MCR, OUT2_RTS_DTR);
        write(IER, 0x01);
        receive("1234567");
        assertThat(read(IIR_FCR)).isEqualTo(0xCC);
        receive("8");
        assertThat(read(IIR_FCR)).isEqualTo(0xC4);
    }

    @Test
    void shouldRaiseTransmitterEmptyOnceForEachCause() {
        write(MCR, OUT2_RTS_DTR);
        write(IER, 0x02);
        assertThat(levels).containsExactly(true);
        assertThat(read(IIR_FCR)).isEqualTo(0x02);
        assertThat(read(IIR_FCR)).as("reading it clears it").isEqualTo(0x01);
        assertThat(levels).containsExactly(true, false);
        write(DATA, 'x');
        assertThat(levels).containsExactly(true, false, true);
        write(IER, 0);
        assertThat(levels).containsExactly(true, false, true, false);
        // serial8250_do_startup()'s test: enabled again, it is raised again.
        assertThat(read(IIR_FCR)).isEqualTo(0x01);
        write(IER, 0x02);
        assertThat(read(IIR_FCR)).isEqualTo(0x02);
    }

    @Test
    void shouldNotInterruptWithoutOut2() {
        write(IER, 0x03);
        receive("x");
        assertThat(levels).isEmpty();

        write(MCR, OUT2_RTS_DTR);

        assertThat(levels).containsExactly(true);
    }

    @Test
    void shouldHearOnlyItselfInLoopback() {
        receive("outside");
        write(MCR, 0x10);
        assertThat(read(LSR) & 1).isZero();
        write(DATA, 'q');
        assertThat(read(DATA)).isEqualTo('q');
        assertThat(sent.size()).isZero();

        write(MCR, 0);

        assertThat(read(DATA)).isEqualTo('o');
    }

    @Test
    void shouldTellChangesOfModemLinesOnce() {
        write(MCR, 0x10);
        assertThat(read(MSR)).as("all three lines went off").isEqualTo(0x0B);
        assertThat(read(MSR)).isZero();
        write(MCR, 0x14);
        assertThat(read(MSR)).isEqualTo(0x40);
        write(MCR, 0x10);
        assertThat(read(MSR)).as("ring ended").isEqualTo(0x04);
    }

    @Test
    void shouldDropInputBeyondItsQueueAndTellAnOverrun() {
        byte[] paste = new byte[SerialPort.INPUT_BYTES + 10];
        for (int i = 0; i < paste.length; i++) {
            paste[i] = (byte) i;
        }

        assertThat(port.receive(paste, 0, paste.length)).isEqualTo(SerialPort.INPUT_BYTES);

        assertThat(read(LSR) & 2).isEqualTo(2);
        assertThat(read(LSR) & 2).isZero();
        for (int i = 0; i < SerialPort.INPUT_BYTES; i++) {
            assertThat(read(DATA)).isEqualTo(i & 0xFF);
        }
        assertThat(read(LSR) & 1).isZero();
    }

    private int receive(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return port.receive(bytes, 0, bytes.length);
    }

    private int read(int register) {
        return port.read(BASE + register, 1);
    }

    private void write(int register, int value) {
        port.write(BASE + register, 1, value);
    }
}
