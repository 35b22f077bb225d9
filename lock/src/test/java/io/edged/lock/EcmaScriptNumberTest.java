package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class EcmaScriptNumberTest {

    /** RFC 8785, appendix B: all rows that have a text. */
    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "0000000000000000, 0",
        "8000000000000000, 0",
        "0000000000000001, 5e-324",
        "8000000000000001, -5e-324",
        "7fefffffffffffff, 1.7976931348623157e+308",
        "ffefffffffffffff, -1.7976931348623157e+308",
        "4340000000000000, 9007199254740992",
        "c340000000000000, -9007199254740992",
        "4430000000000000, 295147905179352830000",
        "44b52d02c7e14af5, 9.999999999999997e+22",
        "44b52d02c7e14af6, 1e+23",
        "44b52d02c7e14af7, 1.0000000000000001e+23",
        "444b1ae4d6e2ef4e, 999999999999999700000",
        "444b1ae4d6e2ef4f, 999999999999999900000",
        "444b1ae4d6e2ef50, 1e+21",
        "3eb0c6f7a0b5ed8c, 9.999999999999997e-7",
        "3eb0c6f7a0b5ed8d, 0.000001",
        "41b3de4355555553, 333333333.3333332",
        "41b3de4355555554, 333333333.33333325",
        "41b3de4355555555, 333333333.3333333",
        "41b3de4355555556, 333333333.3333334",
        "41b3de4355555557, 333333333.33333343",
        "becbf647612f3696, -0.0000033333333333333333",
        "43143ff3c1cb0959, 1424953923781206.2",
    })
    void numbersOfTheStandardsTable(String bits, String text) {
        assertThat(EcmaScriptNumber.text(number(bits))).isEqualTo(text);
    }

    /** The rows of the same table that have none. */
    @ParameterizedTest
    @ValueSource(strings = {"7fffffffffffffff", "7ff0000000000000", "fff0000000000000"})
    void whatIsNoNumberIsRefused(String bits) {
        assertThatThrownBy(() -> EcmaScriptNumber.text(number(bits)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("JSON has no number for");
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "1e20, 100000000000000000000",
        "1.5e20, 150000000000000000000",
        "1e21, 1e+21",
        "1.5e-6, 0.0000015",
        "1e-7, 1e-7",
        "1.5e-7, 1.5e-7",
        "123.456, 123.456",
        "2e23, 2e+23",
        "9.9e-324, 1e-323",
        "1.5e-323, 1.5e-323",
        "2e-323, 2e-323",
    })
    void theLayoutChangesWhereEcmaScriptSaysSo(double value, String text) {
        assertThat(EcmaScriptNumber.text(value)).isEqualTo(text);
        assertThat(EcmaScriptNumber.text(-value)).isEqualTo("-" + text);
    }

    @Test
    void digitsAreTheShortestAndClosestOfAllThatReadBackToTheSameNumber() {
        var random = new Random(8785);
        var values = new ArrayList<Double>();
        for (long bits = 1; bits <= 300; bits++) values.add(Double.longBitsToDouble(bits));
        for (int exponent = -1074; exponent < 1024; exponent += 7) {
            double power = Math.scalb(1.0, exponent);
            values.addAll(List.of(power, Math.nextUp(power), Math.nextDown(power)));
        }
        for (int digit = 1; digit <= 9; digit++) {
            for (int exponent = -323; exponent <= 307; exponent += 3)
                values.add(Double.parseDouble(digit + "e" + exponent));
        }
        for (int i = 0; i < 1_000; i++) {
            double value = Math.abs(Double.longBitsToDouble(random.nextLong()));
            if (Double.isFinite(value)) values.add(value);
        }
        for (double value : values) {
            if (value == 0) continue;
            var text = EcmaScriptNumber.text(value);
            assertThat(Double.parseDouble(text)).as(text).isEqualTo(value);
            assertThat(new BigDecimal(text)).as(text).isEqualByComparingTo(shortest(value));
        }
    }

    /** The definition, tried out: fewer digits first, then the closest, then the even one. */
    private static BigDecimal shortest(double value) {
        var exact = new BigDecimal(value);
        for (int digits = 1; digits <= 17; digits++) {
            BigDecimal below = exact.round(new MathContext(digits, RoundingMode.DOWN));
            BigDecimal above = exact.round(new MathContext(digits, RoundingMode.UP));
            boolean belowFits = below.doubleValue() == value;
            boolean aboveFits = above.doubleValue() == value;
            if (belowFits && aboveFits)
                return exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (belowFits || aboveFits) return belowFits ? below : above;
        }
        throw new AssertionError("17 digits are always enough: " + value);
    }

    private static double number(String bits) {
        return Double.longBitsToDouble(Long.parseUnsignedLong(bits, 16));
    }
}
