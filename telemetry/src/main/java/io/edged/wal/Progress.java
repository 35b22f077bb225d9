package io.edged.wal;

import io.edged.otlp.Signal;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Cursors, gaps, ledger and notices as they are now; {@link #snapshot} is what {@code
 * telemetry.pos} makes durable. The counters of settled items and the cursors that they describe
 * change together, under the monitor, so that every snapshot balances.
 *
 * <p>Any thread. The monitor is held for a few memory writes only, never while a file is touched.
 */
final class Progress {

    /** Settled runs above a cursor that the file keeps; beyond it a settlement waits in memory. */
    static final int MAX_RUNS = 64;

    /** Signal of frames that could not be read. */
    static final String UNKNOWN = "unknown";

    static final String CORRUPTION = "corruption";

    /** Reason of a drop: the files of the records were taken away. */
    static final String MISSING = "missing";

    /** Reason of gaps that are no loss: numbers that were given away and are in no frame. */
    static final String PASSED = "passed";

    private final long log;
    private final TreeMap<String, LaneCursor> cursors = new TreeMap<>();
    private final ArrayList<String> notices;
    private volatile Gaps gaps;
    private long countedTo;
    private boolean changed;

    Progress(Positions positions) {
        log = positions.log();
        gaps = positions.gaps();
        countedTo = positions.countedTo();
        notices = new ArrayList<>(positions.notices());
        for (Positions.CursorPosition cursor : positions.cursors())
            cursors.put(
                    cursor.name(),
                    new LaneCursor(cursor.name(), new Settled(cursor.seq(), cursor.done())));
        for (Positions.LedgerRow row : positions.ledger()) {
            LaneCursor cursor = cursors.get(row.cursor());
            if (cursor != null) cursor.account(row.signal()).restore(row);
        }
        cursors.values().forEach(LaneCursor::passGaps);
    }

    /** Items that one group of frames brought, by signal. */
    record Items(long logs, long metrics, long traces) {
        static final Items NONE = new Items(0, 0, 0);

        Items plus(Frame frame) {
            return switch (frame.deliveredAs()) {
                case LOGS -> new Items(logs + frame.items(), metrics, traces);
                case METRICS -> new Items(logs, metrics + frame.items(), traces);
                case TRACES -> new Items(logs, metrics, traces + frame.items());
            };
        }

        long of(Signal signal) {
            return switch (signal) {
                case LOGS -> logs;
                case METRICS -> metrics;
                case TRACES -> traces;
            };
        }
    }

    Gaps gaps() {
        return gaps;
    }

    synchronized long countedTo() {
        return countedTo;
    }

    /**
     * Frames up to {@code lastSeq} are committed. Called by the writer thread, so it allocates
     * nothing.
     */
    synchronized void committed(long lastSeq, long logs, long metrics, long traces) {
        countedTo = lastSeq;
        changed = true;
        for (LaneCursor cursor : cursors.values()) {
            cursor.logs.accepted += logs;
            cursor.metrics.accepted += metrics;
            cursor.traces.accepted += traces;
        }
    }

    /**
     * The cursor of that name. A new one stands at {@code settledTo} and is kept out of the file
     * until what lies ahead of it has been counted: see {@link #baseline}.
     */
    synchronized Cursor cursor(String name, long settledTo) {
        LaneCursor cursor = cursors.get(name);
        if (cursor == null) {
            cursor = new LaneCursor(name, new Settled(settledTo, List.of()));
            cursor.counting = true;
            cursor.passGaps();
            cursors.put(name, cursor);
            changed = true;
        }
        return cursor;
    }

    /** Whether a cursor is new and what lies ahead of it has not been counted. */
    synchronized boolean isCounting(String name) {
        return require(name).counting;
    }

    /**
     * Whether some cursor is still being counted, so that the file does not speak for all of them.
     */
    synchronized boolean isCounting() {
        return cursors.values().stream().anyMatch(cursor -> cursor.counting);
    }

    /**
     * Where a cursor stands at one moment, for counting what is pending behind it. Commits and
     * settlements go on meanwhile; they change accepted and settled by the same amounts before and
     * after {@link #counted}.
     *
     * @param upTo the newest frame that is in {@code accepted}
     * @param pending accepted less settled items then
     */
    record Baseline(String name, Settled settled, long upTo, Items pending) {}

    synchronized Baseline baseline(String name) {
        LaneCursor cursor = require(name);
        return new Baseline(
                name,
                new Settled(cursor.settled.to(), cursor.settled.done()),
                countedTo,
                new Items(
                        cursor.logs.pending(), cursor.metrics.pending(), cursor.traces.pending()));
    }

