package io.edged.drain;

import io.edged.otlp.Signal;

import java.time.Duration;
import java.util.Optional;

/**
 * Whether a destination is spoken to. Times are monotonic nanoseconds. One thread.
 *
 * <table>
 * <caption>States</caption>
 * <tr><td>closed</td><td>requests go out, each failure has a backoff of its own</td></tr>
 * <tr><td>open</td><td>nothing goes out until the wait is over; then one probe: an empty Export
 *     after a fault, the next real request after a failure to reach the destination</td></tr>
 * <tr><td>half-open</td><td>the empty probe came through; one real request decides</td></tr>
 * </table>
 *
 * <p>The wait grows until real data was taken: an empty probe proves little.
 */
final class Circuit {

    /** Failures in a row, over all requests, until requests stop. */
    static final int FAILURES_TO_OPEN = 3;

    enum State {
        CLOSED,
        HALF_OPEN,
        OPEN
    }

    /** What may be sent now. */
    enum Permission {
        NOTHING,
        ANY,
        ONE,
        EMPTY_PROBE
    }

    private final RetryPolicy policy;
    private State state = State.CLOSED;
    private Optional<Signal> faulty = Optional.empty();
    private int failures;
    private long untilNanos;
    private boolean probing;

    Circuit(RetryPolicy policy) {
        this.policy = policy;
    }

    State state() {
        return state;
    }

    /** The signal whose request met a fault, while that is not cleared. */
    Optional<Signal> faulty() {
        return faulty;
    }

    Permission permission(long now) {
        if (state == State.CLOSED) return Permission.ANY;
        if (probing || (state == State.OPEN && now - untilNanos < 0)) return Permission.NOTHING;
        return state == State.OPEN && faulty.isPresent() ? Permission.EMPTY_PROBE : Permission.ONE;
    }

    /** Nanoseconds until the permission can change by time alone. */
    long waitNanos(long now) {
        return state == State.OPEN && !probing ? Math.max(0, untilNanos - now) : Long.MAX_VALUE;
    }

    /**
     * Something is being sent.
     *
     * @return whether its result decides about the circuit
     */
    boolean sending() {
        if (state == State.CLOSED) return false;
        probing = true;
        return true;
    }

    /** An empty probe was taken: one real request may try. */
    void emptyProbeTaken() {
        probing = false;
        faulty = Optional.empty();
        state = State.HALF_OPEN;
    }

    /** Real data was taken, or refused as data: the destination works. */
    void worked(boolean probe) {
        if (state == State.CLOSED || probe) {
            failures = 0;
            faulty = Optional.empty();
            state = State.CLOSED;
        }
        if (probe) probing = false;
    }

    /** A failure that may pass by itself; with a hint, everything waits as long as it says. */
    void failed(boolean probe, long now, Optional<Duration> hint) {
        if (probe) probing = false;
        if (state != State.CLOSED && !probe) {
            // Sent before the circuit opened: no new failure, but a wish all the same.
            hint.ifPresent(wish ->
                    untilNanos = Math.max(untilNanos, now + policy.afterHint(wish).toNanos()));
            return;
        }
        failures++;
        if (hint.isPresent()) open(now, policy.afterHint(hint.get()));
        else if (probe || failures >= FAILURES_TO_OPEN) open(now, policy.backoff(failures));
    }

    /** The destination answered in a way that other data would not change. */
    void fault(boolean probe, long now, Signal signal) {
        if (probe) probing = false;
        boolean late = state != State.CLOSED && !probe;
        faulty = Optional.of(signal);
        if (late) {
            state = State.OPEN;
            return;
        }
        failures++;
        open(now, policy.backoff(failures));
    }

    /** Someone knows better: the wait is over. */
    void hurry(long now) {
        untilNanos = now;
    }

    private void open(long now, Duration wait) {
        state = State.OPEN;
        untilNanos = now + wait.toNanos();
    }
}
