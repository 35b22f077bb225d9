package io.edged.wal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import javax.tools.ToolProvider;

/**
 * Proves that the tests can fail. Each file in {@code src/test/mutants} is one deliberate mistake
 * in the log: lines of a source, what they become, and the tests that have to notice. The changed
 * source is compiled beside the real classes, never over them, and each of its tests has to fail.
 *
 * <pre>
 * why   one line for people
 * test  io.edged.wal.SomeTest#someMethod     (as many as there are)
 * file  wal/SomeSource.java                  (below io/edged)
 * &lt;&lt;&lt;&lt;
 * text that occurs exactly once, the end of its last line not included
 * ====
 * text that stands there instead
 * &gt;&gt;&gt;&gt;
 * </pre>
 *
 * A mutant whose lines are no longer in the source is an error: the proof has to be kept up.
 */
public final class Mutants {

    private static final int PATIENCE_SECONDS = 300;

    private record Hunk(String before, String after) {}

    private record Mutant(
            String name, String why, List<String> tests, String file, List<Hunk> hunks) {}

    private final Path sources;
    private final Path work;

    private Mutants(Path sources, Path work) {
        this.sources = sources;
        this.work = work;
    }

    /** Arguments: directory of the mutants, of the sources, to work in; then perhaps one name. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        var mutants = new ArrayList<Mutant>();
        try (var files = Files.list(Path.of(arguments[0]))) {
            for (Path file : files.sorted().toList())
                if (file.toString().endsWith(".mutant")) mutants.add(parse(file));
        }
        if (arguments.length > 3) mutants.removeIf(mutant -> !mutant.name().equals(arguments[3]));
        if (mutants.isEmpty()) throw new IOException("no mutants in " + arguments[0]);
        System.exit(new Mutants(Path.of(arguments[1]), Path.of(arguments[2])).run(mutants) ? 0 : 1);
    }

    private static Mutant parse(Path path) throws IOException {
        String why = "";
        String file = "";
        var tests = new ArrayList<String>();
        var hunks = new ArrayList<Hunk>();
        List<String> lines = Files.readAllLines(path);
        for (int at = 0; at < lines.size(); at++) {
            String line = lines.get(at);
            if (line.startsWith("why ")) why = line.substring(4).strip();
            else if (line.startsWith("test ")) tests.add(line.substring(5).strip());
            else if (line.startsWith("file ")) file = line.substring(5).strip();
            else if (line.equals("<<<<")) {
                int middle = at + lines.subList(at, lines.size()).indexOf("====");
                int end = at + lines.subList(at, lines.size()).indexOf(">>>>");
                if (middle < at || end < middle)
                    throw new IOException(path + " line " + (at + 1) + ": no ==== and >>>> follow");
                hunks.add(
                        new Hunk(
                                String.join("\n", lines.subList(at + 1, middle)),
                                String.join("\n", lines.subList(middle + 1, end))));
                at = end;
            } else {
                throw new IOException(path + " line " + (at + 1) + ": not understood: " + line);
            }
        }
        if (why.isEmpty() || file.isEmpty() || tests.isEmpty() || hunks.isEmpty())
            throw new IOException(path + ": why, test, file and a change are needed");
        String name = String.valueOf(path.getFileName());
        return new Mutant(
                name.substring(0, name.length() - ".mutant".length()), why, tests, file, hunks);
    }

    private boolean run(List<Mutant> mutants) throws IOException, InterruptedException {
        for (Mutant mutant : mutants) compile(mutant);
        Set<String> tests = new LinkedHashSet<>();
        for (Mutant mutant : mutants) tests.addAll(mutant.tests());
        Path none = Files.createDirectories(work.resolve("none"));
        for (String test : tests) {
            if (fails(none, test))
                throw new IOException(test + " fails without any mutant, so it proves nothing");
        }
        boolean all = true;
        for (Mutant mutant : mutants) {
            for (String test : mutant.tests()) {
                boolean caught = fails(overlay(mutant), test);
                all &= caught;
                System.out.printf(
                        "%-8s %-42s %s%n",
                        caught ? "caught" : "SURVIVED",
                        mutant.name(),
                        test.substring(test.lastIndexOf('.') + 1));
            }
        }
        System.out.printf(
                "%d mutants, %s%n", mutants.size(), all ? "each caught" : "NOT all caught");
        return all;
    }

    private Path overlay(Mutant mutant) {
        return work.resolve(mutant.name()).resolve("classes");
    }

    private void compile(Mutant mutant) throws IOException {
        Path source = sources.resolve("io/edged").resolve(mutant.file());
        String text = Files.readString(source);
        for (Hunk hunk : mutant.hunks()) {
            int at = text.indexOf(hunk.before());
            if (at < 0 || text.indexOf(hunk.before(), at + 1) >= 0)
                throw new IOException(
                        mutant.name()
                                + " no longer applies: these lines are "
                                + (at < 0 ? "not" : "more than once")
                                + " in "
                                + source
                                + ":\n"
                                + hunk.before());
            text =
                    text.substring(0, at)
                            + hunk.after()
                            + text.substring(at + hunk.before().length());
        }
        Path overlay = Files.createDirectories(overlay(mutant));
        Path changed =
                Files.createDirectories(work.resolve(mutant.name()).resolve("sources"))
                        .resolve(source.getFileName());
        Files.writeString(changed, text);
        var compiler =
                Objects.requireNonNull(
                        ToolProvider.getSystemJavaCompiler(), "a JDK is needed, not a runtime");
        int result =
                compiler.run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-nowarn",
                        "-d",
                        overlay.toString(),
                        "-classpath",
                        System.getProperty("java.class.path"),
                        changed.toString());
        if (result != 0) throw new IOException(mutant.name() + " does not compile");
    }

    /** Whether a test fails with the classes in {@code overlay} in front of the real ones. */
    private boolean fails(Path overlay, String test) throws IOException, InterruptedException {
        Path output = work.resolve("output.log");
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "-Xmx512m",
                                "-classpath",
                                overlay + ":" + System.getProperty("java.class.path"),
                                MutantRun.class.getName(),
                                test)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                throw new IOException(test + " does not end with " + overlay);
        } finally {
            process.destroyForcibly();
        }
        return switch (process.exitValue()) {
            case MutantRun.PASSED -> false;
            case MutantRun.FAILED -> true;
            default ->
                    throw new IOException(
                            test
                                    + " could not be run with "
                                    + overlay
                                    + ":\n"
                                    + Files.readString(output, StandardCharsets.UTF_8));
        };
    }
}