    /** Corrects accepted so that what was pending at the baseline is what a scan has counted. */
    synchronized void counted(Baseline baseline, Items pending) {
        LaneCursor cursor = require(baseline.name());
        for (Signal signal : Signal.values())
            cursor.account(signal.label()).accepted +=
                    pending.of(signal) - baseline.pending().of(signal);
        cursor.counting = false;
        changed = true;
    }

    /** The ledger as it is now. */
    synchronized List<Positions.LedgerRow> rows() {
        var rows = new ArrayList<Positions.LedgerRow>();
        for (LaneCursor cursor : cursors.values())
            cursor.accounts()
                    .forEach((signal, account) -> rows.add(account.row(cursor.name, signal)));
        return List.copyOf(rows);
    }

    private LaneCursor require(String name) {
        LaneCursor cursor = cursors.get(name);
        if (cursor == null) throw new IllegalStateException("no cursor " + name);
        return cursor;
    }

    /** What lies before {@code seq}, in no gap, and is not settled at every cursor. */
    synchronized List<SeqRange> awaitedBefore(long seq) {
        if (cursors.isEmpty()) return List.of();
        long settled = Long.MAX_VALUE;
        for (LaneCursor cursor : cursors.values()) settled = Math.min(settled, cursor.settled.to());
        return settled < seq - 1 ? gaps.uncovered(settled + 1, seq - 1) : List.of();
    }

    /** Adds a range of numbers that no frame has, which costs nothing. */
    synchronized void addPassed(SeqRange seqs) {
        gaps = gaps.with(new Gaps.Gap(seqs.from(), seqs.to(), PASSED));
        cursors.values().forEach(LaneCursor::passGaps);
        changed = true;
    }

    /**
     * Adds a range that is lost. From now on nothing in it can be settled; {@link #countLost}
     * follows, inside one {@link PositionFile#change}.
     *
     * @return what each cursor had settled before, by name
     */
    synchronized Map<String, Settled> lose(SeqRange seqs, String reason) {
        var before = new TreeMap<String, Settled>();
        cursors.forEach((name, cursor) -> before.put(name, cursor.settledNow()));
        gaps = gaps.with(new Gaps.Gap(seqs.from(), seqs.to(), reason));
        cursors.values().forEach(LaneCursor::passGaps);
        changed = true;
        return before;
    }

    /**
     * Counts items of a lost frame at a cursor that had not settled it.
     *
     * @param signal a signal's label if its header could be read, else {@link #UNKNOWN}
     * @param accepted whether the ledger has its items among the accepted ones already
     */
    synchronized void countLost(
            String name, String signal, long items, String reason, boolean accepted) {
        Account account = require(name).account(signal);
        if (!accepted) account.accepted += items;
        account.dropped.merge(reason, items, Long::sum);
        changed = true;
    }

    synchronized List<String> names() {
        return List.copyOf(cursors.keySet());
    }

    synchronized List<String> notices() {
        return List.copyOf(notices);
    }

    synchronized void notice(String event) {
        notices.add(event);
        changed = true;
    }

    synchronized void noticeWritten(String event) {
        notices.remove(event);
        changed = true;
    }

    /**
     * Every frame up to here is settled at every cursor; 0 while there is none, or one is being
     * counted.
     */
    synchronized long settledByAll() {
        long lowest = Long.MAX_VALUE;
        for (LaneCursor cursor : cursors.values())
            lowest = Math.min(lowest, cursor.counting ? 0 : cursor.settled.to());
        return cursors.isEmpty() ? 0 : lowest;
    }

    /** Forgets gaps that lie before the oldest frame and behind every cursor. */
    synchronized void forgetGapsBefore(long oldestSeq) {
        long keep =
                Math.min(
                        oldestSeq,
                        cursors.values().stream()
                                .mapToLong(cursor -> cursor.settled.to() + 1)
                                .min()
                                .orElse(oldestSeq));
        Gaps remaining = gaps.from(keep);
        if (remaining.list().size() != gaps.list().size()) {
            gaps = remaining;
            changed = true;
        }
    }

    /** Whether something changed since the last snapshot. */
    synchronized boolean isChanged() {
        return changed;
    }

    /** What the file shall say; the change flag falls, and {@link #notSaved} raises it again. */
    synchronized Positions snapshot() {
        changed = false;
        var positions = new ArrayList<Positions.CursorPosition>();
        var ledger = new ArrayList<Positions.LedgerRow>();
        for (LaneCursor cursor : cursors.values()) {
            if (cursor.counting) continue;
            positions.add(
                    new Positions.CursorPosition(
                            cursor.name, cursor.settled.to(), cursor.settled.done()));
            cursor.accounts()
                    .forEach((signal, account) -> ledger.add(account.row(cursor.name, signal)));
        }
        return new Positions(
                log,
                List.copyOf(positions),
                gaps,
                List.copyOf(ledger),
                countedTo,
                List.copyOf(notices));
    }

