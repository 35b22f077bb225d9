package io.edged.wal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;

import io.edged.disk.DyingDirectory.Moment;
import io.edged.wal.CrashIteration.Life;
import io.edged.wal.CrashIteration.Outcome;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * The crash harnesses: processes append to a log and die, over and over; after each the log is
 * compared with what was promised. Three ways to die, by {@code --harness}:
 *
 * <ul>
 *   <li>{@code random}: at calls that the seed gives, also in recovery, with a power cut or a
 *       phantom on top; the same seed gives the same result on every machine
 *   <li>{@code every-call}: one fixed run, killed at every {@code --step}-th call that changes a
 *       file, before it, in the middle of it and after it
 *   <li>{@code outside}: by a SIGKILL at a moment that nobody knows before, with the log's own
 *       threads; only the verdicts can be compared
 * </ul>
 *
 * <pre>
 * java -cp 'LIB/*:edged-telemetry-VERSION-tests.jar' io.edged.wal.CrashHarness \
 *     --harness random --iterations 20 --seed 1 --out crash_harness.json \
 *     [--only N] [--step N] [--work DIR] [--second-reader wal_verify.py]
 * </pre>
 *
 * The result has no times and no paths outside its last member, {@code run}, so that two machines
 * can be compared. Exit status 0: the log kept its word, 1: it did not.
 */
public final class CrashHarness {

    private static final long SEED_STEP = 100_003;

    private final Path work;
    private final SecondReader secondReader;
    private final PrintStream out;

    CrashHarness(Path work, SecondReader secondReader, PrintStream out) {
        this.work = work;
        this.secondReader = secondReader;
        this.out = out;
    }

    /** See the class. */
    public static void main(String[] arguments) throws IOException {
        Map<String, String> options = options(arguments);
        long seed = Long.parseLong(options.getOrDefault("seed", "1"));
        int iterations = Integer.parseInt(options.getOrDefault("iterations", "20"));
        int step = Integer.parseInt(options.getOrDefault("step", "1"));
        int only = Integer.parseInt(options.getOrDefault("only", "0"));
        Path result = Path.of(options.getOrDefault("out", "crash_harness.json"));
        Path work =
                options.containsKey("work")
                        ? Path.of(options.get("work"))
                        : Files.createTempDirectory("crash-harness");
        Files.createDirectories(work);
        Path script = Path.of(options.getOrDefault("second-reader", "wal_verify.py"));
        // Crashes are expected and not worth the log's own lines.
        Logger log = Logger.getLogger("io.edged");
        log.setLevel(Level.OFF);
        long started = System.nanoTime();
        try (var secondReader = SecondReader.start(script)) {
            var harness = new CrashHarness(work, secondReader, System.out);
            String which = options.getOrDefault("harness", "random");
            List<Outcome> outcomes =
                    switch (which) {
                        case "random" ->
                                only > 0
                                        ? List.of(harness.iteration(seed, only))
                                        : harness.random(seed, iterations);
                        case "every-call" -> harness.everyCall(seed, step);
                        case "outside" -> harness.outside(seed, iterations);
                        default ->
                                throw new IllegalArgumentException(
                                        "--harness is random, every-call or outside, not " + which);
                    };
            Files.writeString(
                    result,
                    json(
                            which,
                            seed,
                            outcomes,
                            secondReader.runs(),
                            (System.nanoTime() - started) / 1_000_000_000.0));
            long violations = outcomes.stream().filter(o -> !o.problems().isEmpty()).count();
            System.out.printf(
                    "%s: %d logs of seed %d, %d acknowledged records, %d violations; result in %s%n",
                    which,
                    outcomes.size(),
                    seed,
                    outcomes.stream().mapToInt(Outcome::acknowledged).sum(),
                    violations,
                    result);
            if (violations > 0) System.exit(1);
        }
    }

