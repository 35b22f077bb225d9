package io.edged.drain;

import io.edged.otlp.Signal;

import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the destination refuses and what is stepped over, so that the rest flows. The bodies stay in
 * the log; here is only what is needed to try again, slowly and one at a time, or to tell when an
 * item is to blame itself: when the destination has taken other data of its signal since.
 */
final class RefusedPieces {

    /** What distinguishes pieces: no two of one frame begin with the same item. */
    private record Key(long seq, int first) {
        static Key of(Piece piece) {
            return new Key(piece.seq(), piece.first());
        }
    }

    /**
     * One of them.
     *
     * @param smallest whether it cannot be split any further
     * @param toBlame whether it may become a dead letter
     * @param takenBefore requests of its signal that had been taken when it was refused first,
     *     alone or among others
     * @param dueNanos by the monotonic clock
     */
    record Refused(
            LaneProgress lane,
            Piece piece,
            SendResult.Refused why,
            boolean smallest,
            boolean toBlame,
            long takenBefore,
            int attempts,
            long dueNanos) {}

    /** Refusals of one signal in a row after which the destination itself is under suspicion. */
    static final int SUSPICIOUS = 32;

    private final RetryPolicy policy;
    private final int limit;
    private final Map<Key, Refused> pieces = new HashMap<>();
    private final Map<Signal, Long> taken = new EnumMap<>(Signal.class);
    private final Map<Signal, Integer> inARow = new EnumMap<>(Signal.class);

    /** The one that is being tried again, or written as a letter: one at a time. */
    private Optional<Key> busy = Optional.empty();

    /** Whether a piece may have become ready without time having passed. */
    private boolean look;

    RefusedPieces(RetryPolicy policy, int limit) {
        this.policy = policy;
        this.limit = limit;
    }

    int size() {
        return pieces.size();
    }

    /** Whether nothing further may be stepped over, and so nothing be read. */
    boolean full() {
        return pieces.size() >= limit;
    }

    /** The destination took data of this signal. */
    void taken(Signal signal) {
        taken.merge(signal, 1L, Long::sum);
        inARow.remove(signal);
        look = true;
    }

    /** The destination refused a request of this signal. */
    void refused(Signal signal) {
        inARow.merge(signal, 1, Integer::sum);
    }

    /** Whether it has taken nothing of this signal for so long that the data is not to blame. */
    boolean takesNothing(Signal signal) {
        return inARow.getOrDefault(signal, 0) >= SUSPICIOUS;
    }

    /** Steps over a piece, for the first time or again. */
    void stepOver(
            LaneProgress lane,
            Piece piece,
            SendResult.Refused why,
            boolean smallest,
            boolean toBlame,
            long takenBefore,
            long now) {
        var key = Key.of(piece);
        Refused before = pieces.get(key);
        int attempts = before == null ? 1 : before.attempts() + 1;
        pieces.put(
                key,
                new Refused(
                        lane,
                        piece,
                        why,
                        smallest,
                        toBlame,
                        before == null ? takenBefore : before.takenBefore(),
                        attempts,
                        now + policy.backoff(attempts).toNanos()));
        free(key);
    }

    /** How many requests of this signal were taken until now. */
    long takenOf(Signal signal) {
        return taken.getOrDefault(signal, 0L);
    }

    /** The piece is settled, gone or split. */
    void remove(Piece piece) {
        var key = Key.of(piece);
        pieces.remove(key);
        free(key);
    }

    /** Nothing of the frame is left. */
    void removeFrame(long seq) {
        pieces.keySet().removeIf(key -> key.seq() == seq);
        busy.filter(key -> key.seq() == seq).ifPresent(this::free);
    }

    private void free(Key key) {
        look = true;
        if (busy.filter(key::equals).isPresent()) busy = Optional.empty();
    }

    /** The piece is being tried again or written: no other until it ends. */
    void busy(Piece piece) {
        busy = Optional.of(Key.of(piece));
    }

    /** What was busy is not any more, and stays where it is. */
    void idle(Piece piece, long now) {
        var key = Key.of(piece);
        Refused it = pieces.get(key);
        if (it != null)
            stepOver(
                    it.lane(), piece, it.why(), it.smallest(), it.toBlame(), it.takenBefore(), now);
        else free(key);
    }

    /** A piece that is to blame itself: other data of its signal was taken since. */
    Optional<Refused> condemned() {
        if (busy.isPresent() || !look) return Optional.empty();
        Optional<Refused> found =
                pieces.values().stream()
                        .filter(it -> it.toBlame() && it.smallest() && takenSince(it))
                        .min(Comparator.comparingLong(it -> it.piece().seq()));
        if (found.isEmpty()) look = false;
        return found;
    }

    private boolean takenSince(Refused it) {
        return takenOf(it.piece().frame().deliveredAs()) > it.takenBefore();
    }

    /** The next one to try again, if it is time and no other is busy. */
    Optional<Refused> due(long now) {
        return next().filter(refused -> waitNanos(refused, now) == 0);
    }

    /** Nanoseconds until {@link #due} has one. */
    long waitNanos(long now) {
        return next().map(refused -> waitNanos(refused, now)).orElse(Long.MAX_VALUE);
    }

    private Optional<Refused> next() {
        if (busy.isPresent()) return Optional.empty();
        return pieces.values().stream()
                .min(
                        Comparator.comparing((Refused it) -> !splitsNow(it))
                                .thenComparingLong(Refused::dueNanos));
    }

    /** The destination is at work again: what could not be narrowed down then can be now. */
    private boolean splitsNow(Refused it) {
        return !it.smallest() && takenSince(it);
    }

    private long waitNanos(Refused it, long now) {
        return splitsNow(it) ? 0 : Math.max(0, it.dueNanos() - now);
    }
}
