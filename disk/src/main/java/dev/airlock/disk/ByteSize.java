package dev.airlock.disk;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write them: {@code 512}, {@code 64K}, {@code 512MiB}, {@code 1.5G}. Units are
 * powers of 1024. {@code GB} and its like are refused, because half of their users mean powers of
 * 1000.
 */
public final class ByteSize {
    private static final Pattern FORM =
            Pattern.compile("(\\d{1,19}(?:\\.\\d{1,9})?)([KMGTPE]?)(|B|IB)");
    private static final String UNITS = "KMGTPE";
    private static final int UNIT_SHIFT = 10;

    private ByteSize() {}

    /**
     * The number of bytes that {@code text} means, greater than or equal to zero.
     *
     * @throws IllegalArgumentException with one line that says what to write instead
     */
    public static long parse(String text) {
        Matcher form = FORM.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!form.matches()) {
            throw new IllegalArgumentException(
                    "size=" + text + " is not a size: write it like 64G, 512MiB or 1048576");
        }
        String unit = form.group(2);
        String suffix = form.group(3);
        if (!unit.isEmpty() && suffix.equals("B")) {
            throw new IllegalArgumentException(
                    "size="
                            + text
                            + " is ambiguous: write "
                            + form.group(1)
                            + unit
                            + " for powers of 1024");
        }
        if (unit.isEmpty() && suffix.equals("IB")) {
            throw new IllegalArgumentException(
                    "size=" + text + " has no unit: write it like 64G, 512MiB or 1048576");
        }
        BigDecimal scale =
                new BigDecimal(
                        BigInteger.ONE.shiftLeft(
                                UNIT_SHIFT * (UNITS.indexOf(unit) + (unit.isEmpty() ? 0 : 1))));
        try {
            return new BigDecimal(form.group(1))
                    .multiply(scale)
                    .toBigIntegerExact()
                    .longValueExact();
        } catch (ArithmeticException notWholeOrTooLarge) {
            throw new IllegalArgumentException(
                    "size=" + text + " is not a whole number of bytes below 8E",
                    notWholeOrTooLarge);
        }
    }

    /**
     * The shortest exact form: {@code 64G}, {@code 1536M}, {@code 1000}. {@link #parse} gives
     * {@code bytes} back.
     */
    public static String format(long bytes) {
        int unit = 0;
        long count = bytes;
        while (count != 0 && (count & ((1 << UNIT_SHIFT) - 1)) == 0 && unit < UNITS.length()) {
            count >>= UNIT_SHIFT;
            unit++;
        }
        return unit == 0 ? Long.toString(count) : count + UNITS.substring(unit - 1, unit);
    }
}
