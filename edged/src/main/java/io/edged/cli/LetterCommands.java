package io.edged.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.drain.DeadLetters;
import io.edged.drain.DeadLetters.Letter;

import java.io.IOException;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What can be done with dead letters, the same in a running daemon and, except for trying them
 * again, in a state directory that none uses. Answers are lines of text; those of list and inspect
 * are JSON objects.
 */
final class LetterCommands {

    /** Letters of one answer. */
    static final int MOST = 1_000;

    private static final JsonFactory JSON = new JsonFactory();

    private final DeadLetters letters;
    private final InstantSource clock;

    LetterCommands(DeadLetters letters, InstantSource clock) {
        this.letters = letters;
        this.clock = clock;
    }

    /** {@code after}: only letters behind that number. */
    String list(Map<String, List<String>> query) throws IOException {
        long after = number(query, "after").orElse(0L);
        var lines = new StringBuilder();
        for (Letter letter : letters.list(after, MOST)) lines.append(line(letter)).append('\n');
        return lines.toString();
    }

    /** {@code letters}: the numbers. */
    String inspect(Map<String, List<String>> query) throws IOException {
        var lines = new StringBuilder();
        for (long seq : numbers(query)) {
            DeadLetters.Content content =
                    letters.read(seq)
                            .orElseThrow(() ->
                                    new IllegalArgumentException("there is no letter " + seq));
            var text = new StringWriter();
            try (JsonGenerator json = JSON.createGenerator(text)) {
                json.writeStartObject();
                about(json, content.letter());
                json.writeStringField("encoding", content.encoding().token());
                byte[] body = new byte[content.body().remaining()];
                content.body().get(body);
                json.writeFieldName("body_base64");
                json.writeBinary(body);
                json.writeEndObject();
            }
            lines.append(text).append('\n');
        }
        return lines.toString();
    }

    /** {@code letters} or {@code all}, {@code destination}. */
    String retry(Map<String, List<String>> query) throws IOException {
        int asked = letters.retry(chosen(query));
        return asked + " letters are tried again" + (asked == 0 ? "" : "; see list") + "\n";
    }

    /**
     * {@code letters} or {@code all}, {@code destination}, {@code olderThanSeconds}; without {@code
     * force} it only says what would go.
     */
    String purge(Map<String, List<String>> query) throws IOException {
        boolean force = query.containsKey("force");
        DeadLetters.Totals gone = letters.purge(chosen(query), force);
        return "%d letters with %d items and %d bytes %s%n"
                .formatted(
                        gone.letters(),
                        gone.items(),
                        gone.bytes(),
                        force ? "are gone for good" : "would go; repeat with --force");
    }

    private Predicate<Letter> chosen(Map<String, List<String>> query) {
        boolean all = query.containsKey("all");
        if (all == query.containsKey("letters"))
            throw new IllegalArgumentException("name letters, or all of them");
        Set<Long> wanted = all ? Set.of() : numbers(query);
        Optional<String> destination = first(query, "destination");
        Optional<Long> olderThan = number(query, "olderThanSeconds");
        long newest =
                olderThan
                        .map(seconds ->
                                clock.instant().minus(Duration.ofSeconds(seconds)).toEpochMilli())
                        .orElse(Long.MAX_VALUE);
        return letter ->
                (all || wanted.contains(letter.seq()))
                        && letter.writtenAtNanos() / 1_000_000 <= newest
                        && destination.map(letter.destination()::equals).orElse(true);
    }

    private static Set<Long> numbers(Map<String, List<String>> query) {
        var numbers = new HashSet<Long>();
        String text = first(query, "letters").orElse("");
        for (String part : text.split(",", -1)) numbers.add(parse("letters", part));
        return numbers;
    }

    private static Optional<Long> number(Map<String, List<String>> query, String name) {
        return first(query, name).map(text -> parse(name, text));
    }

    private static long parse(String name, String text) {
        if (!text.matches("[0-9]{1,18}"))
            throw new IllegalArgumentException(name + " must be numbers, was \"" + text + "\"");
        return Long.parseLong(text);
    }

    private static Optional<String> first(Map<String, List<String>> query, String name) {
        return query.getOrDefault(name, List.of()).stream().findFirst();
    }

    private static String line(Letter letter) throws IOException {
        var text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            about(json, letter);
            json.writeEndObject();
        }
        return text.toString();
    }

    private static void about(JsonGenerator json, Letter letter) throws IOException {
        json.writeNumberField("letter", letter.seq());
        json.writeStringField(
                "written_at", Instant.EPOCH.plusNanos(letter.writtenAtNanos()).toString());
        json.writeStringField("signal", letter.signal().label());
        json.writeNumberField("items", letter.items());
        json.writeNumberField("bytes", letter.bytes());
        json.writeFieldName("metadata");
        json.writeRawValue(letter.metadata().isEmpty() ? "{}" : letter.metadata());
    }
}
