package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmm.device.SerialPort;
import java.io.ByteArrayOutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class TerminalConsoleTest {

    private static final int BASE = 0x3F8;
    private static final int LINE_STATUS = 5;

    @Test
    void shouldCarryInputToThePortAndOutputToTheStream() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        CountDownLatch quit = new CountDownLatch(1);
        try (PipedOutputStream user = new PipedOutputStream();
                PipedInputStream in = new PipedInputStream(user);
                TerminalConsole console =
                        TerminalConsole.start(in, out, quit::countDown, Optional.empty())) {
            SerialPort port = new SerialPort(BASE, high -> {}, console);
            console.attach(port);
            user.write("hi\u0001\u0001\u0001x".getBytes(StandardCharsets.US_ASCII));
            user.flush();
            quit.await();

            assertThat(port.read(BASE, 1)).isEqualTo('h');
            assertThat(port.read(BASE, 1)).isEqualTo('i');
            assertThat(port.read(BASE, 1)).isEqualTo(1);
            assertThat(port.read(BASE + LINE_STATUS, 1) & 1).isZero();
            port.write(BASE, 1, '!');
            assertThat(console.isRaw()).isFalse();
        }

        assertThat(out.toString(StandardCharsets.US_ASCII)).isEqualTo("!");
    }
}
