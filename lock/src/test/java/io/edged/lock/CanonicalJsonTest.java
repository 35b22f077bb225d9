package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

class CanonicalJsonTest {

    /** RFC 8785, section 3.2.2. */
    private static final String EXAMPLE =
            """
            {
              "numbers": [333333333.33333329, 1E30, 4.50,
                          2e-3, 0.000000000000000000000000001],
              "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
              "literals": [null, true, false]
            }
            """;

    /** RFC 8785, section 3.2.4. */
    private static final String EXAMPLE_BYTES =
            """
            7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72
            75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a
            5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31
            65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37
            5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30
            30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d
            """;

    @Test
    void theStandardsExampleGivesTheStandardsBytes() throws JsonException {
        byte[] wanted = HexFormat.of().parseHex(EXAMPLE_BYTES.replaceAll("\\s", ""));
        assertThat(CanonicalJson.canonicalize(utf8(EXAMPLE))).isEqualTo(wanted);
    }

    /** RFC 8785, section 3.2.3: by UTF-16 code units, where U+1F600 comes before U+FB33. */
    @Test
    void membersAreSortedByTheirCodeUnits() throws JsonException {
        assertThat(
                        canonical(
                                """
                                {
                                  "\\u20ac": "Euro Sign",
                                  "\\r": "Carriage Return",
                                  "\\ufb33": "Hebrew Letter Dalet With Dagesh",
                                  "1": "One",
                                  "\\ud83d\\ude00": "Emoji: Grinning Face",
                                  "\\u0080": "Control",
                                  "\\u00f6": "Latin Small Letter O With Diaeresis"
                                }
                                """))
                .isEqualTo(
                        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\","
                                + "\"\u00f6\":\"Latin Small Letter O With Diaeresis\","
                                + "\"\u20ac\":\"Euro Sign\","
                                + "\"\ud83d\ude00\":\"Emoji: Grinning Face\","
                                + "\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
    }

    /** The cases that the authors of the standard publish beside it. */
    static Stream<Arguments> published() {
        return Stream.of(
                Arguments.of(
                        "[ 56, { \"d\": true, \"10\": null, \"1\": [ ] } ]",
                        "[56,{\"1\":[],\"10\":null,\"d\":true}]"),
                Arguments.of(
                        "{\"1\": {\"f\": {\"f\": \"hi\",\"F\": 5} ,\"\\n\": 56.0}, \"10\": { },"
                                + " \"\": \"empty\", \"a\": { }, \"111\": [ { } ], \"A\": { }}",
                        "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},"
                                + "\"10\":{},\"111\":[{}],\"A\":{},\"a\":{}}"),
                Arguments.of(
                        "{\"Unnormalized Unicode\":\"\\u0041\\u030a\"}",
                        "{\"Unnormalized Unicode\":\"A\u030a\"}"),
                Arguments.of(
                        "{\"sin\":1,\"p\u00eache\":2,\"p\u00e9ch\u00e9\":3,\"peach\":4}",
                        "{\"peach\":4,\"p\u00e9ch\u00e9\":3,\"p\u00eache\":2,\"sin\":1}"),
                Arguments.of(
                        "{\"\\u0080\": \"Control\\u007f\", \"</script>\": \"Browser Challenge\"}",
                        "{\"</script>\":\"Browser Challenge\",\"\u0080\":\"Control\u007f\"}"));
    }

    @ParameterizedTest
    @MethodSource("published")
    void publishedCases(String text, String wanted) throws JsonException {
        assertThat(canonical(text)).isEqualTo(wanted);
    }

    @Test
    void onlyWhatMustBeEscapedIsEscaped() throws JsonException {
        assertThat(
                        canonical(
                                "\"\\u0000\\u0008\\u0009\\u000a\\u000b\\u000c\\u000d\\u001f \\/"
                                        + "\\u007f\\u2028\\\"\\\\\""))
                .isEqualTo("\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f /\u007f\u2028\\\"\\\\\"");
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of("", 1, 1, "no JSON value"),
                Arguments.of(" \n ", 2, 2, "no JSON value"),
                Arguments.of("{\"a\":1,\n \"a\":2}", 2, 2, "member \"a\" is there twice"),
                Arguments.of("{\"a\":1,\"\\u0061\":2}", 1, 8, "member \"a\" is there twice"),
                Arguments.of("\uFEFF{}", 1, 1, "byte order mark"),
                Arguments.of(" \uFEFF{}", 1, 2, "Unexpected character"),
                Arguments.of("[\"\\ud83d\"]", 1, 2, "lone surrogate in the string"),
                Arguments.of("[\"\\ude00\\ud83d\"]", 1, 2, "lone surrogate in the string"),
                Arguments.of("{\"\\ud83d\":1}", 1, 9, "Broken surrogate pair in field name"),
                Arguments.of("[NaN]", 1, 5, "Non-standard token 'NaN'"),
                Arguments.of("[Infinity]", 1, 10, "Non-standard token 'Infinity'"),
                Arguments.of("[-Infinity]", 1, 11, "Non-standard token '-Infinity'"),
                Arguments.of("[1,\n1e400]", 2, 1, "the number 1e400 is too large for a double"),
                Arguments.of("[-1e400]", 1, 2, "the number -1e400 is too large"),
                Arguments.of("[9007199254740993]", 1, 2, "9007199254740993 is not exact"),
                Arguments.of("[-9007199254740993]", 1, 2, "-9007199254740993 is not exact"),
                Arguments.of("[295147905179352830001]", 1, 2, "is not exact as a double"),
                Arguments.of("{} {}", 1, 4, "more text behind the JSON value"),
                Arguments.of("1 2", 1, 3, "more text behind the JSON value"),
                Arguments.of("{},", 1, 3, "Unexpected character"),
                Arguments.of("[1,]", 1, 4, "Unexpected character"),
                Arguments.of("{\"a\":1,}", 1, 8, "Unexpected character"),
                Arguments.of("[01]", 1, 3, "Leading zeroes not allowed"),
                Arguments.of("[+1]", 1, 3, "plus signs"),
                Arguments.of("[.5]", 1, 2, "Unexpected character"),
                Arguments.of("[1.]", 1, 3, "Decimal point not followed by a digit"),
                Arguments.of("['a']", 1, 2, "Unexpected character"),
                Arguments.of("{a:1}", 1, 2, "Unexpected character"),
                Arguments.of("[1 /* one */]", 1, 4, "Unexpected character"),
                Arguments.of("[\"a\tb\"]", 1, 4, "Illegal unquoted character"),
                Arguments.of("[\"a\0b\"]", 1, 4, "Illegal unquoted character"),
                Arguments.of("[\"\\x\"]", 1, 4, "Unrecognized character escape"),
                Arguments.of("[1", 1, 3, "end-of-input"),
                Arguments.of("\"abc", 1, 5, "end-of-input"),
                Arguments.of("[true", 1, 6, "end-of-input"),
                Arguments.of("[" + "1".repeat(1_001) + "]", 1, -1, "Number value length"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void whatIsNotStrictIsRefusedWithItsPosition(
            String text, int line, int column, String problem) {
        assertThatThrownBy(() -> CanonicalJson.parse(utf8(text)))
                .isInstanceOfSatisfying(
                        JsonException.class,
                        e -> {
                            assertThat(e.problem()).contains(problem).doesNotContain("enable");
                            assertThat(e.line()).isEqualTo(line);
                            if (column >= 0) assertThat(e.column()).isEqualTo(column);
                        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ff", // no UTF-8 at all
                "c0af", // two bytes for one that needs one
                "eda080", // a surrogate
                "f4908080", // beyond U+10FFFF
                "e282", // cut
            })
    void invalidUtf8IsRefusedWithItsPosition(String hex) {
        byte[] text = HexFormat.of().parseHex("5b0a22e282ac" + hex + "225d");
        assertThatThrownBy(() -> CanonicalJson.parse(text))
                .hasMessage("line 2, column 3: invalid UTF-8 at byte 6");
    }

    @Test
    void invalidUtf8AtTheEndIsRefused() {
        assertThatThrownBy(() -> CanonicalJson.parse(HexFormat.of().parseHex("5b5de2")))
                .hasMessage("line 1, column 3: invalid UTF-8 at byte 2");
    }

    @Test
    void utf16IsRefused() {
        assertThatThrownBy(() -> CanonicalJson.parse("[1]".getBytes(StandardCharsets.UTF_16LE)))
                .isInstanceOf(JsonException.class);
        assertThatThrownBy(() -> CanonicalJson.parse("[1]".getBytes(StandardCharsets.UTF_16)))
                .hasMessageContaining("invalid UTF-8 at byte 0");
    }

    @Test
    void depthIsBoundedBothWays() throws JsonException {
        String deepest = "[".repeat(64) + "]".repeat(64);
        assertThat(canonical(deepest)).isEqualTo(deepest);
        assertThatThrownBy(() -> canonical("[" + deepest + "]"))
                .hasMessage("line 1, column 65: nested deeper than 64 levels");
        assertThatThrownBy(() -> canonical("[".repeat(1_000_000)))
                .isInstanceOf(JsonException.class);
        JsonValue tooDeep = new JsonArray(List.of(CanonicalJson.parse(utf8(deepest))));
        assertThatThrownBy(() -> CanonicalJson.bytes(tooDeep))
                .hasMessage("nested deeper than 64 levels");
    }

    @Test
    void sizeIsBoundedBothWays() {
        assertThatThrownBy(() -> CanonicalJson.parse(new byte[CanonicalJson.MAX_BYTES + 1]))
                .hasMessageContaining("the limit is 16777216");
        var long1 = new JsonString("x".repeat(CanonicalJson.MAX_BYTES));
        assertThatThrownBy(() -> CanonicalJson.bytes(long1))
                .hasMessage("the JSON text has 16777218 bytes; the limit is 16777216");
    }

    @Test
    void integersThatADoubleHoldsAreTaken() throws JsonException {
        assertThat(canonical("[9007199254740991,9007199254740992,-9007199254740992]"))
                .isEqualTo("[9007199254740991,9007199254740992,-9007199254740992]");
        assertThat(canonical("[1152921504606846976,295147905179352825856]"))
                .isEqualTo("[1152921504606847000,295147905179352830000]");
        assertThat(canonical("[1152921504606847000,-295147905179352830000]"))
                .as("as canonical JSON spells them")
                .isEqualTo("[1152921504606847000,-295147905179352830000]");
        assertThat(canonical("[-0,0.0,-0e9]")).isEqualTo("[0,0,0]");
    }

    @Test
    void integersOfJavaThatNoDoubleHoldsAreRefused() {
        assertThat(JsonNumber.of(1L << 62).value()).isEqualTo(0x1p62);
        for (long odd : List.of((1L << 53) + 1, -(1L << 53) - 1, Long.MAX_VALUE)) {
            assertThatThrownBy(() -> JsonNumber.of(odd))
                    .hasMessageContaining(odd + " is not exact as a double");
        }
    }

    @Test
    void treesCheckThemselves() {
        assertThatThrownBy(() -> new JsonNumber(Double.NaN))
                .hasMessage("JSON has no number for NaN");
        assertThatThrownBy(() -> new JsonString("a\ud83d"))
                .hasMessage("lone surrogate at character 1 of \"a\\u{d83d}\"");
        assertThatThrownBy(() -> new JsonObject(Map.of("\ude00", new JsonNumber(1))))
                .hasMessageStartingWith("lone surrogate at character 0");
        assertThat(new JsonNumber(-0.0)).isEqualTo(new JsonNumber(0));
    }

    @Test
    void thePrettyFormHasTheSameTokens() throws JsonException {
        byte[] text = utf8("{\"b\":[1,{}, []],\"a\":{\"c\":null}}");
        byte[] pretty = CanonicalJson.prettyBytes(CanonicalJson.parse(text));
        assertThat(new String(pretty, StandardCharsets.UTF_8))
                .isEqualTo(
                        """
                        {
                          "a": {
                            "c": null
                          },
                          "b": [
                            1,
                            {},
                            []
                          ]
                        }
                        """);
        assertThat(CanonicalJson.canonicalize(pretty)).isEqualTo(CanonicalJson.canonicalize(text));
    }

    private static String canonical(String text) throws JsonException {
        return new String(CanonicalJson.canonicalize(utf8(text)), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
