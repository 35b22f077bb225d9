package io.edged.drain;

import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.temporal.ChronoField;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How many bytes a destination may still be sent: in any 24 hours, counted in whole hours, and in
 * the calendar month. A request goes while anything is left, so the last one may exceed the budget
 * by itself and by those under way with it.
 *
 * <p>What is used is durable before it is used, in advances: after a crash at most one advance is
 * counted that was not sent. Where the clock goes back, what was sent "later" counts as sent now.
 * One thread.
 */
final class ByteBudget {

    private static final System.Logger LOG = System.getLogger(ByteBudget.class.getName());

    /** Hours that may hold a moment of the last day. */
    private static final int HOURS = 25;

    private static final long MIN_ADVANCE_BYTES = 64 << 10;
    private static final int ADVANCES = 256;

    private final String destination;
    private final UplinkLimits limits;
    private final UplinkMemory memory;
    private final long advanceBytes;
    private final TreeMap<Long, Long> hours;
    private long month;
    private long monthBytes;

    /** What {@link #left} reads on other threads; never changed, only replaced. */
    private volatile UplinkUse published;

    /** What may still be sent before the memory has to be written. */
    private long advancedBytes;

    ByteBudget(String destination, UplinkLimits limits, UplinkMemory memory) {
        this.destination = destination;
        this.limits = limits;
        this.memory = memory;
        long smallest = Long.MAX_VALUE;
        if (limits.bytesPerDay() > 0) smallest = limits.bytesPerDay();
        if (limits.bytesPerMonth() > 0) smallest = Math.min(smallest, limits.bytesPerMonth());
        this.advanceBytes = Math.max(MIN_ADVANCE_BYTES, smallest / ADVANCES);
        UplinkUse use = memory.use(destination);
        this.hours = new TreeMap<>(use.hours());
        this.month = use.month();
        this.monthBytes = use.monthBytes();
        this.published = use;
    }

    private boolean isUnlimited() {
        return limits.bytesPerDay() == 0 && limits.bytesPerMonth() == 0;
    }

    /** Why nothing may be sent, and until when; empty if something may. */
    Optional<Hold> hold(Instant now) {
        if (isUnlimited()) return Optional.empty();
        long hour = turn(now);
        ZoneId zone = limits.windows().zone();
        if (limits.bytesPerMonth() > 0 && monthBytes >= limits.bytesPerMonth())
            return Optional.of(
                    new Hold(
                            "the byte budget of the month is used up",
                            YearMonth.from(now.atZone(zone))
                                    .plusMonths(1)
                                    .atDay(1)
                                    .atStartOfDay(zone)
                                    .toInstant()));
        long used = hours.values().stream().mapToLong(Long::longValue).sum();
        if (limits.bytesPerDay() == 0 || used < limits.bytesPerDay()) return Optional.empty();
        long until = hour + 1;
        for (Map.Entry<Long, Long> sent : hours.entrySet()) {
            used -= sent.getValue();
            until = sent.getKey() + HOURS;
            if (used < limits.bytesPerDay()) break;
        }
        return Optional.of(
                new Hold(
                        "the byte budget of the last 24 hours is used up",
                        Instant.ofEpochSecond(until * 3_600)));
    }

    /** What budgets there are to look at. */
    enum Period {
        DAY,
        MONTH
    }

    /**
     * Bytes that may still be sent, as of now; infinite without such a budget. Any thread, and no
     * file is touched.
     */
    double left(Period period, Instant now) {
        UplinkUse use = published;
        return switch (period) {
            case DAY -> {
                if (limits.bytesPerDay() == 0) yield Double.POSITIVE_INFINITY;
                long past = Math.floorDiv(now.getEpochSecond(), 3_600) - HOURS;
                long used =
                        use.hours().entrySet().stream()
                                .filter(sent -> sent.getKey() > past)
                                .mapToLong(Map.Entry::getValue)
                                .sum();
                yield Math.max(0, limits.bytesPerDay() - used);
            }
            case MONTH -> {
                if (limits.bytesPerMonth() == 0) yield Double.POSITIVE_INFINITY;
                long thisMonth =
                        now.atZone(limits.windows().zone()).getLong(ChronoField.PROLEPTIC_MONTH);
                long used = thisMonth > use.month() ? 0 : use.monthBytes();
                yield Math.max(0, limits.bytesPerMonth() - used);
            }
        };
    }

    /** Why nothing is sent. */
    record Hold(String reason, Instant until) {}

    /** Lets go of what is past; returns the hour. Nothing is past for a clock that is wrong. */
    private long turn(Instant now) {
        if (now.isBefore(limits.notBefore()))
            return hours.isEmpty()
                    ? Math.floorDiv(limits.notBefore().getEpochSecond(), 3_600)
                    : hours.lastKey();
        long hour = Math.floorDiv(now.getEpochSecond(), 3_600);
        hours.headMap(hour - HOURS, true).clear();
        long ahead = 0;
        for (var later = hours.tailMap(hour, false).entrySet().iterator(); later.hasNext(); )
            ahead += remove(later);
        if (ahead > 0) hours.merge(hour, ahead, Long::sum);
        long thisMonth = now.atZone(limits.windows().zone()).getLong(ChronoField.PROLEPTIC_MONTH);
        if (thisMonth > month) monthBytes = 0;
        month = thisMonth;
        return hour;
    }

    private static long remove(java.util.Iterator<Map.Entry<Long, Long>> at) {
        long bytes = at.next().getValue();
        at.remove();
        return bytes;
    }

    /** Something is about to be sent. */
    void sending(long bytes, Instant now) {
        if (isUnlimited()) return;
        long hour = turn(now);
        hours.merge(hour, bytes, Long::sum);
        monthBytes += bytes;
        published = published.used(hours, month, monthBytes);
        advancedBytes -= bytes;
        if (advancedBytes < 0) {
            advancedBytes = advanceBytes;
            save(hour, advanceBytes);
        }
    }

    /** Nothing is sent any more: exactly what was sent is kept. */
    void close(Instant now) {
        if (!isUnlimited()) save(turn(now), 0);
    }

    private void save(long hour, long more) {
        var kept = new TreeMap<>(hours);
        if (more > 0) kept.merge(hour, more, Long::sum);
        try {
            memory.change(destination, use -> use.used(kept, month, monthBytes + more));
        } catch (IOException e) {
            LOG.log(
                    WARNING,
                    "the byte budget cannot be written, a restart would forget a part of it;"
                            + " destination={0} error={1}",
                    destination,
                    String.valueOf(e.getMessage()));
        }
    }
}
