package io.edged.wal;

import io.edged.otlp.Signal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What {@code telemetry.pos} says under another rule of lanes. Which lane a settled frame was in is
 * not kept, so each destination goes on where all of its cursors had settled everything: some
 * frames are sent again, none is lost. What became of items stays with their signal. What is
 * pending has to be counted anew.
 */
final class LaneChange {

    private LaneChange() {}

    static Positions of(Positions before, Lanes lanes) {
        var destinations = new LinkedHashMap<String, List<Positions.CursorPosition>>();
        for (Positions.CursorPosition cursor : before.cursors())
            destinations.computeIfAbsent(cursor.destination(), _ -> new ArrayList<>()).add(cursor);
        var cursors = new ArrayList<Positions.CursorPosition>();
        destinations.forEach((destination, old) -> {
            Settled settled = settled(old);
            long sent = old.stream().mapToLong(Positions.CursorPosition::sent).max().orElse(0);
            List<SeqRange> done = settled.done();
            // Whose frame it is nobody knows here; what is settled or of other lanes is forgotten.
            var parts = new TreeMap<Long, List<FramePart>>();
            old.forEach(cursor -> parts.putAll(cursor.parts()));
            for (String lane : names(lanes, old))
                cursors.add(
                        new Positions.CursorPosition(
                                destination + "/" + lane,
                                settled.to(),
                                sent,
                                done.subList(0, Math.min(done.size(), Progress.MAX_RUNS)),
                                parts));
        });
        return new Positions(
                before.log(),
                List.copyOf(cursors),
                before.gaps(),
                ledger(before, lanes),
                before.countedTo(),
                before.notices(),
                before.lanes());
    }

    /** The only lane goes by the name that its cursor has. */
    private static List<String> names(Lanes lanes, List<Positions.CursorPosition> old) {
        return lanes.isSingle() && old.size() == 1 ? List.of(old.getFirst().lane()) : lanes.names();
    }

    private static Settled settled(List<Positions.CursorPosition> cursors) {
        Settled all = null;
        for (Positions.CursorPosition cursor : cursors) {
            var one = new Settled(cursor.seq(), cursor.done());
            all = all == null ? one : all.and(one);
        }
        return all == null ? new Settled(0, List.of()) : all;
    }

    private static List<Positions.LedgerRow> ledger(Positions before, Lanes lanes) {
        var names = new HashMap<String, List<String>>();
        for (Positions.CursorPosition cursor : before.cursors())
            names.computeIfAbsent(cursor.destination(), _ -> new ArrayList<>()).add(cursor.lane());
        var rows = new TreeMap<String, Positions.LedgerRow>();
        for (Positions.LedgerRow row : before.ledger()) {
            int slash = row.cursor().indexOf('/');
            String destination = row.cursor().substring(0, Math.max(0, slash));
            String lane = row.cursor().substring(slash + 1);
            String target =
                    lanes.isSingle() && names.getOrDefault(destination, List.of()).size() == 1
                            ? lane
                            : lanes.names().contains(lane)
                                    ? lane
                                    : lanes.names().get(target(row.signal(), lanes));
            String cursor = destination + "/" + target;
            rows.merge(cursor + " " + row.signal(), settledOnly(cursor, row), LaneChange::sum);
        }
        return List.copyOf(rows.values());
    }

    /** Where the items of a lane go that is no more. */
    private static int target(String signal, Lanes lanes) {
        Optional<Signal> known =
                Arrays.stream(Signal.values())
                        .filter(each -> each.label().equals(signal))
                        .findAny();
        return lanes.ofSignal(known.orElse(Signal.LOGS));
    }

    /** With nothing pending. */
    private static Positions.LedgerRow settledOnly(String cursor, Positions.LedgerRow row) {
        return new Positions.LedgerRow(
                cursor,
                row.signal(),
                row.accepted() - row.pending(),
                row.delivered(),
                row.deadLettered(),
                row.dropped(),
                OptionalLong.of(0));
    }

    private static Positions.LedgerRow sum(Positions.LedgerRow one, Positions.LedgerRow two) {
        Map<String, Long> dropped = new TreeMap<>(one.dropped());
        two.dropped().forEach((reason, items) -> dropped.merge(reason, items, Long::sum));
        return new Positions.LedgerRow(
                one.cursor(),
                one.signal(),
                one.accepted() + two.accepted(),
                one.delivered() + two.delivered(),
                one.deadLettered() + two.deadLettered(),
                dropped,
                OptionalLong.of(0));
    }
}