    synchronized void notSaved() {
        changed = true;
    }

    /** Items of one signal at one cursor. Guarded by the monitor of {@link Progress}. */
    private static final class Account {
        private long accepted;
        private long delivered;
        private long deadLettered;
        private final TreeMap<String, Long> dropped = new TreeMap<>();

        void restore(Positions.LedgerRow row) {
            accepted = row.accepted();
            delivered = row.delivered();
            deadLettered = row.deadLettered();
            dropped.putAll(row.dropped());
        }

        long pending() {
            return accepted - settled();
        }

        long settled() {
            return delivered
                    + deadLettered
                    + dropped.values().stream().mapToLong(Long::longValue).sum();
        }

        void settle(Settlement settlement) {
            delivered += settlement.delivered();
            deadLettered += settlement.deadLettered();
            settlement
                    .dropped()
                    .forEach((reason, items) -> dropped.merge(reason, (long) items, Long::sum));
        }

        Positions.LedgerRow row(String cursor, String signal) {
            return new Positions.LedgerRow(
                    cursor, signal, accepted, delivered, deadLettered, Map.copyOf(dropped));
        }
    }

    /** A settlement that waits until the runs above the cursor are few enough to be kept. */
    private record Deferred(Signal signal, Settlement settlement) {}

    private final class LaneCursor implements Cursor {
        private final String name;
        private final Settled settled;
        private boolean counting;
        private final Account logs = new Account();
        private final Account metrics = new Account();
        private final Account traces = new Account();
        private final Account unknown = new Account();
        private final TreeMap<Long, Deferred> deferred = new TreeMap<>();

        LaneCursor(String name, Settled settled) {
            this.name = name;
            this.settled = settled;
        }

        Account account(String signal) {
            return switch (signal) {
                case "logs" -> logs;
                case "metrics" -> metrics;
                case "traces" -> traces;
                default -> unknown;
            };
        }

        Map<String, Account> accounts() {
            var accounts = new TreeMap<String, Account>();
            var bySignal =
                    new EnumMap<Signal, Account>(
                            Map.of(
                                    Signal.LOGS,
                                    logs,
                                    Signal.METRICS,
                                    metrics,
                                    Signal.TRACES,
                                    traces));
            bySignal.forEach((signal, account) -> accounts.put(signal.label(), account));
            accounts.put(UNKNOWN, unknown);
            return accounts;
        }

        Settled settledNow() {
            var copy = new Settled(settled.to(), settled.done());
            deferred.keySet().forEach(seq -> copy.add(seq, seq));
            return copy;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public long settledTo() {
            synchronized (Progress.this) {
                return settled.to();
            }
        }

        @Override
        public boolean isSettled(long seq) {
            synchronized (Progress.this) {
                return settled.contains(seq) || deferred.containsKey(seq);
            }
        }

        @Override
        public void settle(Frame frame, Settlement settlement) {
            if (settlement.items() != frame.items())
                throw new IllegalStateException(
                        "frame "
                                + frame.seq()
                                + " has "
                                + frame.items()
                                + " items, settled "
                                + settlement.items());
            synchronized (Progress.this) {
                // Counted as lost while it was on its way: it settles once, and the gap has done
                // it.
                if (gaps.at(frame.seq()).isPresent()) return;
                if (isSettled(frame.seq()))
                    throw new IllegalStateException(
                            name + ": frame " + frame.seq() + " is settled already");
                deferred.put(frame.seq(), new Deferred(frame.deliveredAs(), settlement));
                applyDeferred();
            }
        }

        @Override
        public void passTo(long seq) {
            synchronized (Progress.this) {
                settled.add(settled.to() + 1, seq);
                passGaps();
            }
        }

        /** Applies what fits, lowest first: the lowest can close a hole and so make room. */
        private void applyDeferred() {
            changed = true;
            while (!deferred.isEmpty()) {
                long seq = deferred.firstKey();
                if (settled.runsWith(seq) > MAX_RUNS) return;
                Deferred next = deferred.pollFirstEntry().getValue();
                settled.add(seq, seq);
                account(next.signal().label()).settle(next.settlement());
                passGaps();
            }
        }

        void passGaps() {
            long next = settled.to() + 1;
            long behind = gaps.skip(next);
            if (behind > next) {
                settled.add(next, behind - 1);
                passGaps();
            }
        }
    }
}
