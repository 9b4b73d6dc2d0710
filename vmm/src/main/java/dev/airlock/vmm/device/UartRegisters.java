package dev.airlock.vmm.device;

/**
 * Registers and bits of the 16550A. Source: the National Semiconductor PC16550D data sheet, section
 * 8; Linux {@code uapi/linux/serial_reg.h}.
 *
 * <pre>
 *  offset  read              write             with LCR.DLAB
 *  0       RBR received      THR to transmit   divisor, low
 *  1       IER               IER               divisor, high
 *  2       IIR               FCR
 *  3       LCR               LCR
 *  4       MCR               MCR
 *  5       LSR               -
 *  6       MSR               -
 *  7       scratch           scratch
 * </pre>
 */
final class UartRegisters {

    static final int DATA = 0;
    static final int IER = 1;
    static final int IIR_FCR = 2;
    static final int LCR = 3;
    static final int MCR = 4;
    static final int LSR = 5;
    static final int MSR = 6;
    static final int SCRATCH = 7;
    static final int COUNT = 8;

    static final int IER_RECEIVED = 0x01;
    static final int IER_TRANSMITTER_EMPTY = 0x02;
    static final int IER_LINE_STATUS = 0x04;
    static final int IER_MODEM_STATUS = 0x08;
    static final int IER_MASK = 0x0F;

    static final int IIR_MODEM_STATUS = 0x00;
    static final int IIR_NONE = 0x01;
    static final int IIR_TRANSMITTER_EMPTY = 0x02;
    static final int IIR_RECEIVED = 0x04;
    static final int IIR_LINE_STATUS = 0x06;
    static final int IIR_TIMEOUT = 0x0C;
    static final int IIR_FIFOS = 0xC0;

    static final int FCR_ENABLE = 0x01;
    static final int FCR_CLEAR_RECEIVER = 0x02;
    static final int FCR_TRIGGER_SHIFT = 6;

    static final int LCR_DIVISOR = 0x80;

    static final int MCR_DTR = 0x01;
    static final int MCR_RTS = 0x02;
    static final int MCR_OUT1 = 0x04;
    static final int MCR_OUT2 = 0x08;
    static final int MCR_LOOP = 0x10;
    static final int MCR_MASK = 0x1F;

    static final int LSR_DATA_READY = 0x01;
    static final int LSR_OVERRUN = 0x02;
    static final int LSR_TRANSMITTER_IDLE = 0x60;

    static final int MSR_DELTA_CTS = 0x01;
    static final int MSR_DELTA_DSR = 0x02;
    static final int MSR_RING_ENDED = 0x04;
    static final int MSR_DELTA_DCD = 0x08;
    static final int MSR_CTS = 0x10;
    static final int MSR_DSR = 0x20;
    static final int MSR_RI = 0x40;
    static final int MSR_DCD = 0x80;

    private UartRegisters() {}
}
