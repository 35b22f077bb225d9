package io.edged.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.daemon.Health;
import io.edged.daemon.Health.Failed;
import io.edged.daemon.Health.Kind;
import io.edged.daemon.Health.Ok;
import io.edged.drain.DrainStatus;
import io.edged.drain.DrainStatus.State;
import io.edged.wal.Wal;
import io.edged.wal.WalException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/** Each check both ways: what it watches breaks, exactly it fails its probe, and it recovers. */
class ChecksTest {

    @TempDir Path directory;

    private long nanos;
    private Instant wall = Instant.parse("2026-11-21T12:00:00Z");
    private boolean writing = true;
    private boolean listening = true;
    private Duration loopStall = Duration.ZERO;
    private boolean full;
    private Duration busy = Duration.ZERO;
    private Optional<WalException> failure = Optional.empty();
    private long committed = 10;
    private long settled = 10;
    private long otherSettled = 10;
    private List<String> names = List.of("up", "U p!");
    private State state = State.DELIVERING;
    private final List<String> told = new ArrayList<>();
    private Health health;
    private Checks checks;
    private Path lock;

    @BeforeEach
    void start() throws IOException {
        lock = Files.writeString(directory.resolve("LOCK"), "process 1\n");
        health = new Health(() -> nanos);
        checks =
                new Checks(
                        health,
                        new Checks.Sources(
                                () -> writing,
                                this::log,
                                () -> names.stream().map(this::drain).toList(),
                                () -> listening,
                                () -> loopStall,
                                lock),
                        (check, failed) -> told.add(check + (failed ? " fails" : " is well")),
                        () -> wall,
                        () -> nanos);
        health.ready();
        pass(Checks.START.plusSeconds(1));
        checks.turn();
        assertThat(failing()).isEmpty();
    }

    @AfterEach
    void stop() {
        checks.close();
    }

    private Optional<String> limitedBy = Optional.empty();

    private Wal.Status log() {
        return new Wal.Status(committed, 1, 1, 5, 10, 0, full, busy, failure);
    }

    private DrainStatus drain(String name) {
        return drain(name, name.equals("up") ? settled : otherSettled);
    }

    private DrainStatus drain(String name, long settledTo) {
        return new DrainStatus(
                name,
                state,
                Optional.of("status 401"),
                0,
                0,
                10,
                OptionalLong.empty(),
                Optional.empty(),
                settledTo,
                limitedBy,
                List.of());
    }

    /** Time as both clocks have it. */
    private void pass(Duration time) {
        nanos += time.toNanos();
        wall = wall.plus(time);
    }

    private List<String> failing() {
        return Stream.of(Kind.values())
                .flatMap(kind ->
                        health.report(kind, Set.of()).lines().stream()
                                .filter(line -> line.result() instanceof Failed)
                                .map(line -> kind + " " + line.name()))
                .toList();
    }

    @Test
    void aDestinationThatIsHeldBackIsReadyAndSaysWhatHoldsIt() {
        limitedBy = Optional.of("no drain window is open, until 2026-11-21T12:30:00Z");
        for (DrainStatus.State each :
                List.of(
                        DrainStatus.State.LIMITED,
                        DrainStatus.State.PAUSED,
                        DrainStatus.State.DELIVERING)) {
            state = each;
            assertThat(failing()).isEmpty();
            assertThat(health.report(Kind.READY, Set.of()).lines())
                    .filteredOn(line -> line.name().startsWith("drain-"))
                    .isNotEmpty()
                    .allSatisfy(line ->
                            assertThat(line.result())
                                    .isInstanceOfSatisfying(
                                            Ok.class,
                                            ok ->
                                                    assertThat(ok.note())
                                                            .contains("no drain window")));
        }
    }

