package io.edged.config;

import org.tomlj.Toml;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseOptions;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;
import org.tomlj.TomlVersion;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The bytes of a file as TOML, as far as they can be understood. tomlj goes on behind an error, but
 * puts what follows a broken table header into the table before it; such lines are remembered, so
 * that nothing false is said about them.
 */
final class ConfigFile {

    static final int MAX_BYTES = 256 << 10;

    /** Version 1.0 is what every other reader of TOML understands as well. */
    private static final TomlParseOptions OPTIONS =
            TomlParseOptions.sourceless().withVersion(TomlVersion.V1_0_0);

    /** tomlj quotes the text where it gave up, which may be a part of a secret. */
    private static final Pattern QUOTED_TEXT =
            Pattern.compile("^Unexpected '(?!\\\\).{2,}?'(?=, expected )", Pattern.DOTALL);

    private final Findings findings;
    private final BitSet unclearLines = new BitSet();
    private final TomlTable toml;
    private final boolean whole;

    private ConfigFile(byte[] bytes, Findings findings) {
        this.findings = findings;
        List<String> lines = decode(bytes);
        TomlParseResult parsed = Toml.parse(String.join("\n", lines), OPTIONS);
        this.toml = parsed;
        markUnclear(lines, parsed.errors());
        parsed.errors().forEach(this::report);
        this.whole = parsed.errors().stream().allMatch(error -> isRepeatedKey(lines, error));
    }

    /** Reads what can be read and reports the rest. */
    static ConfigFile parse(byte[] bytes, Findings findings) {
        return new ConfigFile(bytes, findings);
    }

    TomlTable toml() {
        return toml;
    }

    /** Whether a problem says something true in spite of the errors in the file. */
    boolean isTrue(Problem problem) {
        return switch (problem.kind()) {
            case ENCODING, SYNTAX -> true;
            // What is missing may stand on a line that could not be understood, and so may the
            // other value of a conflict.
            case MISSING, CONFLICT -> whole && unclearLines.isEmpty();
            case FILE, UNKNOWN, VALUE -> !unclearLines.get(problem.line());
        };
    }

    /** Lines without their ends; a line with bytes that are not UTF-8 is reported and unclear. */
    private List<String> decode(byte[] bytes) {
        if (isUtf16(bytes)) {
            findings.add(
                    Problem.Kind.ENCODING,
                    TomlPosition.positionAt(1, 1),
                    "",
                    "UTF-16",
                    "must be UTF-8",
                    "save the file as UTF-8");
            unclearLines.set(1);
            return List.of();
        }
        int start = startsWithMark(bytes) ? 3 : 0;
        if (start > 0)
            findings.add(
                    Problem.Kind.ENCODING,
                    TomlPosition.positionAt(1, 1),
                    "",
                    "",
                    "starts with a byte order mark",
                    "save it as UTF-8 without one");
        var lines = new ArrayList<String>();
        while (start <= bytes.length) {
            int end = start;
            while (end < bytes.length && bytes[end] != '\n') end++;
            lines.add(decode(bytes, start, end, lines.size() + 1));
            start = end + 1;
        }
        return lines;
    }

    private String decode(byte[] bytes, int start, int end, int line) {
        CharsetDecoder decoder =
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes, start, end - start);
        CharBuffer out = CharBuffer.allocate(end - start);
        if (decoder.decode(in, out, true).isError()) {
            int column = Character.codePointCount(out.flip(), 0, out.length()) + 1;
            unclearLines.set(line);
            findings.add(
                    Problem.Kind.ENCODING,
                    TomlPosition.positionAt(line, column),
                    "",
                    "byte 0x%02X".formatted(bytes[in.position()]),
                    "must be UTF-8",
                    "save the file as UTF-8");
            // A header keeps its place as a blank line, anything else as a comment.
            return out.toString().strip().startsWith("[") ? "" : "#";
        }
        return out.flip().toString();
    }

    /**
     * From a table header that was not understood to the next one, keys may be attributed to a
     * wrong table.
     */
    private void markUnclear(List<String> lines, List<TomlParseError> errors) {
        var broken = (BitSet) unclearLines.clone();
        errors.forEach(error -> broken.set(error.position().line()));
        boolean unclear = false;
        for (int line = 1; line <= lines.size(); line++) {
            String text = lines.get(line - 1).strip();
            if (text.startsWith("[")) unclear = broken.get(line);
            // A header that is not UTF-8.
            if (text.isEmpty() && broken.get(line)) unclear = true;
            if (unclear) unclearLines.set(line);
        }
    }

    private void report(TomlParseError error) {
        TomlPosition at = error.position();
        // A key behind a broken header repeats one of the table before only by mistake.
        if (isRepetition(error) && unclearLines.get(at.line()) && unclearLines.get(at.line() - 1))
            return;
        String message = String.valueOf(error.getMessage());
        findings.add(
                Problem.Kind.SYNTAX,
                at,
                "",
                "",
                "not TOML: " + QUOTED_TEXT.matcher(message).replaceFirst("Unexpected text"),
                isRepetition(error) ? "keep one of the two" : "see https://toml.io/en/v1.0.0");
    }

    private static boolean isRepetition(TomlParseError error) {
        return String.valueOf(error.getMessage()).contains("previously defined");
    }

    private static boolean isRepeatedKey(List<String> lines, TomlParseError error) {
        int line = error.position().line();
        return isRepetition(error)
                && line <= lines.size()
                && !lines.get(line - 1).strip().startsWith("[");
    }

    private static boolean startsWithMark(byte[] bytes) {
        return bytes.length >= 3
                && (bytes[0] & 0xFF) == 0xEF
                && (bytes[1] & 0xFF) == 0xBB
                && (bytes[2] & 0xFF) == 0xBF;
    }

    /** By its byte order mark, of either order. */
    private static boolean isUtf16(byte[] bytes) {
        if (bytes.length < 2) return false;
        int mark = (bytes[0] & 0xFF) << 8 | (bytes[1] & 0xFF);
        return mark == 0xFEFF || mark == 0xFFFE;
    }
}
