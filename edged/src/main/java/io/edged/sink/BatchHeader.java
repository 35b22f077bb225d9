package io.edged.sink;

import io.edged.sink.Ranges.Range;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The {@code edge-batch} header of an upload: {@code <node>/<log id>/<lane>/<signal>
 * 1,5,9-12,7[0-499]}.
 *
 * @param source everything before the space; numbers mean nothing outside of it
 * @param records whole records, as runs of their numbers
 * @param slices item ranges inside single records
 */
record BatchHeader(String source, List<Range> records, List<Slice> slices) {
    static final int MAX_LENGTH = 4096;

    /** The items {@code items} of record {@code seq}, counted from 0. */
    record Slice(long seq, Range items) {}

    private static final Pattern SOURCE =
            Pattern.compile("[^\\s/]{1,256}/[0-9a-f]{16}/[^\\s/]{1,128}/(logs|metrics|traces)");
    private static final Pattern PART =
            Pattern.compile("(\\d{1,18})(?:-(\\d{1,18})|\\[(\\d{1,9})-(\\d{1,9})])?");

    /** The header's parts, or empty if it is not one. */
    static Optional<BatchHeader> parse(String text) {
        int space = text.indexOf(' ');
        if (text.length() > MAX_LENGTH || space < 0) return Optional.empty();
        String source = text.substring(0, space);
        if (!SOURCE.matcher(source).matches()) return Optional.empty();
        var records = new ArrayList<Range>();
        var slices = new ArrayList<Slice>();
        for (String part : text.substring(space + 1).split(",", -1)) {
            Matcher match = PART.matcher(part);
            if (!match.matches()) return Optional.empty();
            try {
                long seq = Long.parseLong(match.group(1));
                if (match.group(3) != null)
                    slices.add(new Slice(seq, range(match.group(3), match.group(4))));
                else records.add(range(match.group(1), end(match)));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }
        return Optional.of(new BatchHeader(source, records, slices));
    }

    private static String end(Matcher match) {
        return match.group(2) != null ? match.group(2) : match.group(1);
    }

    private static Range range(String from, String to) {
        return new Range(Long.parseLong(from), Long.parseLong(to));
    }

    /** Records and slices named. */
    long parts() {
        return records.stream().mapToLong(Range::size).sum() + slices.size();
    }
}
