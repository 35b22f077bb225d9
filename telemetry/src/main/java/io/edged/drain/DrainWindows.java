package io.edged.drain;

import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When a destination may be sent to: times of days of the week, in a time zone. Without any,
 * always.
 *
 * @param zone whose clock is meant, daylight saving included
 */
public record DrainWindows(List<Window> windows, ZoneId zone) {

    /** What a window looks like, for whoever refuses one. */
    public static final String FORM = "such as \"Mon-Fri 22:00-06:00\" or \"Sat,Sun 00:00-24:00\"";

    public static final DrainWindows ALWAYS = new DrainWindows(List.of(), ZoneId.of("UTC"));

    private static final int MAX_WINDOWS = 32;
    private static final int DAYS_AHEAD = 8;
    private static final Pattern WINDOW =
            Pattern.compile("(\\S+) ([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])");

    /**
     * One window.
     *
     * @param days on which it begins
     * @param to if not behind {@code from}, on the next day
     */
    public record Window(Set<DayOfWeek> days, LocalTime from, LocalTime to) {
        public Window {
            days = Set.copyOf(days);
        }

        private ZonedDateTime begin(LocalDate day, ZoneId zone) {
            return day.atTime(from).atZone(zone);
        }

        private ZonedDateTime end(LocalDate day, ZoneId zone) {
            return (to.isAfter(from) ? day : day.plusDays(1)).atTime(to).atZone(zone);
        }
    }

    public DrainWindows {
        windows = List.copyOf(windows);
        if (windows.size() > MAX_WINDOWS)
            throw new IllegalArgumentException("there may be at most " + MAX_WINDOWS + " windows");
    }

    /**
     * Reads a window: days as {@code Mon}, {@code Mon-Fri}, {@code Sat,Sun} or {@code daily}, then
     * from when to when; 24:00 is the end of the day, and an end that is not behind its begin is on
     * the next day.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Window window(String text) {
        Matcher matcher = WINDOW.matcher(text);
        if (!matcher.matches()) throw malformed(text);
        String to = matcher.group(3).equals("24:00") ? "00:00" : matcher.group(3);
        try {
            return new Window(
                    days(matcher.group(1), text),
                    LocalTime.parse(matcher.group(2)),
                    LocalTime.parse(to));
        } catch (java.time.DateTimeException e) {
            throw malformed(text);
        }
    }

    private static Set<DayOfWeek> days(String text, String window) {
        if (text.equals("daily")) return EnumSet.allOf(DayOfWeek.class);
        var days = EnumSet.noneOf(DayOfWeek.class);
        for (String part : text.split(",", -1)) {
            String[] ends = part.split("-", -1);
            if (ends.length > 2) throw malformed(window);
            DayOfWeek last = day(ends[ends.length - 1], window);
            for (DayOfWeek day = day(ends[0], window); ; day = day.plus(1)) {
                days.add(day);
                if (day == last) break;
            }
        }
        return days;
    }

    private static DayOfWeek day(String text, String window) {
        for (DayOfWeek day : DayOfWeek.values())
            if (day.name().substring(0, 3).equals(text.toUpperCase(Locale.ROOT))) return day;
        throw malformed(window);
    }

    private static IllegalArgumentException malformed(String text) {
        return new IllegalArgumentException(
                "a window is days and times " + FORM + ", was \"" + text + "\"");
    }

    /** When the next window opens; empty while one is open. */
    Optional<Instant> closedUntil(Instant now) {
        if (windows.isEmpty()) return Optional.empty();
        LocalDate today = now.atZone(zone).toLocalDate();
        var begins = new ArrayList<Instant>();
        for (Window window : windows)
            for (int ahead = -1; ahead <= DAYS_AHEAD; ahead++) {
                LocalDate day = today.plusDays(ahead);
                if (!window.days().contains(day.getDayOfWeek())) continue;
                Instant begin = window.begin(day, zone).toInstant();
                Instant end = window.end(day, zone).toInstant();
                if (!now.isBefore(begin) && now.isBefore(end)) return Optional.empty();
                if (begin.isAfter(now)) begins.add(begin);
            }
        return begins.stream().min(Instant::compareTo);
    }
}
