package io.edged.cli;

import io.edged.daemon.ExitException;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Tries something again for as long as time may cure what keeps it from working: a disk that is not
 * mounted yet or full, a clock that is not set. Pauses grow from 2 to 60 seconds. What is wrong is
 * said when it changes, and then every tenth time.
 */
final class Patience {
    static final Duration FIRST_PAUSE = Duration.ofSeconds(2);
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

    private static final int SAY_EVERY = 10;

    /** Waits. */
    @FunctionalInterface
    interface Pause {
        void take(Duration duration) throws InterruptedException;
    }

    private Patience() {}

    /**
     * Returns when an attempt succeeds.
     *
     * @param passes whether time may cure a failure; any other is thrown
     * @param say is told what is waited for
     */
    static void until(
            Runnable attempt, Predicate<ExitException> passes, Consumer<String> say, Pause pause)
            throws InterruptedException {
        Duration next = FIRST_PAUSE;
        String said = "";
        for (long tries = 1; ; tries++) {
            try {
                attempt.run();
                return;
            } catch (ExitException e) {
                if (!passes.test(e)) throw e;
                String message = String.valueOf(e.getMessage());
                if (!message.equals(said) || tries % SAY_EVERY == 0)
                    say.accept(message + "; waiting, next try in " + next.toSeconds() + " s");
                said = message;
            }
            pause.take(next);
            next = next.multipliedBy(2);
            if (next.compareTo(LONGEST_PAUSE) > 0) next = LONGEST_PAUSE;
        }
    }
}
