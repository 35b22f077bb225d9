package io.edged.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A log record's template taken apart: text with {@code {n}} in it, then {@code "; "}, then {@code
 * key={n}} pairs. A message without pairs is all text.
 *
 * <p>Numbers are written plainly, not as {@link java.text.MessageFormat} groups them, and quotation
 * marks mean themselves.
 */
record LogTemplate(String text, List<Field> fields) {

    record Field(String key, int parameter) {}

    private static final Pattern PAIR = Pattern.compile("([A-Za-z][A-Za-z0-9_.]*)=\\{(\\d{1,2})}");
    private static final Pattern PAIRS =
            Pattern.compile(";\\s+((?:" + PAIR.pattern() + "(?:\\s+|$))+)$");
    private static final Pattern PLACE = Pattern.compile("\\{(\\d{1,2})}");

    static LogTemplate parse(String template) {
        Matcher pairs = PAIRS.matcher(template);
        if (!pairs.find()) return new LogTemplate(template, List.of());
        var fields = new ArrayList<Field>();
        Matcher pair = PAIR.matcher(pairs.group(1));
        while (pair.find()) fields.add(new Field(pair.group(1), Integer.parseInt(pair.group(2))));
        return new LogTemplate(template.substring(0, pairs.start()), List.copyOf(fields));
    }

    /** The text with its places filled. */
    String message(Object[] parameters) {
        if (parameters.length == 0) return text;
        return PLACE.matcher(text)
                .replaceAll(place ->
                        Matcher.quoteReplacement(
                                value(Integer.parseInt(place.group(1)), parameters)));
    }

    /** A parameter as text; a missing one keeps its place, a hostile one says so. */
    static String value(int parameter, Object[] parameters) {
        if (parameter >= parameters.length) return "{" + parameter + "}";
        try {
            return String.valueOf(parameters[parameter]);
        } catch (RuntimeException e) {
            return "(" + e.getClass().getSimpleName() + " while formatting)";
        }
    }
}
