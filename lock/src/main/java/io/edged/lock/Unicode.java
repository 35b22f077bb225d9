package io.edged.lock;

/** What strings of strangers need before they are stored or shown. */
final class Unicode {

    /** Names and values in messages are cut here: a message is one line, whatever the input. */
    private static final int MAX_SHOWN_CHARACTERS = 200;

    private Unicode() {}

    /** Index of the first surrogate without its partner, or -1. */
    static int loneSurrogate(String text) {
        int at = 0;
        while (at < text.length()) {
            int codePoint = text.codePointAt(at);
            if (Character.getType(codePoint) == Character.SURROGATE) return at;
            at += Character.charCount(codePoint);
        }
        return -1;
    }

    /** The text with everything escaped that could forge or reorder a line, and cut when long. */
    static String printable(String text) {
        var shown = new StringBuilder();
        for (int i = 0; i < text.length(); ) {
            if (i >= MAX_SHOWN_CHARACTERS) return shown.append("...").toString();
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            switch (Character.getType(codePoint)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.UNASSIGNED ->
                        shown.append(String.format("\\u{%x}", codePoint));
                default -> shown.appendCodePoint(codePoint);
            }
        }
        return shown.toString();
    }
}
