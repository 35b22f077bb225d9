package io.edged.config;

import static java.util.stream.Collectors.joining;

import org.tomlj.TomlArray;
import org.tomlj.TomlTable;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What the value of a key may be.
 *
 * @param form type, range and unit in a few words, for the documentation
 * @param rule the same as a sentence without its subject, for a problem
 * @param parse from what tomlj gives (String, Long, Double, Boolean, TomlArray, TomlTable, dates);
 *     empty if it has the wrong type or form
 * @param fits whether a parsed value is in range
 * @param literal the value as TOML
 * @param showable whether a refused value may be printed
 */
record ValueType<T>(
        String form,
        String rule,
        Function<Object, Optional<T>> parse,
        Predicate<T> fits,
        Function<T, String> literal,
        Predicate<Object> showable) {

    private static final int MAX_TEXT_CHARS = 4_096;

    private ValueType(
            String form,
            String rule,
            Function<Object, Optional<T>> parse,
            Predicate<T> fits,
            Function<T, String> literal) {
        this(form, rule, parse, fits, literal, _ -> true);
    }

    Optional<T> read(Object value) {
        return parse.apply(value).filter(fits);
    }

    /** The same, where an empty string stands for nothing. */
    ValueType<Optional<T>> orEmpty() {
        return new ValueType<>(
                form + "; empty for none",
                rule + ", or empty",
                value -> {
                    Optional<T> read = read(value);
                    boolean known = read.isPresent() || "".equals(value);
                    return known ? Optional.of(read) : Optional.empty();
                },
                value -> value.isEmpty() || fits.test(value.get()),
                value -> value.map(literal).orElse("\"\""),
                showable);
    }

    /**
     * @param form completes "must be", for example "1 to 32 of a-z"
     */
    static ValueType<String> text(Pattern pattern, String form) {
        return new ValueType<>(
                form,
                "must be " + form,
                ValueType::string,
                text -> pattern.matcher(text).matches(),
                Rendering::quoted);
    }

    /** A destination or a lane: parts of cursor names and labels. */
    static ValueType<String> name() {
        return text(Pattern.compile("[a-z0-9-]{1,32}"), "1 to 32 of a-z, 0-9 and -");
    }

    /** When something may be done: days of the week and times. */
    static ValueType<String> window() {
        String day = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
        String days = day + "(-" + day + ")?";
        String time = "([01][0-9]|2[0-3]):[0-5][0-9]";
        return text(
                Pattern.compile(
                        "(daily|" + days + "(," + days + ")*) " + time + "-(" + time + "|24:00)"),
                "such as \"Mon-Fri 22:00-06:00\", \"Sat,Sun 00:00-24:00\" or \"daily 01:00-05:00\"");
    }

    static ValueType<String> timeZone() {
        return new ValueType<>(
                "name of a time zone",
                "must be the name of a time zone, such as UTC or Europe/Berlin",
                ValueType::string,
                text -> text.equals("UTC") || ZoneId.getAvailableZoneIds().contains(text),
                Rendering::quoted);
    }

    /** A header as HTTP/2 writes it. */
    static ValueType<String> headerName() {
        return text(
                Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}"),
                "the name of a header, 1 to 64 of a-z, 0-9, ., _ and -");
    }

    static <E extends Enum<E>> ValueType<E> choice(Class<E> type) {
        List<E> values = List.of(type.getEnumConstants());
        String names = values.stream().map(ValueType::quotedName).collect(joining(" or "));
        return new ValueType<>(
                names,
                "must be " + names,
                value ->
                        values.stream()
                                .filter(each ->
                                        value instanceof String text
                                                && lowerCase(each).equals(text))
                                .findFirst(),
                _ -> true,
                ValueType::quotedName);
    }

    static ValueType<Boolean> flag() {
        return new ValueType<>(
                "true or false",
                "must be true or false",
                value -> value instanceof Boolean flag ? Optional.of(flag) : Optional.empty(),
                _ -> true,
                Object::toString);
    }

    static ValueType<Integer> count(int least, int most) {
        String form = "whole number from " + least + " to " + most;
        return new ValueType<>(
                form,
                "must be a " + form,
                value ->
                        value instanceof Long number && number == number.intValue()
                                ? Optional.of(number.intValue())
                                : Optional.empty(),
                number -> least <= number && number <= most,
                Object::toString);
    }

    /** Bytes: an integer, or a string with a unit. */
    static ValueType<Long> size(long least, long most) {
        String form = "size from " + Units.format(least) + " to " + Units.format(most);
        return new ValueType<>(
                form,
                "must be a " + form + " (bytes, or a string with B, KiB, MiB, GiB or TiB)",
                value ->
                        value instanceof Long number
                                ? Optional.of(number)
                                : string(value).flatMap(Units::parseBytes),
                number -> least <= number && number <= most,
                number -> Rendering.quoted(Units.format(number)));
    }

    static ValueType<Duration> duration(Duration least, Duration most) {
        String form = "duration from " + Units.format(least) + " to " + Units.format(most);
        return new ValueType<>(
                form,
                "must be a " + form + " (a string with ms, s, m or h)",
                value -> string(value).flatMap(Units::parseDuration),
                duration -> least.compareTo(duration) <= 0 && duration.compareTo(most) <= 0,
                duration -> Rendering.quoted(Units.format(duration)));
    }

    /** An address to listen on. */
    static ValueType<HostPort> listener() {
        return new ValueType<>(
                "host:port",
                "must be host:port with a port from 0 to 65535, an IPv6 address in brackets",
                value -> string(value).flatMap(HostPort::parse),
                _ -> true,
                listener -> Rendering.quoted(listener.toString()));
    }

    /** A path, as written: {@link Section#resolve} makes it absolute. */
    static ValueType<Path> path() {
        return new ValueType<>(
                "path",
                "must be a path",
                value -> string(value).filter(text -> !text.isBlank()).flatMap(ValueType::toPath),
                _ -> true,
                path -> Rendering.quoted(path.toString()));
    }

    /**
     * A path to a file with a secret. What is refused is shown only if it looks like a path: people
     * paste the secret itself.
     */
    static ValueType<Path> secretFile() {
        ValueType<Path> path = path();
        return new ValueType<>(
                path.form(),
                path.rule(),
                path.parse(),
                path.fits(),
                path.literal(),
                value -> value instanceof String text && text.startsWith("/"));
    }

    /** The base URL of a receiver of OTLP over HTTP; slashes at its end are dropped. */
    static ValueType<URI> endpoint() {
        return new ValueType<>(
                "URL, http:// or https://host[:port][/path]",
                "must be a URL of the form http[s]://host[:port][/path], without user, query or"
                        + " fragment",
                value -> string(value).flatMap(ValueType::toEndpoint),
                _ -> true,
                endpoint -> Rendering.quoted(endpoint.toString()),
                // These parts of a URL carry passwords and keys.
                value -> !(value instanceof String text) || text.matches("[^@?#]*"));
    }

    /** An {@link #endpoint} or a directory as a URL. */
    static ValueType<URI> destination() {
        ValueType<URI> network = endpoint();
        return new ValueType<>(
                "URL, http:// or https://host[:port][/path], or file:///directory",
                "must be a URL of the form http[s]://host[:port][/path] or file:///directory,"
                        + " without user, query or fragment",
                value ->
                        network.read(value).or(() -> string(value).flatMap(ValueType::toDirectory)),
                _ -> true,
                network.literal(),
                network.showable());
    }

    /** Different strings, each of which fits {@code item}. */
    static ValueType<List<String>> list(ValueType<String> item, int most) {
        String form = "list of at most " + most + " different strings, each " + item.form();
        return new ValueType<>(
                form,
                "must be a " + form,
                value ->
                        value instanceof TomlArray array && array.size() <= most
                                ? strings(array)
                                : Optional.empty(),
                list ->
                        list.size() <= most
                                && list.stream().allMatch(item.fits())
                                && new HashSet<>(list).size() == list.size(),
                list -> list.stream().map(item.literal()).collect(joining(", ", "[", "]")));
    }

    /** Headers of a request; {@link Headers} reads them one by one. */
    static ValueType<Map<String, Secret>> headers() {
        return new ValueType<>(
                "table of strings, at most " + Headers.MAX_COUNT,
                "must be a table of at most " + Headers.MAX_COUNT + " headers",
                value ->
                        value instanceof TomlTable table && table.size() <= Headers.MAX_COUNT
                                ? Optional.of(Map.of())
                                : Optional.empty(),
                headers -> headers.size() <= Headers.MAX_COUNT,
                _ -> "{}",
                _ -> false);
    }

    private static Optional<String> string(Object value) {
        return value instanceof String text && text.length() <= MAX_TEXT_CHARS
                ? Optional.of(text)
                : Optional.empty();
    }

    private static Optional<List<String>> strings(TomlArray array) {
        var strings = new ArrayList<String>();
        for (int i = 0; i < array.size(); i++) string(array.get(i)).ifPresent(strings::add);
        return strings.size() == array.size()
                ? Optional.of(List.copyOf(strings))
                : Optional.empty();
    }

    private static Optional<Path> toPath(String text) {
        try {
            return Optional.of(Path.of(text));
        } catch (InvalidPathException _) {
            return Optional.empty(); // a NUL
        }
    }

    private static Optional<URI> toEndpoint(String text) {
        try {
            var url = new URI(text.replaceFirst("/+$", ""));
            boolean good =
                    ("http".equalsIgnoreCase(url.getScheme())
                                    || "https".equalsIgnoreCase(url.getScheme()))
                            && url.getHost() != null
                            && url.getUserInfo() == null
                            && url.getQuery() == null
                            && url.getFragment() == null
                            && url.getPort() != 0
                            && url.getPort() <= 65_535;
            return good ? Optional.of(url) : Optional.empty();
        } catch (URISyntaxException _) {
            return Optional.empty();
        }
    }

    private static Optional<URI> toDirectory(String text) {
        try {
            var url = new URI(text.replaceFirst("/+$", ""));
            boolean good =
                    "file".equalsIgnoreCase(url.getScheme())
                            && (url.getRawAuthority() == null)
                            && url.getPath() != null
                            && url.getPath().startsWith("/")
                            && url.getQuery() == null
                            && url.getFragment() == null;
            return good ? Optional.of(url) : Optional.empty();
        } catch (URISyntaxException _) {
            return Optional.empty();
        }
    }

    private static String lowerCase(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static String quotedName(Enum<?> value) {
        return Rendering.quoted(lowerCase(value));
    }
}
