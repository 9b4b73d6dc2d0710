package dev.airlock.vmm.console;

import dev.airlock.vmm.device.ByteSink;
import dev.airlock.vmm.device.SerialPort;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A guest's serial port on standard input and output. A terminal is in raw mode until this is
 * closed or the process ends, however it ends; input and output may also be pipes or files.
 * Thread-safe.
 */
public final class TerminalConsole implements ByteSink, AutoCloseable {

    private static final int READ_BYTES = 4096;

    private final InputStream in;
    private final OutputBuffer output;
    private final Runnable quit;
    private final Optional<RawTerminal> terminal;
    private volatile @Nullable SerialPort port;

    private TerminalConsole(
            InputStream in, OutputStream out, Runnable quit, Optional<RawTerminal> terminal) {
        this.in = in;
        this.output = new OutputBuffer(out);
        this.quit = quit;
        this.terminal = terminal;
    }

    /**
     * Takes standard input and output.
     *
     * @param quit called by the input thread when the user types Ctrl-A x
     * @throws IOException if the shell that sets the terminal cannot be started
     */
    public static TerminalConsole ofStandardStreams(Runnable quit) throws IOException {
        Optional<RawTerminal> terminal = RawTerminal.ofStandardInput();
        return start(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                quit,
                terminal);
    }

    /** A console on other streams, which stay the caller's. */
    static TerminalConsole start(
            InputStream in, OutputStream out, Runnable quit, Optional<RawTerminal> terminal) {
        TerminalConsole console = new TerminalConsole(in, out, quit, terminal);
        Thread.ofPlatform().daemon().name("console-input").start(console::pump);
        return console;
    }

    /** Whether the user has a terminal, now in raw mode: what else is printed needs CR LF. */
    public boolean isRaw() {
        return terminal.isPresent();
    }

    /**
     * Where input goes from now on; until the first call, and after a call with null, it is
     * dropped.
     */
    public void attach(@Nullable SerialPort port) {
        this.port = port;
    }

    @Override
    public void accept(byte value) {
        output.accept(value);
    }

    /**
     * Writes the rest of the output and puts the terminal back. The input thread may stay in its
     * read until the process ends.
     */
    @Override
    public void close() {
        attach(null);
        output.close();
        terminal.ifPresent(RawTerminal::close);
    }

    private void pump() {
        byte[] read = new byte[READ_BYTES];
        byte[] forGuest = new byte[READ_BYTES + 1];
        ConsoleKeys keys = new ConsoleKeys();
        try {
            int count = in.read(read);
            while (count >= 0) {
                int taken = keys.take(read, count, forGuest);
                send(forGuest, taken < 0 ? -1 - taken : taken);
                if (taken < 0) {
                    quit.run();
                    return;
                }
                count = in.read(read);
            }
        } catch (IOException e) {
            // Input that cannot be read has ended; the guest runs on without.
        }
    }

    private void send(byte[] bytes, int count) {
        SerialPort to = port;
        if (to != null && count > 0) {
            to.receive(bytes, 0, count);
        }
    }
}
