package dev.airlock.vmm.device;

import static dev.airlock.vmm.device.UartRegisters.*;

/**
 * A 16550A serial port: registers and FIFOs as the guest's driver sees them, a transmitter that is
 * always done, and a line that is always connected. Thread-safe: vCPU threads use the ports, any
 * thread puts input in.
 *
 * <p>Input waits in a queue of {@link #INPUT_BYTES}, behind the chip's FIFO of 16. What comes when
 * it is full is dropped and shows as an overrun in the line status, as on a real line.
 */
public final class SerialPort extends BytePorts {

    public static final int PORT_COUNT = COUNT;

    /** Input that may wait, bytes: a paste of this size arrives whole. */
    public static final int INPUT_BYTES = 1 << 16;

    private static final int FIFO_BYTES = 16;

    /** Bytes at which the receiver interrupts, by the two highest bits of FCR. */
    private static final int[] TRIGGER_BYTES = {1, 4, 8, 14};

    private static final int CONNECTED = MSR_DCD | MSR_DSR | MSR_CTS;

    /** 9600 baud: what the divisor holds after power-on does not matter, and is never used. */
    private static final int FIRST_DIVISOR = 12;

    private final int firstPort;
    private final IrqLine irq;
    private final ByteSink output;

    private final InputQueue waiting = new InputQueue(INPUT_BYTES);
    private final InputQueue looped = new InputQueue(FIFO_BYTES);
    private int divisor = FIRST_DIVISOR;
    private int interruptsEnabled;
    private int fifoControl;
    private int lineControl;
    private int modemControl;
    private int modemStatus = CONNECTED;
    private int scratch;
    private boolean overrun;
    private boolean transmitterEmptied;
    private boolean irqHigh;

    /**
     * @param firstPort the first of its {@link #PORT_COUNT} ports
     * @param irq told of its interrupt
     * @param output gets what the guest sends
     */
    public SerialPort(int firstPort, IrqLine irq, ByteSink output) {
        super(firstPort + PORT_COUNT);
        this.firstPort = firstPort;
        this.irq = irq;
        this.output = output;
    }

    /**
     * Sends bytes to the guest. Never waits.
     *
     * @return how many there was room for; the rest is dropped
     */
    public synchronized int receive(byte[] bytes, int offset, int count) {
        int taken = 0;
        while (taken < count && waiting.offer(bytes[offset + taken])) {
            taken++;
        }
        if (taken < count) {
            overrun = true;
        }
        updateIrq();
        return taken;
    }

    @Override
    synchronized int readByte(int port) {
        int value =
                switch (port - firstPort) {
                    case DATA -> hasDivisorAccess() ? divisor & 0xFF : input().poll();
                    case IER -> hasDivisorAccess() ? divisor >> Byte.SIZE : interruptsEnabled;
                    case IIR_FCR -> readInterruptIdentity();
                    case LCR -> lineControl;
                    case MCR -> modemControl;
                    case LSR -> readLineStatus();
                    case MSR -> readModemStatus();
                    default -> scratch;
                };
        updateIrq();
        return value;
    }

    @Override
    void writeByte(int port, int value) {
        if (transmits(port - firstPort, value)) {
            // Outside the lock: a terminal that does not take it must not hold up the input.
            output.accept((byte) value);
        }
    }

    /** Puts a value in a register; true if it is a byte that leaves the port. */
    private synchronized boolean transmits(int register, int value) {
        boolean leaves = false;
        switch (register) {
            case DATA -> {
                if (hasDivisorAccess()) {
                    divisor = divisor & 0xFF00 | value;
                } else {
                    leaves = (modemControl & MCR_LOOP) == 0;
                    if (!leaves && !looped.offer((byte) value)) {
                        overrun = true;
                    }
                    transmitterEmptied = true;
                }
            }
            case IER -> {
                if (hasDivisorAccess()) {
                    divisor = divisor & 0xFF | value << Byte.SIZE;
                } else {
                    // Enabling this interrupt while the transmitter is empty raises it.
                    transmitterEmptied |= (value & ~interruptsEnabled & IER_TRANSMITTER_EMPTY) != 0;
                    interruptsEnabled = value & IER_MASK;
                }
            }
            case IIR_FCR -> writeFifoControl(value);
            case LCR -> lineControl = value;
            case MCR -> writeModemControl(value & MCR_MASK);
            case SCRATCH -> scratch = value;
            default -> {} // line and modem status are read-only
        }
        updateIrq();
        return leaves;
    }

