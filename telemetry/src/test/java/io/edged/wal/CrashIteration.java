package io.edged.wal;

import io.edged.disk.DyingDirectory.Moment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** One log of a crash harness, from its first process to the verdict. */
final class CrashIteration {

    private static final int RECORDS = 60;

    /** About as many calls as a life of {@link #RECORDS} records makes; a few live to their end. */
    private static final int CALLS = 170;

    /** Enough for a second process to die in the middle of recovery, most often. */
    private static final int OPENING_CALLS = 14;

    private static final List<Moment> MOMENTS = List.of(Moment.values());
    private static final int ORDERED_RECORDS = 40;
    private static final int OUTSIDE_LIVES = 2;

    /** More records than a process offers in its time. */
    private static final int ENDLESS = 10_000_000;

    /** What happens to the log. */
    enum Kind {
        /** A process dies. */
        CRASH,
        /** A second and perhaps a third one die while they recover, or soon after. */
        CRASH_AGAIN,
        /** The power goes away with the process: unforced bytes and names are lost in part. */
        POWER_CUT,
        /** A frame that looks intact stands behind the end. */
        PHANTOM,
        /** One process dies at an ordered call. */
        ORDERED,
        /** Two processes are killed from outside. */
        OUTSIDE;

        /** Those that the randomized harness takes in turn. */
        static final List<Kind> RANDOM = List.of(CRASH, CRASH_AGAIN, POWER_CUT, PHANTOM);
    }

    /** How one process ended: {@code call} and {@code what} are those of its last call. */
    record Life(long call, String what, String moment, String end) {}

    /**
     * What became of it.
     *
     * @param tampering what was done to the files after the last process
     * @param survivors records that were there at the end
     * @param acknowledged how often a record was acknowledged
     * @param problems empty if the log kept its word
     */
    record Outcome(
            int number,
            Kind kind,
            List<Life> lives,
            String tampering,
            int acknowledged,
            int survivors,
            long lastSeq,
            List<String> problems) {}

    private CrashIteration() {}

    /**
     * Processes that die where the seed says. The seed repeats it exactly.
     *
     * @param directory of the log; not there yet
     * @param log where the processes complain
     */
    static Outcome random(
            int number, long seed, Path directory, Path log, SecondReader secondReader)
            throws IOException {
        var random = new Random(seed);
        Kind kind = Kind.RANDOM.get((number - 1) % Kind.RANDOM.size());
        int processes = kind == Kind.CRASH_AGAIN ? 2 + random.nextInt(2) : 1;
        var claims = new CrashClaims();
        var lives = new ArrayList<Life>();
        List<String> undo = List.of();
        int next = 0;
        for (int life = 1; life <= processes; life++) {
            long call = 1L + random.nextInt(life == 1 ? CALLS : OPENING_CALLS);
            Moment moment = MOMENTS.get(random.nextInt(MOMENTS.size()));
            var end = random.nextBoolean() ? CrashLife.End.HALT : CrashLife.End.SIGKILL;
            var ordered = new CrashLife(directory, seed, life, next, RECORDS, call, moment, end);
            CrashProcess.Ended ended = CrashProcess.run(ordered, claims, log);
            undo = ended.undo();
            lives.add(
                    ended.died()
                            ? new Life(ended.calls(), ended.what(), lower(moment), lower(end))
                            : new Life(ended.calls(), "clean stop", "", ""));
            next += RECORDS;
        }
        String tampering =
                switch (kind) {
                    case CRASH, CRASH_AGAIN, ORDERED, OUTSIDE -> "";
                    case POWER_CUT -> CrashTampering.losePower(directory, undo, random);
                    case PHANTOM ->
                            CrashTampering.injectPhantom(directory, claims.highest(), random)
                                    .map(CrashIteration::lower)
                                    .orElse("no room");
                };
        CrashCheck.Result result = CrashCheck.of(directory, seed, claims, next, secondReader);
        return new Outcome(
                number,
                kind,
                lives,
                tampering,
                claims.acknowledged,
                result.survivors(),
                result.lastSeq(),
                result.problems());
    }

    /** How many calls the ordered run of that seed takes if nothing kills it. */
    static long calls(long seed, Path directory, Path log) throws IOException {
        return CrashProcess.run(ordered(seed, 0, Moment.BEFORE, directory), new CrashClaims(), log)
                .calls();
    }

    /** One process that gets a SIGKILL at a call. */
    static Outcome atCall(
            int number,
            long seed,
            long call,
            Moment moment,
            Path directory,
            Path log,
            SecondReader secondReader)
            throws IOException {
        var claims = new CrashClaims();
        CrashProcess.Ended ended =
                CrashProcess.run(ordered(seed, call, moment, directory), claims, log);
        CrashCheck.Result result =
                CrashCheck.of(directory, seed, claims, ORDERED_RECORDS, secondReader);
        return new Outcome(
                number,
                Kind.ORDERED,
                List.of(new Life(ended.calls(), ended.what(), lower(moment), "sigkill")),
                "",
                claims.acknowledged,
                result.survivors(),
                result.lastSeq(),
                result.problems());
    }

    private static CrashLife ordered(long seed, long call, Moment moment, Path directory) {
        return new CrashLife(
                directory, seed, 1, 0, ORDERED_RECORDS, call, moment, CrashLife.End.SIGKILL);
    }

    /** Processes with the log's own threads that are killed some time after they begin. */
    static Outcome outside(
            int number, long seed, Path directory, Path log, SecondReader secondReader)
            throws IOException {
        var random = new Random();
        var claims = new CrashClaims();
        for (int life = 1; life <= OUTSIDE_LIVES; life++) {
            var endless =
                    new CrashLife(
                            directory,
                            seed,
                            life,
                            (life - 1) * ENDLESS,
                            ENDLESS,
                            0,
                            Moment.BEFORE,
                            CrashLife.End.OUTSIDE);
            // Now and then while the log is still being opened.
            boolean opened = random.nextInt(4) > 0;
            CrashProcess.runAndKill(endless, claims, opened, random.nextInt(400), log);
        }
        CrashCheck.Result result =
                CrashCheck.of(directory, seed, claims, OUTSIDE_LIVES * ENDLESS, secondReader);
        return new Outcome(
                number,
                Kind.OUTSIDE,
                List.of(),
                "",
                claims.acknowledged,
                result.survivors(),
                result.lastSeq(),
                result.problems());
    }

    static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
