package dev.airlock.vmm.device;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/**
 * The real-time clock of a PC, an MC146818 with 128 bytes of CMOS memory: index at port 0x70, data
 * at 0x71. It tells the host's clock in UTC and takes no other time: what a guest writes to the
 * time is dropped. It makes no interrupts. Source: the MC146818A data sheet; Linux {@code
 * linux/mc146818rtc.h}.
 *
 * <pre>
 *  0 seconds | 2 minutes | 4 hours | 6 weekday (Sunday 1) | 7 day | 8 month | 9 year | 32 century
 *  A, B, C, D: status
 * </pre>
 */
public final class CmosClock extends BytePorts {

    public static final int FIRST_PORT = 0x70;
    public static final int PORT_COUNT = 2;

    static final int SECONDS = 0x00;
    static final int MINUTES = 0x02;
    static final int HOURS = 0x04;
    static final int WEEKDAY = 0x06;
    static final int DAY = 0x07;
    static final int MONTH = 0x08;
    static final int YEAR = 0x09;
    static final int STATUS_A = 0x0A;
    static final int STATUS_B = 0x0B;
    static final int STATUS_C = 0x0C;
    static final int STATUS_D = 0x0D;
    static final int CENTURY = 0x32;

    /** Status B: numbers are binary, not BCD. */
    static final int BINARY = 1 << 2;

    /** Status B: hours count to 24. */
    static final int HOURS_24 = 1 << 1;

    /** Status A after reset: the 32.768 kHz time base, 1024 Hz. Never "update in progress". */
    private static final int TIME_BASE = 0x26;

    private static final int TIME_BASE_MASK = 0x7F;

    /** Status D: the battery was good all the time. */
    private static final int VALID = 0x80;

    /** Hours of a 12-hour clock. */
    private static final int AFTERNOON = 0x80;

    private static final int INDEX_MASK = 0x7F;

    private final Clock clock;
    private final byte[] memory = new byte[INDEX_MASK + 1];
    private int index;
    private LocalDateTime now;

    /**
     * @param clock the host's time, in any zone
     */
    public CmosClock(Clock clock) {
        super(FIRST_PORT + PORT_COUNT);
        this.clock = clock;
        memory[STATUS_A] = TIME_BASE;
        memory[STATUS_B] = HOURS_24;
        now = time();
    }

    @Override
    synchronized int readByte(int port) {
        if (port == FIRST_PORT) {
            return 0xFF; // write-only
        }
        return switch (index) {
            case SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY -> timeRegister();
            case STATUS_A -> {
                now = time();
                yield memory[STATUS_A];
            }
            case STATUS_C -> 0;
            case STATUS_D -> VALID;
            default -> memory[index];
        };
    }

    @Override
    synchronized void writeByte(int port, int value) {
        if (port == FIRST_PORT) {
            index = value & INDEX_MASK; // bit 7 masks the NMI, which nobody sends
            return;
        }
        switch (index) {
            case SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY -> {}
            case STATUS_C, STATUS_D -> {}
            case STATUS_A -> memory[STATUS_A] = (byte) (value & TIME_BASE_MASK);
            default -> memory[index] = (byte) value;
        }
    }

    /**
     * One time is shown until the seconds or status A are read again, or it is a second old: a
     * guest that reads register after register never mixes two seconds.
     */
    private int timeRegister() {
        LocalDateTime current = time();
        if (index == SECONDS || ChronoUnit.SECONDS.between(now, current) != 0) {
            now = current;
        }
        return switch (index) {
            case SECONDS -> number(now.getSecond());
            case MINUTES -> number(now.getMinute());
            case HOURS -> hours(now.getHour());
            case WEEKDAY -> number(now.getDayOfWeek().getValue() % 7 + 1);
            case DAY -> number(now.getDayOfMonth());
            case MONTH -> number(now.getMonthValue());
            case YEAR -> number(now.getYear() % 100);
            default -> bcd(now.getYear() / 100);
        };
    }

    private int hours(int hour) {
        if ((memory[STATUS_B] & HOURS_24) != 0) {
            return number(hour);
        }
        int twelve = hour % 12 == 0 ? 12 : hour % 12;
        return number(twelve) | (hour >= 12 ? AFTERNOON : 0);
    }

    private int number(int value) {
        return (memory[STATUS_B] & BINARY) != 0 ? value : bcd(value);
    }

    private static int bcd(int value) {
        return value / 10 << 4 | value % 10;
    }

    private LocalDateTime time() {
        return LocalDateTime.ofInstant(clock.instant(), ZoneOffset.UTC);
    }
}
