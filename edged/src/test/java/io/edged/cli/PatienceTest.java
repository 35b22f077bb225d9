package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What waits for a disk does so at a bounded pace, says so, and gives up on what is for good. */
class PatienceTest {
    private final List<Long> pauses = new ArrayList<>();
    private final List<String> said = new ArrayList<>();
    private int tries;

    private void until(Runnable attempt) throws InterruptedException {
        Patience.until(
                attempt,
                failure -> failure.code() == ExitCode.STATE_DIRECTORY,
                said::add,
                (Duration pause) -> pauses.add(pause.toSeconds()));
    }

    @Test
    void itGoesOnUntilTheCauseIsGone() throws InterruptedException {
        until(() -> {
            if (++tries <= 21)
                throw new ExitException(
                        ExitCode.STATE_DIRECTORY, tries <= 3 ? "not mounted" : "full");
        });
        assertThat(tries).isEqualTo(22);
        assertThat(pauses).startsWith(2L, 4L, 8L, 16L, 32L, 60L, 60L).hasSize(21);
        assertThat(pauses).allMatch(seconds -> seconds <= 60);
        assertThat(said)
                .containsExactly(
                        "not mounted; waiting, next try in 2 s",
                        "full; waiting, next try in 16 s",
                        "full; waiting, next try in 60 s",
                        "full; waiting, next try in 60 s");
    }

    @Test
    void whatTimeDoesNotCureEndsItAtOnce() {
        assertThatThrownBy(() ->
                        until(() -> {
                            if (++tries == 1)
                                throw new ExitException(ExitCode.STATE_DIRECTORY, "full");
                            throw new ExitException(ExitCode.LOCK, "changed");
                        }))
                .hasMessage("changed");
        assertThat(pauses).containsExactly(2L);
    }
}
