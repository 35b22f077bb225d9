package io.edged.daemon;

/**
 * Builds one log line of bounded length. Values that do not fit are cut, and the line says so;
 * control characters, line ends and characters that turn the direction of text are escaped, so that
 * what a client sent can neither forge a line nor steer a terminal.
 */
final class LineWriter {
    private static final String CUT = "…";

    /** Room that stays for the mark {@code truncated=true} and the end of the line. */
    private static final int RESERVED = 32;

    private final LogFormat format;
    private final int maxBytes;
    private final StringBuilder line = new StringBuilder(256);
    private int bytes;
    private boolean truncated;

    LineWriter(LogFormat format, int maxBytes) {
        if (maxBytes < 256) throw new IllegalArgumentException("line too short: " + maxBytes);
        this.format = format;
        this.maxBytes = maxBytes;
        if (format == LogFormat.JSON) raw("{");
    }

    LineWriter field(String key, String value) {
        String name = name(key);
        // Separator, quotes and equals sign or colon, and one character at least.
        int room = maxBytes - RESERVED - bytes - name.length() - 8;
        if (room < CUT.length() * 3) {
            truncated = true;
            return this;
        }
        String escaped = escape(value, room);
        if (format == LogFormat.JSON) {
            if (line.length() > 1) raw(",");
            raw("\"" + name + "\":\"" + escaped + "\"");
        } else {
            if (!line.isEmpty()) raw(" ");
            raw(needsQuotes(value) ? name + "=\"" + escaped + "\"" : name + "=" + escaped);
        }
        return this;
    }

    /** The line without its end. */
    String finish() {
        if (truncated)
            raw(
                    format == LogFormat.JSON
                            ? (line.length() > 1 ? "," : "") + "\"truncated\":\"true\""
                            : " truncated=true");
        if (format == LogFormat.JSON) raw("}");
        return line.toString();
    }

    private void raw(String text) {
        line.append(text);
        for (int i = 0; i < text.length(); i++) bytes += utf8Bytes(text.charAt(i));
    }

    /** Letters, digits, dot, dash and underscore; anything else would break the line's grammar. */
    private static String name(String key) {
        var name = new StringBuilder();
        for (int i = 0; i < Math.min(key.length(), 64); i++) {
            char c = key.charAt(i);
            boolean plain = c < 128 && (Character.isLetterOrDigit(c) || c == '.' || c == '-');
            name.append(plain ? c : '_');
        }
        return name.isEmpty() ? "_" : name.toString();
    }

    private static boolean needsQuotes(String value) {
        if (value.isEmpty()) return true;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 127) return true;
        }
        return false;
    }

    private String escape(String value, int room) {
        var escaped = new StringBuilder(Math.min(value.length() + 8, room));
        int left = room - CUT.length() * 3;
        for (int i = 0; i < value.length(); ) {
            int point = value.codePointAt(i);
            String piece = escape(point);
            int size = piece.length();
            if (piece.codePointAt(0) >= 128) size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
            if (size > left) {
                truncated = true;
                return escaped.append(CUT).toString();
            }
            left -= size;
            escaped.append(piece);
            i += Character.charCount(point);
        }
        return escaped.toString();
    }

    private static String escape(int point) {
        return switch (point) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> mustEscape(point) ? "\\u%04x".formatted(point) : Character.toString(point);
        };
    }

    private static boolean mustEscape(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE ->
                    true;
            // Direction marks and the like; those beyond the basic plane (tags) stay as they are.
            case Character.FORMAT -> point < 0x10000;
            default -> false;
        };
    }

    private static int utf8Bytes(char c) {
        if (c < 0x80) return 1;
        if (c < 0x800) return 2;
        return Character.isSurrogate(c) ? 2 : 3;
    }
}
