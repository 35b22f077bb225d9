package io.edged.wal;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Starts a {@link CrashChild}, hears what it says, and gives it the SIGKILL that it waits for. */
final class CrashProcess {

    private static final int PATIENCE_SECONDS = 60;

    /**
     * What starts a virtual machine: words of {@code crash.child.command}, for one that is started
     * through an emulator or a loader of its own, else what this process was started by.
     */
    private static final List<String> JAVA =
            Optional.ofNullable(System.getProperty("crash.child.command"))
                    .map(words -> List.of(words.split(" ", -1)))
                    .orElseGet(
                            () -> List.of(ProcessHandle.current().info().command().orElse("java")));

    private CrashProcess() {}

    /**
     * How a process ended.
     *
     * @param opened calls that opening the log took; -1 if it died before that was done
     * @param calls calls in all, the last one included
     * @param what the call in which it died; empty if it ended cleanly
     * @param undo lines that say what undoes the unforced changes
     */
    record Ended(long opened, long calls, String what, List<String> undo) {
        boolean died() {
            return !what.isEmpty();
        }
    }

    /** Lets it live as ordered. */
    static Ended run(CrashLife life, CrashClaims claims, Path log) throws IOException {
        Process process = start(life, log);
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            long opened = -1;
            var undo = new ArrayList<String>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                claims.hear(line);
                String[] words = line.split(" ", 3);
                switch (words[0]) {
                    case "opened" -> opened = Long.parseLong(words[1]);
                    case "undo" -> undo.add(line);
                    case "stopped" -> {
                        end(process, 0, log);
                        return new Ended(opened, Long.parseLong(words[1]), "", undo);
                    }
                    case "dies" -> {
                        if (life.end() == CrashLife.End.SIGKILL)
                            process.toHandle().destroyForcibly();
                        end(process, 137, log);
                        return new Ended(opened, Long.parseLong(words[1]), words[2], undo);
                    }
                    default -> {
                        // A claim.
                    }
                }
            }
            end(process, 137, log);
            throw new IOException("the process ended without a word, see " + log);
        } finally {
            process.destroyForcibly();
        }
    }

    /**
     * Lets it work and kills it.
     *
     * @param opened whether the time counts from when the log is open or from the start
     */
    static void runAndKill(
            CrashLife life, CrashClaims claims, boolean opened, long afterMillis, Path log)
            throws IOException {
        Process process = start(life, log);
        try {
            var speaks = new CountDownLatch(1);
            Thread reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (BufferedReader lines =
                                        process.inputReader(StandardCharsets.UTF_8)) {
                                    for (String line = lines.readLine();
                                            line != null;
                                            line = lines.readLine()) {
                                        claims.hear(line);
                                        speaks.countDown();
                                    }
                                } catch (IOException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
            if (opened && !speaks.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                throw new IOException("the log was not opened, see " + log);
            // The moment is what this is about: any will do.
            process.waitFor(afterMillis, TimeUnit.MILLISECONDS);
            // Not the process itself, which would close the pipe before it is read to its end.
            process.toHandle().destroyForcibly();
            end(process, 137, log);
            reader.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }

    private static Process start(CrashLife life, Path log) throws IOException {
        var command =
                new ArrayList<>(
                        List.of(
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-XX:-UsePerfData",
                                "-Xshare:auto",
                                "-Xmx64m",
                                "-classpath",
                                System.getProperty("java.class.path"),
                                CrashChild.class.getName()));
        command.addAll(0, JAVA);
        command.addAll(life.arguments());
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(new File(log.toString())))
                .start();
    }

    private static void end(Process process, int expected, Path log) throws IOException {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                throw new IOException("the process does not end, see " + log);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        if (process.exitValue() != expected)
            throw new IOException(
                    "the process left with "
                            + process.exitValue()
                            + " instead of "
                            + expected
                            + ", see "
                            + log);
    }
}
