package io.edged.wal;

import io.edged.otlp.Signal;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

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
    private final Lanes lanes;
    private final TreeMap<String, LaneCursor> cursors = new TreeMap<>();

    /** The same, for the writer thread: going through a map would cost it an iterator. */
    private LaneCursor[] listed = {};

    private final ArrayList<String> notices;

    /** Those that the file has. */
    private Set<String> savedNotices;

    /** What was given up and is to be told as one, by destination and reason. */
    private final TreeMap<String, GivenUp> givenUp = new TreeMap<>();

    private record GivenUp(String destination, String reason, long from, long to, long items) {
        GivenUp with(Frame frame) {
            return new GivenUp(
                    destination,
                    reason,
                    Math.min(from, frame.seq()),
                    Math.max(to, frame.seq()),
                    items + frame.items());
        }

        String event() {
            return LossEvent.gaveUp(destination, reason, from, to, items);
        }
    }

    private volatile Gaps gaps;
    private long countedTo;

    /** Ranges that were lost since the log was opened. */
    private long losses;

    private boolean changed;
    private final boolean laneChange;

    /** Whether a cursor waits for a checkpoint. */
    private boolean wanted;

    /** Grows with each cut of a frame; what of it is in the last snapshot, and in the file. */
    private long stamp;

    private long snapshotStamp;
    private long durableStamp;
    private long wantedStamp;

    /** Whether one came, and those who wait have not been told. */
    private boolean granted;

    /** Told that there is something for a checkpoint. */
    private volatile Runnable onChanged = () -> {};

    /** Told that a checkpoint is wanted now. */
    private volatile Runnable onWanted = () -> {};

    /** The rule that the file speaks of: another one than {@link #lanes} until all is recounted. */
    private Lanes storedLanes;

    /** What a new cursor takes for sent. */
    private long sentUnknownTo;

    /** With the rule of the file. */
    Progress(Positions positions) {
        this(positions, positions.lanes());
    }

    /**
     * @param lanes the rule from now on; with another one in the file, or a cursor that it does not
     *     know, {@link #isLaneChange} asks for a recount
     */
    Progress(Positions stored, Lanes lanes) {
        this.lanes = lanes;
        this.storedLanes = stored.lanes();
        boolean same =
                stored.lanes().equals(lanes)
                        && stored.cursors().stream()
                                .allMatch(cursor -> lanes.indexOf(cursor.lane()) >= 0);
        Positions positions = same ? stored : LaneChange.of(stored, lanes);
        laneChange = !same;
        log = positions.log();
        gaps = positions.gaps();
        countedTo = positions.countedTo();
        notices = new ArrayList<>(positions.notices());
        savedNotices = Set.copyOf(stored.notices());
        for (Positions.CursorPosition cursor : positions.cursors())
            cursors.put(
                    cursor.name(),
                    new LaneCursor(
                            cursor.name(),
                            new Settled(cursor.seq(), cursor.done()),
                            cursor.sent(),
                            cursor.parts()));
        list();
        for (Positions.LedgerRow row : positions.ledger()) {
            LaneCursor cursor = cursors.get(row.cursor());
            if (cursor != null) cursor.account(row.signal()).restore(row);
        }
        cursors.values().forEach(LaneCursor::passGaps);
    }

    /** Whether the file speaks of other lanes, so that what is pending has to be counted anew. */
    boolean isLaneChange() {
        return laneChange;
    }

    Lanes lanes() {
        return lanes;
    }

    /** Everything is counted under the rule of now: the file may say so. */
    synchronized void lanesCounted() {
        if (storedLanes.equals(lanes)) return;
        storedLanes = lanes;
        changed();
    }

    /** What has been sent is not known: everything up to {@code seq} may have been. */
    synchronized void sentUnknownTo(long seq) {
        sentUnknownTo = seq;
        for (LaneCursor cursor : cursors.values()) cursor.sentUnknownTo(seq);
    }

    /** Room for what frames hold. */
    Tally emptyTally() {
        return new Tally(lanes.size());
    }

    /** Adds what a frame holds. */
    void add(Tally tally, Frame frame) {
        tally.add(lanes.of(frame), frame.deliveredAs(), frame.items(), frame.bodyBytes());
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
     *
     * @param tally of these frames
     */
    synchronized void committed(long lastSeq, Tally tally) {
        countedTo = lastSeq;
        changed();
        for (LaneCursor cursor : listed) {
            cursor.logs.accept(tally, cursor.lane, Signal.LOGS);
            cursor.metrics.accept(tally, cursor.lane, Signal.METRICS);
            cursor.traces.accept(tally, cursor.lane, Signal.TRACES);
        }
    }

    /**
     * The cursor of that name. A new one stands at {@code settledTo} and is kept out of the file
     * until what lies ahead of it has been counted: see {@link #baselines}.
     */
    synchronized Cursor cursor(String name, long settledTo) {
        LaneCursor cursor = cursors.get(name);
        if (cursor == null) {
            cursor =
                    new LaneCursor(
                            name, new Settled(settledTo, List.of()), sentUnknownTo, Map.of());
            cursor.counting = true;
            cursor.passGaps();
            cursors.put(name, cursor);
            list();
            changed();
        } else {
            // Whoever had it before may have sent what it has not settled.
            cursor.sentUnknownTo(cursor.sent);
        }
        return cursor;
    }

    /**
     * The cursors of these names; new ones stand before the oldest segment that is not on its way
     * out, and hold it from then on.
     */
    synchronized List<Cursor> cursors(List<String> names, Segments segments) {
        long settledTo =
                segments.list().stream()
                        .filter(segment -> !segment.retired())
                        .mapToLong(segment -> segment.name().firstSeq() - 1)
                        .min()
                        .orElse(0);
        return names.stream().map(name -> cursor(name, settledTo)).toList();
    }

    /**
     * Takes a segment out of use, unless somebody needs it: a reader that stands in it, or a cursor
     * that was made since it was looked at last.
     */
    synchronized boolean retire(Segment segment) {
        return segment.lastSeq() <= settledByAll() && segment.retire();
    }

    /** Gives up the cursors of a destination, and with them what is pending at them. */
    synchronized void forget(String destination) {
        if (!cursors.keySet().removeIf(name -> name.startsWith(destination + "/"))) return;
        list();
        changed();
    }

    private void list() {
        listed = cursors.values().toArray(new LaneCursor[0]);
    }

    /** The cursors that are new, so that what lies ahead of them has not been counted. */
    synchronized List<String> uncounted() {
        return cursors.values().stream()
                .filter(cursor -> cursor.counting)
                .map(cursor -> cursor.name)
                .toList();
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
     * @param lane place of its lane
     * @param losses how many ranges had been lost
     * @param upTo the newest frame that is in {@code accepted}
     * @param pending accepted less settled items and their bytes then, by signal
     * @param counted what a scan finds pending, by signal
     */
    record Baseline(
            String name,
            int lane,
            Settled settled,
            long losses,
            long upTo,
            Map<Signal, Amount> pending,
            Map<Signal, Amount> counted) {

        /** Counts a frame of the scan, if it concerns this cursor. */
        void count(Frame frame, int laneOfFrame) {
            if (laneOfFrame == lane && frame.seq() <= upTo && !settled.contains(frame.seq()))
                counted.merge(
                        frame.deliveredAs(),
                        new Amount(frame.items(), frame.bodyBytes()),
                        Amount::plus);
        }
    }

    /** Items and the bytes of the bodies that hold them. */
    record Amount(long items, long bytes) {
        static final Amount NONE = new Amount(0, 0);

        Amount plus(Amount other) {
            return new Amount(items + other.items, bytes + other.bytes);
        }
    }

    /** One for each of the cursors, all of the same moment. */
    synchronized List<Baseline> baselines(List<String> names) {
        return names.stream()
                .map(this::require)
                .map(cursor ->
                        new Baseline(
                                cursor.name,
                                cursor.lane,
                                new Settled(cursor.settled.to(), cursor.settled.done()),
                                losses,
                                countedTo,
                                Map.of(
                                        Signal.LOGS, cursor.logs.pending(),
                                        Signal.METRICS, cursor.metrics.pending(),
                                        Signal.TRACES, cursor.traces.pending()),
                                new EnumMap<>(Signal.class)))
                .toList();
    }

    /**
     * Corrects accepted items and pending bytes so that what was pending at each baseline is what
     * the scan has counted, for all of them at once: the file holds every cursor of a new
     * destination or none.
     *
     * @return whether that was done; not if a range was lost since, which the scan may have seen or
     *     not
     */
    synchronized boolean counted(List<Baseline> baselines) {
        if (baselines.stream().anyMatch(baseline -> baseline.losses() != losses)) return false;
        for (Baseline baseline : baselines) {
            LaneCursor cursor = require(baseline.name());
            for (Signal signal : Signal.values())
                cursor.account(signal.label())
                        .correct(
                                baseline.pending().getOrDefault(signal, Amount.NONE),
                                baseline.counted().getOrDefault(signal, Amount.NONE));
            cursor.counting = false;
        }
        changed();
        return true;
    }

    /** Nothing is left that could be pending. */
    void nothingPending() {
        counted(baselines(names()));
        lanesCounted();
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
        changed();
    }

    /**
     * Adds a range that is lost. From now on nothing in it can be settled; {@link #countLost}
     * follows, inside one {@link PositionFile#change}.
     *
     * @return what each cursor had settled before
     */
    synchronized Before lose(SeqRange seqs, String reason) {
        var before = new Before(new TreeMap<>());
        cursors.forEach((name, cursor) -> before.settled.put(name, cursor.settledNow()));
        gaps = gaps.with(new Gaps.Gap(seqs.from(), seqs.to(), reason));
        cursors.values().forEach(LaneCursor::passGaps);
        losses++;
        changed();
        return before;
    }

    /**
     * What each cursor had settled, by name, before a range was lost.
     *
     * @param settled sorted, so that the cursors of a destination follow each other
     */
    record Before(TreeMap<String, Settled> settled) {}

    /** Counts the items of a lost frame, which were accepted, where it had not been settled. */
    synchronized void countLost(Before before, Frame frame, String reason) {
        int lane = lanes.of(frame);
        before.settled()
                .forEach((name, settled) -> {
                    LaneCursor cursor = require(name);
                    if (cursor.lane != lane || settled.contains(frame.seq())) return;
                    cursor.account(frame.deliveredAs().label()).drop(frame, reason);
                });
        changed();
    }

    /**
     * Counts a lost frame of which nothing is known, not even its lane: once for each destination
     * that may not have had it, at the first of its cursors.
     */
    synchronized void countUnreadable(Before before, long seq, String reason) {
        String counted = "";
        for (Map.Entry<String, Settled> entry : before.settled().entrySet()) {
            LaneCursor cursor = require(entry.getKey());
            String destination = entry.getKey().substring(0, entry.getKey().indexOf('/') + 1);
            if (entry.getValue().contains(seq) || destination.equals(counted)) continue;
            counted = destination;
            cursor.unknown.accepted++;
            cursor.unknown.dropped.merge(reason, 1L, Long::sum);
        }
        changed();
    }

    synchronized List<String> names() {
        return List.copyOf(cursors.keySet());
    }

    synchronized List<String> notices() {
        return List.copyOf(notices);
    }

    /** Those that a crash would leave to the next start: only these may be told. */
    synchronized List<String> durableNotices() {
        return notices.stream().filter(savedNotices::contains).toList();
    }

    /** What a destination has given up so far makes an event. */
    synchronized void tellGivenUp(String destination) {
        for (GivenUp all : List.copyOf(givenUp.values())) {
            if (!all.destination().equals(destination)) continue;
            givenUp.remove(destination + "/" + all.reason());
            notice(all.event());
        }
    }

    synchronized void notice(String event) {
        notices.add(event);
        changed();
    }

    synchronized void noticeWritten(String event) {
        notices.remove(event);
        changed();
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
            changed();
        }
    }

    /** Whether a cursor waits for what it asked for to become durable. */
    synchronized boolean isWanted() {
        return wanted;
    }

    /** The file says what {@code positions} say. */
    synchronized void saved(Positions positions) {
        for (Positions.CursorPosition position : positions.cursors()) {
            LaneCursor cursor = cursors.get(position.name());
            if (cursor != null) cursor.durableSent = Math.min(position.sent(), cursor.sent);
        }
        savedNotices = Set.copyOf(positions.notices());
        boolean before = wanted;
        durableStamp = snapshotStamp;
        wanted = wantedStamp > durableStamp;
        for (LaneCursor cursor : cursors.values())
            wanted |= !cursor.counting && cursor.wantedTo > cursor.durableSent;
        granted |= before && !wanted;
    }

    /** Whether what cursors asked for has become durable since this was asked last. */
    synchronized boolean takeGranted() {
        boolean since = granted;
        granted = false;
        return since;
    }

    /** Has {@code wake} called, on any thread, when a cursor waits for a checkpoint. */
    void onWanted(Runnable wake) {
        onWanted = wake;
    }

    /** Has {@code wake} called, under the monitor, at the first change after a snapshot. */
    void onChanged(Runnable wake) {
        onChanged = wake;
    }

    private void changed() {
        if (changed) return;
        changed = true;
        onChanged.run();
    }

    /** Whether something changed since the last snapshot. */
    synchronized boolean isChanged() {
        return changed;
    }

    /** What the file shall say; the change flag falls, and {@link #notSaved} raises it again. */
    synchronized Positions snapshot() {
        changed = false;
        snapshotStamp = stamp;
        var positions = new ArrayList<Positions.CursorPosition>();
        var ledger = new ArrayList<Positions.LedgerRow>();
        for (LaneCursor cursor : cursors.values()) {
            if (cursor.counting) continue;
            positions.add(
                    new Positions.CursorPosition(
                            cursor.name,
                            cursor.settled.to(),
                            cursor.sent,
                            cursor.settled.done(),
                            cursor.partsNow()));
            cursor.accounts()
                    .forEach((signal, account) -> ledger.add(account.row(cursor.name, signal)));
        }
        return new Positions(
                log,
                List.copyOf(positions),
                gaps,
                List.copyOf(ledger),
                countedTo,
                // A crash ends what is still growing.
                Stream.concat(notices.stream(), givenUp.values().stream().map(GivenUp::event))
                        .toList(),
                storedLanes);
    }

    synchronized void notSaved() {
        changed();
    }

    /** Items of one signal at one cursor. Guarded by the monitor of {@link Progress}. */
    private static final class Account {
        private long accepted;
        private long delivered;
        private long deadLettered;
        private long pendingBytes;
        private final TreeMap<String, Long> dropped = new TreeMap<>();

        void accept(Tally tally, int lane, Signal signal) {
            accepted += tally.items(lane, signal);
            pendingBytes += tally.bytes(lane, signal);
        }

        void correct(Amount pending, Amount counted) {
            accepted += counted.items() - pending.items();
            pendingBytes += counted.bytes() - pending.bytes();
        }

        void drop(Frame frame, String reason) {
            dropped.merge(reason, (long) frame.items(), Long::sum);
            pendingBytes -= frame.bodyBytes();
        }

        void restore(Positions.LedgerRow row) {
            pendingBytes = row.pendingBytes().orElse(0);
            accepted = row.accepted();
            delivered = row.delivered();
            deadLettered = row.deadLettered();
            dropped.putAll(row.dropped());
        }

        Amount pending() {
            return new Amount(accepted - settled(), pendingBytes);
        }

        long settled() {
            return delivered
                    + deadLettered
                    + dropped.values().stream().mapToLong(Long::longValue).sum();
        }

        void settle(Settlement settlement, int bodyBytes) {
            pendingBytes -= bodyBytes;
            delivered += settlement.delivered();
            deadLettered += settlement.deadLettered();
            settlement
                    .dropped()
                    .forEach((reason, items) -> dropped.merge(reason, (long) items, Long::sum));
        }

        Positions.LedgerRow row(String cursor, String signal) {
            return new Positions.LedgerRow(
                    cursor,
                    signal,
                    accepted,
                    delivered,
                    deadLettered,
                    Map.copyOf(dropped),
                    OptionalLong.of(pendingBytes));
        }
    }

    private record Cut(List<FramePart> parts, long stamp) {}

    /** A settlement that waits until the runs above the cursor are few enough to be kept. */
    private record Deferred(Signal signal, int bodyBytes, long behind, Settlement settlement) {}

    private final class LaneCursor implements Cursor {
        private final String name;
        private final int lane;
        private final Settled settled;
        private final TreeMap<Long, Deferred> deferred = new TreeMap<>();
        private final TreeMap<Long, Cut> cuts = new TreeMap<>();
        private boolean counting;

        /** No frame above is sent; {@link #durableSent} is what the file says of it. */
        private long sent;

        private long durableSent;

        /** Somebody waits until {@link #durableSent} has come here. */
        private long wantedTo;

        private long sentBefore;
        private final Account logs = new Account();
        private final Account metrics = new Account();
        private final Account traces = new Account();
        private final Account unknown = new Account();

        LaneCursor(String name, Settled settled, long sent, Map<Long, List<FramePart>> parts) {
            this.name = name;
            this.lane = lanes.indexOf(name.substring(name.indexOf('/') + 1));
            if (lane < 0)
                throw new IllegalArgumentException(
                        "no lane of " + name + " among " + lanes.names());
            this.settled = settled;
            this.sent = sent;
            this.durableSent = sent;
            this.sentBefore = sent;
            parts.forEach((seq, cut) -> cuts.put(seq, new Cut(List.copyOf(cut), 0)));
        }

        Map<Long, List<FramePart>> partsNow() {
            cuts.headMap(settled.to(), true).clear();
            var parts = new TreeMap<Long, List<FramePart>>();
            cuts.forEach((seq, cut) -> parts.put(seq, cut.parts()));
            return parts;
        }

        @Override
        public void giveUp(Frame frame, long behind, String reason) {
            String destination = name.substring(0, name.indexOf('/'));
            synchronized (Progress.this) {
                settle(frame, behind, new Settlement(0, 0, Map.of(reason, frame.items())));
                givenUp.merge(
                        destination + "/" + reason,
                        new GivenUp(destination, reason, frame.seq(), frame.seq(), frame.items()),
                        (all, _) -> all.with(frame));
            }
        }

        @Override
        public List<FramePart> parts(long seq) {
            synchronized (Progress.this) {
                Cut cut = cuts.get(seq);
                return cut == null ? List.of() : cut.parts();
            }
        }

        @Override
        public void keepParts(long seq, List<FramePart> parts, boolean soon) {
            synchronized (Progress.this) {
                Cut before = cuts.get(seq);
                // What became of a part changes nothing about where the frame is cut.
                long since = soon || before == null ? ++stamp : before.stamp();
                cuts.put(seq, new Cut(List.copyOf(parts), since));
                changed();
                if (!soon) return;
                wantedStamp = stamp;
                wanted = true;
            }
            onWanted.run();
        }

        @Override
        public boolean isDurable(long seq) {
            synchronized (Progress.this) {
                Cut cut = cuts.get(seq);
                return cut == null || cut.stamp() <= durableStamp;
            }
        }

        void sentUnknownTo(long seq) {
            sent = Math.max(sent, seq);
            sentBefore = Math.max(sentBefore, seq);
        }

        @Override
        public long sendableTo() {
            synchronized (Progress.this) {
                return durableSent;
            }
        }

        @Override
        public void allowTo(long seq, boolean soon) {
            synchronized (Progress.this) {
                if (seq > sent) {
                    sent = seq;
                    changed();
                }
                if (!soon || seq <= Math.max(durableSent, wantedTo)) return;
                wantedTo = seq;
                wanted = true;
            }
            onWanted.run();
        }

        @Override
        public long sentBefore() {
            return sentBefore;
        }

        @Override
        public void sentOnlyTo(long seq) {
            synchronized (Progress.this) {
                if (seq >= sent) return;
                sent = seq;
                durableSent = Math.min(durableSent, seq);
                wantedTo = Math.min(wantedTo, seq);
                changed();
            }
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
        public void settle(Frame frame, long behind, Settlement settlement) {
            if (settlement.items() != frame.items())
                throw new IllegalStateException(
                        "frame "
                                + frame.seq()
                                + " has "
                                + frame.items()
                                + " items, settled "
                                + settlement.items());
            if (lanes.of(frame) != lane)
                throw new IllegalStateException(
                        "frame " + frame.seq() + " is not of the lane of " + name);
            synchronized (Progress.this) {
                // Counted as lost while it was on its way: it settles once, and the gap has done
                // it.
                if (gaps.at(frame.seq()).isPresent()) return;
                if (isSettled(frame.seq()))
                    throw new IllegalStateException(
                            name + ": frame " + frame.seq() + " is settled already");
                deferred.put(
                        frame.seq(),
                        new Deferred(frame.deliveredAs(), frame.bodyBytes(), behind, settlement));
                applyDeferred();
            }
        }

        @Override
        public void passTo(long seq) {
            synchronized (Progress.this) {
                if (seq <= settled.to()) return;
                settled.add(settled.to() + 1, seq);
                passGaps();
                // A segment goes by what the file says, so the file has to say this, too.
                changed();
            }
        }

        /** Applies what fits, lowest first: the lowest can close a hole and so make room. */
        private void applyDeferred() {
            changed();
            while (!deferred.isEmpty()) {
                long seq = deferred.firstKey();
                long from =
                        settled.lowestFreeFrom(deferred.firstEntry().getValue().behind() + 1, seq);
                if (settled.runsWith(from, seq) > MAX_RUNS) return;
                Deferred next = deferred.pollFirstEntry().getValue();
                settled.add(from, seq);
                cuts.remove(seq);
                account(next.signal().label()).settle(next.settlement(), next.bodyBytes());
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