    @Test
    void aWriterThatHasEndedIsNotLive() {
        writing = false;
        assertThat(failing()).containsExactly("LIVE log-writer");
        writing = true;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aLoopThatDoesNotComeRoundIsNotLiveOnceItLasts() {
        loopStall = Checks.STUCK_LOOP.minusSeconds(1);
        assertThat(failing()).isEmpty();
        loopStall = Checks.STUCK_LOOP;
        assertThat(failing()).containsExactly("LIVE receiver-loop");
        loopStall = Duration.ZERO;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aDiskThatDoesNotAnswerIsNotReadyButLive() {
        busy = Checks.SLOW_DISK.minusSeconds(1);
        assertThat(failing()).isEmpty();
        busy = Checks.SLOW_DISK;
        assertThat(failing()).containsExactly("READY fsync");
        busy = Duration.ZERO;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aFullLogIsNotReadyButLive() {
        full = true;
        assertThat(failing()).containsExactly("READY disk-reserve");
        full = false;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aChangeIsToldOnceEachWay() {
        full = true;
        checks.turn();
        checks.turn();
        assertThat(told).containsExactly("disk-reserve fails");
        full = false;
        checks.turn();
        checks.turn();
        assertThat(told).containsExactly("disk-reserve fails", "disk-reserve is well");
    }

    @Test
    void aFailedLogIsNotReady() {
        failure = Optional.of(new WalException(WalException.Code.STORAGE_FAILED, "EIO"));
        assertThat(failing()).containsExactly("READY log");
        failure = Optional.empty();
        assertThat(failing()).isEmpty();
    }

    @Test
    void anAddressThatIsNotListenedOnIsNotReady() {
        listening = false;
        assertThat(failing()).containsExactly("READY receiver");
        listening = true;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aDestinationThatGetsNowhereIsNamedOnceItLasts() {
        committed = 12;
        settled = 11;
        assertThat(failing()).isEmpty();
        // The other one stands still as well, but has been asked at other times.
        pass(Checks.NO_PROGRESS.minusSeconds(1));
        assertThat(failing()).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(failing()).containsExactly("READY drain-u-p", "READY drain-up");
        assertThat(Checks.notForIntake(health))
                .containsExactlyInAnyOrder("drain-u-p", "drain-up", "clock", "lock");
        settled = 12;
        assertThat(failing()).containsExactly("READY drain-u-p");
        otherSettled = 11;
        assertThat(failing()).as("it moves").isEmpty();
    }

    @Test
    void checksOfDestinationsComeAndGoWithThem() {
        state = State.FAULT;
        checks.turn();
        names = List.of("up", "u-p", "new");
        checks.follow();
        // A name that is like one that has gone; the grace of a start holds for the new ones.
        assertThat(failing()).containsExactly("READY drain-up");
        pass(Checks.START);
        assertThat(failing())
                .containsExactly("READY drain-new", "READY drain-u-p", "READY drain-up");
        names = List.of("up");
        checks.follow();
        assertThat(failing()).containsExactly("READY drain-up");
        told.clear();
        checks.turn();
        assertThat(told).as("what has gone is neither well nor not").isEmpty();
        state = State.DELIVERING;
        assertThat(failing()).isEmpty();
    }

    @Test
    void aDestinationThatNeedsAnOperatorIsNamedAtOnceAndOnePausedIsNot() {
        state = State.FAULT;
        assertThat(failing()).containsExactly("READY drain-u-p", "READY drain-up");
        state = State.PAUSED;
        committed = 1_000;
        pass(Checks.NO_PROGRESS.multipliedBy(2));
        assertThat(failing()).isEmpty();
    }

    @Test
    void aClockThatJumpsFailsUntilItIsBack() {
        for (Duration jump : List.of(Duration.ofDays(-400), Duration.ofHours(3))) {
            Instant right = wall;
            wall = wall.plus(jump);
            if (wall.isBefore(ClockCheck.EARLIEST)) wall = ClockCheck.EARLIEST;
            assertThat(failing()).containsExactly("READY clock");
            wall = right;
            assertThat(failing()).isEmpty();
        }
    }

    @Test
    void aClockThatStaysWhereItJumpedIsBelievedAfterAWhile() {
        wall = wall.plus(Duration.ofHours(3));
        assertThat(failing()).containsExactly("READY clock");
        pass(ClockCheck.ACCEPTED.minusSeconds(1));
        assertThat(failing()).containsExactly("READY clock");
        pass(Duration.ofSeconds(1));
        assertThat(failing()).isEmpty();
    }

    @Test
    void aClockThatWasNeverSetFailsUntilItIs() {
        wall = Instant.EPOCH;
        assertThat(failing()).containsExactly("READY clock");
        pass(ClockCheck.ACCEPTED.multipliedBy(3));
        assertThat(failing()).containsExactly("READY clock");
        wall = Instant.parse("2026-11-21T13:00:00Z");
        assertThat(failing()).isEmpty();
    }

    @Test
    void aClockThatDriftsIsFollowed() {
        for (int i = 0; i < 100; i++) {
            pass(Duration.ofSeconds(60));
            wall = wall.plusSeconds(20);
            assertThat(failing()).isEmpty();
        }
    }

    @Test
    void aLockFileThatWasReplacedOrRemovedIsTold() throws IOException {
        checks.readDisk();
        assertThat(failing()).isEmpty();
        Path kept = Files.move(lock, directory.resolve("kept"));
        checks.readDisk();
        assertThat(failing()).containsExactly("READY lock");
        Files.writeString(lock, "another");
        checks.readDisk();
        assertThat(failing()).containsExactly("READY lock");
        Files.delete(lock);
        Files.move(kept, lock);
        checks.readDisk();
        assertThat(failing()).isEmpty();
    }
}
