package io.edged.wal;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a segment: {@code SEQ20.LOGID16.wal}, 20 digits of the seq of its first frame and 16
 * hex digits of the id of its log. Names sort as the log runs.
 */
record SegmentName(long firstSeq, long logId) implements Comparable<SegmentName> {

    private static final Pattern PATTERN = Pattern.compile("([0-9]{20})\\.([0-9a-f]{16})\\.wal");

    static Optional<SegmentName> parse(String name) {
        Matcher matcher = PATTERN.matcher(name);
        if (!matcher.matches()) return Optional.empty();
        try {
            long firstSeq = Long.parseLong(matcher.group(1));
            return firstSeq < 1
                    ? Optional.empty()
                    : Optional.of(
                            new SegmentName(
                                    firstSeq, Long.parseUnsignedLong(matcher.group(2), 16)));
        } catch (NumberFormatException e) {
            return Optional.empty(); // 20 digits can exceed a long; such a file is not ours
        }
    }

    static String hex(long logId) {
        return String.format(Locale.ROOT, "%016x", logId);
    }

    String file() {
        return String.format(Locale.ROOT, "%020d.%s.wal", firstSeq, hex(logId));
    }

    @Override
    public int compareTo(SegmentName other) {
        return Long.compare(firstSeq, other.firstSeq);
    }
}
