package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OutputBufferTest {

    @Test
    void shouldWriteEverythingInOrderBeforeItIsClosed() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int count = OutputBuffer.BYTES * 3 + 17;
        try (OutputBuffer buffer = new OutputBuffer(out)) {
            for (int i = 0; i < count; i++) {
                buffer.accept((byte) (i * 7));
            }
        }

        byte[] written = out.toByteArray();
        assertThat(written).hasSize(count);
        for (int i = 0; i < count; i++) {
            assertThat(written[i]).isEqualTo((byte) (i * 7));
        }
    }

    @Test
    void shouldWriteInOnePieceWhatCameDuringAWrite() throws InterruptedException {
        CountDownLatch writing = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger writes = new AtomicInteger();
        OutputStream slow =
                new OutputStream() {
                    @Override
                    public void write(int value) {
                        throw new AssertionError("a byte alone");
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int count) throws IOException {
                        writes.incrementAndGet();
                        writing.countDown();
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                    }
                };
        try (OutputBuffer buffer = new OutputBuffer(slow)) {
            buffer.accept((byte) 'a');
            writing.await();
            for (int i = 0; i < 1000; i++) {
                buffer.accept((byte) 'b');
            }
            goOn.countDown();
        }

        assertThat(writes).hasValue(2);
    }

    @Test
    void shouldDropTheRestWhenTheStreamFails() {
        OutputStream broken =
                new OutputStream() {
                    @Override
                    public void write(int value) throws IOException {
                        throw new IOException("broken pipe");
                    }
                };
        try (OutputBuffer buffer = new OutputBuffer(broken)) {
            // More than it holds: would wait for ever if nobody took it.
            for (int i = 0; i < OutputBuffer.BYTES * 2; i++) {
                buffer.accept((byte) 'x');
            }
        }
    }
}