    private boolean hasDivisorAccess() {
        return (lineControl & LCR_DIVISOR) != 0;
    }

    /** In loopback the line is cut off: the receiver hears the transmitter alone. */
    private InputQueue input() {
        return (modemControl & MCR_LOOP) != 0 ? looped : waiting;
    }

    private int readInterruptIdentity() {
        int identity = interruptIdentity();
        if (identity == IIR_TRANSMITTER_EMPTY) {
            transmitterEmptied = false;
        }
        return identity | ((fifoControl & FCR_ENABLE) != 0 ? IIR_FIFOS : 0);
    }

    /** The pending interrupt that goes first, in the data sheet's order. */
    private int interruptIdentity() {
        if ((interruptsEnabled & IER_LINE_STATUS) != 0 && overrun) {
            return IIR_LINE_STATUS;
        }
        int received = input().size();
        if ((interruptsEnabled & IER_RECEIVED) != 0 && received > 0) {
            boolean fifos = (fifoControl & FCR_ENABLE) != 0;
            boolean triggered = received >= TRIGGER_BYTES[fifoControl >> FCR_TRIGGER_SHIFT];
            // Fewer than the trigger level: the chip waits four characters' time, here none.
            return !fifos || triggered ? IIR_RECEIVED : IIR_TIMEOUT;
        }
        if ((interruptsEnabled & IER_TRANSMITTER_EMPTY) != 0 && transmitterEmptied) {
            return IIR_TRANSMITTER_EMPTY;
        }
        boolean modemChanged =
                (modemStatus & (MSR_DELTA_CTS | MSR_DELTA_DSR | MSR_RING_ENDED | MSR_DELTA_DCD))
                        != 0;
        if ((interruptsEnabled & IER_MODEM_STATUS) != 0 && modemChanged) {
            return IIR_MODEM_STATUS;
        }
        return IIR_NONE;
    }

    private int readLineStatus() {
        int status = LSR_TRANSMITTER_IDLE;
        status |= input().size() > 0 ? LSR_DATA_READY : 0;
        status |= overrun ? LSR_OVERRUN : 0;
        overrun = false;
        return status;
    }

    private int readModemStatus() {
        int status = modemStatus;
        modemStatus &= ~(MSR_DELTA_CTS | MSR_DELTA_DSR | MSR_RING_ENDED | MSR_DELTA_DCD);
        return status;
    }

    private void writeFifoControl(int value) {
        boolean toggled = ((value ^ fifoControl) & FCR_ENABLE) != 0;
        if (toggled || (value & FCR_CLEAR_RECEIVER) != 0) {
            // Only what the chip itself would hold; what waits behind it is still on the line.
            looped.clear();
        }
        // Without FCR_ENABLE the other bits are not programmed.
        fifoControl = (value & FCR_ENABLE) == 0 ? 0 : value;
    }

    private void writeModemControl(int value) {
        if ((value & MCR_LOOP) == 0) {
            looped.clear();
        }
        modemControl = value;
        int lines = (value & MCR_LOOP) != 0 ? loopedLines(value) : CONNECTED;
        int changed = (lines ^ modemStatus) & (MSR_CTS | MSR_DSR | MSR_DCD);
        modemStatus =
                lines
                        | modemStatus & (MSR_DELTA_CTS | MSR_DELTA_DSR | MSR_DELTA_DCD)
                        | changed >> 4
                        | modemStatus & MSR_RING_ENDED
                        | ((modemStatus & ~lines & MSR_RI) != 0 ? MSR_RING_ENDED : 0);
    }

    /** Outputs come back as inputs. */
    private static int loopedLines(int control) {
        return ((control & MCR_RTS) != 0 ? MSR_CTS : 0)
                | ((control & MCR_DTR) != 0 ? MSR_DSR : 0)
                | ((control & MCR_OUT1) != 0 ? MSR_RI : 0)
                | ((control & MCR_OUT2) != 0 ? MSR_DCD : 0);
    }

    /** A PC gates the interrupt by OUT2, which is off the line in loopback. */
    private void updateIrq() {
        boolean gated = (modemControl & MCR_OUT2) == 0 || (modemControl & MCR_LOOP) != 0;
        boolean high = !gated && interruptIdentity() != IIR_NONE;
        if (high != irqHigh) {
            irqHigh = high;
            irq.set(high);
        }
    }
}
