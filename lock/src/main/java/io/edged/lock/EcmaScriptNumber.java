package io.edged.lock;

import java.math.BigDecimal;

/**
 * ECMAScript's Number-to-String (ECMA-262, Number::toString with radix 10), which RFC 8785 section
 * 3.2.2.3 prescribes: the shortest digits that give the same double, the closest such digits, the
 * even ones on a tie.
 */
final class EcmaScriptNumber {

    private EcmaScriptNumber() {}

    static String text(double value) {
        if (!Double.isFinite(value))
            throw new IllegalArgumentException("JSON has no number for " + value);
        if (value == 0) return "0";
        Decimal decimal = shortest(Math.abs(value));
        return value < 0 ? "-" + layout(decimal) : layout(decimal);
    }

    /** Value is 0.DIGITS times ten to the power of {@code point}; no zero first or last. */
    private record Decimal(String digits, int point) {
        static Decimal of(BigDecimal value) {
            BigDecimal stripped = value.stripTrailingZeros();
            String digits = stripped.unscaledValue().toString();
            return new Decimal(digits, digits.length() - stripped.scale());
        }
    }

    private static Decimal shortest(double value) {
        Decimal decimal = Decimal.of(new BigDecimal(Double.toString(value)));
        return decimal.digits().length() == 2 ? shorterThanTwo(value, decimal) : decimal;
    }

    /**
     * {@link Double#toString(double)} takes the closest of all one- and two-digit decimals:
     * 4.9E-324 where 5E-324 is shorter. Only with two digits can there be a shorter one.
     */
    private static Decimal shorterThanTwo(double value, Decimal two) {
        BigDecimal unit = BigDecimal.ONE.scaleByPowerOfTen(two.point() - 1);
        int first = two.digits().charAt(0) - '0';
        BigDecimal below = unit.multiply(BigDecimal.valueOf(first));
        BigDecimal above = unit.multiply(BigDecimal.valueOf(first + 1));
        boolean belowFits = below.doubleValue() == value;
        boolean aboveFits = above.doubleValue() == value;
        if (!belowFits && !aboveFits) return two;
        if (belowFits && aboveFits) {
            var exact = new BigDecimal(value);
            int closer = exact.subtract(below).compareTo(above.subtract(exact));
            return Decimal.of(closer < 0 || (closer == 0 && first % 2 == 0) ? below : above);
        }
        return Decimal.of(belowFits ? below : above);
    }

    private static String layout(Decimal decimal) {
        String digits = decimal.digits();
        int count = digits.length();
        int point = decimal.point();
        if (count <= point && point <= 21) return digits + "0".repeat(point - count);
        if (0 < point && point <= 21)
            return digits.substring(0, point) + '.' + digits.substring(point);
        if (-6 < point && point <= 0) return "0." + "0".repeat(-point) + digits;
        int exponent = point - 1;
        String mantissa = count == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return mantissa + (exponent < 0 ? "e-" : "e+") + Math.abs(exponent);
    }
}