    private static Map<String, String> options(String... arguments) {
        var options = new HashMap<String, String>();
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length)
                throw new IllegalArgumentException("expected --name value, found " + arguments[i]);
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        return options;
    }

    /** Runs the first {@code iterations} logs of a seed. */
    List<Outcome> random(long seed, int iterations) throws IOException {
        var outcomes = new ArrayList<Outcome>();
        for (int number = 1; number <= iterations; number++) outcomes.add(iteration(seed, number));
        return outcomes;
    }

    /** Runs one of them. */
    Outcome iteration(long seed, int number) throws IOException {
        Path log = complaints(number);
        return report(
                seed,
                CrashIteration.random(
                        number, seed * SEED_STEP + number, fresh(number), log, secondReader));
    }

    /**
     * One run of a seed, killed at its {@code step}-th, {@code 2 * step}-th, ... place; each call
     * has three.
     */
    List<Outcome> everyCall(long seed, int step) throws IOException {
        long calls = CrashIteration.calls(seed, fresh(0), complaints(0));
        delete(work.resolve("0"));
        List<Moment> moments = List.of(Moment.values());
        var outcomes = new ArrayList<Outcome>();
        for (int place = step - 1; place < calls * moments.size(); place += step) {
            int number = place + 1;
            outcomes.add(
                    report(
                            seed,
                            CrashIteration.atCall(
                                    number,
                                    seed,
                                    1 + place / moments.size(),
                                    moments.get(place % moments.size()),
                                    fresh(number),
                                    complaints(number),
                                    secondReader)));
        }
        return outcomes;
    }

    /** Kills from outside. */
    List<Outcome> outside(long seed, int iterations) throws IOException {
        var outcomes = new ArrayList<Outcome>();
        for (int number = 1; number <= iterations; number++)
            outcomes.add(
                    report(
                            seed,
                            CrashIteration.outside(
                                    number,
                                    seed * SEED_STEP + number,
                                    fresh(number),
                                    complaints(number),
                                    secondReader)));
        return outcomes;
    }

    /** Where that log is, with nothing there that an interrupted run may have left. */
    private Path fresh(int number) throws IOException {
        if (Files.exists(work.resolve(String.valueOf(number))))
            delete(work.resolve(String.valueOf(number)));
        return directory(number);
    }

    private Path directory(int number) {
        return work.resolve(String.valueOf(number)).resolve("wal");
    }

    private Path complaints(int number) {
        return work.resolve(number + ".log");
    }

    /** Prints it; the files stay if the log broke its word. */
    private Outcome report(long seed, Outcome outcome) throws IOException {
        out.println(line(outcome));
        if (outcome.problems().isEmpty()) {
            delete(work.resolve(String.valueOf(outcome.number())));
            Files.deleteIfExists(complaints(outcome.number()));
        } else {
            for (String problem : outcome.problems()) out.println("  VIOLATION " + problem);
            out.println(
                    "  seed %d, number %d; its files are in %s"
                            .formatted(seed, outcome.number(), directory(outcome.number())));
        }
        return outcome;
    }

    private static String line(Outcome outcome) {
        return "%4d %-11s %s%s: %d acknowledged, %d survive, last seq %d: %s"
                .formatted(
                        outcome.number(),
                        CrashIteration.lower(outcome.kind()),
                        outcome.lives().stream()
                                .map(CrashHarness::line)
                                .collect(Collectors.joining("; then ")),
                        outcome.tampering().isEmpty() ? "" : "; " + outcome.tampering(),
                        outcome.acknowledged(),
                        outcome.survivors(),
                        outcome.lastSeq(),
                        outcome.problems().isEmpty() ? "kept" : "BROKEN");
    }

    private static String line(Life life) {
        return life.end().isEmpty()
                ? life.what() + " after call " + life.call()
                : "%s %s call %d, %s"
                        .formatted(life.end(), life.moment(), life.call(), life.what());
    }

    /** The result as JSON; what differs from machine to machine is in {@code run} alone. */
    static String json(
            String harness, long seed, List<Outcome> outcomes, boolean secondReader, double seconds)
            throws IOException {
        var text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            var indenter = new DefaultIndenter("  ", "\n");
            json.setPrettyPrinter(new DefaultPrettyPrinter().withObjectIndenter(indenter));
            json.writeStartObject();
            json.writeNumberField("version", 1);
            json.writeStringField("harness", harness);
            json.writeNumberField("seed", seed);
            json.writeNumberField("iterations", outcomes.size());
            json.writeNumberField(
                    "violations", outcomes.stream().filter(o -> !o.problems().isEmpty()).count());
            json.writeArrayFieldStart("results");
            for (Outcome outcome : outcomes) write(json, outcome);
            json.writeEndArray();
            json.writeObjectFieldStart("run");
            json.writeNumberField("seconds", Math.round(seconds * 10) / 10.0);
            json.writeStringField("java", System.getProperty("java.runtime.version"));
            json.writeStringField("architecture", System.getProperty("os.arch"));
            json.writeBooleanField("second_reader", secondReader);
            json.writeEndObject();
            json.writeEndObject();
        }
        return text + "\n";
    }

    private static void write(JsonGenerator json, Outcome outcome) throws IOException {
        json.writeStartObject();
        json.writeNumberField("iteration", outcome.number());
        json.writeStringField("kind", CrashIteration.lower(outcome.kind()));
        json.writeArrayFieldStart("lives");
        for (Life life : outcome.lives()) {
            json.writeStartObject();
            json.writeNumberField("call", life.call());
            json.writeStringField("what", life.what());
            json.writeStringField("moment", life.moment());
            json.writeStringField("end", life.end());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeStringField("tampering", outcome.tampering());
        json.writeNumberField("acknowledged", outcome.acknowledged());
        json.writeNumberField("survivors", outcome.survivors());
        json.writeNumberField("last_seq", outcome.lastSeq());
        json.writeStringField("verdict", outcome.problems().isEmpty() ? "kept" : "broken");
        json.writeArrayFieldStart("problems");
        for (String problem : outcome.problems()) json.writeString(problem);
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void delete(Path directory) throws IOException {
        Files.walkFileTree(
                directory,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
                            throws IOException {
                        Files.delete(visited);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
