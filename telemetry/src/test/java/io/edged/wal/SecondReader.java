package io.edged.wal;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The reader of the log that was written from the format document in another language, as one
 * process that is asked about many logs. Where it cannot run it has no opinion, and says so once.
 */
final class SecondReader implements AutoCloseable {

    private static final String PROGRAM =
            """
            import json, sys
            sys.dont_write_bytecode = True
            sys.path.insert(0, sys.argv[1])
            import wal_verify
            wal_verify.self_test()
            print("ready", flush=True)
            for line in sys.stdin:
                result = wal_verify.verify(line.rstrip("\\n"), None, True, None)
                print("" if result["ok"] else json.dumps(result["violations"]), flush=True)
            """;

    private final @Nullable Process process;
    private final @Nullable BufferedReader answers;
    private final @Nullable BufferedWriter questions;

    private SecondReader(@Nullable Process process) {
        this.process = process;
        answers = process == null ? null : process.inputReader(StandardCharsets.UTF_8);
        questions = process == null ? null : process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it; {@code script} is {@code wal_verify.py}. */
    static SecondReader start(Path script) throws IOException {
        if (!Files.exists(script)) return skipped("there is no " + script);
        Process process;
        try {
            process =
                    new ProcessBuilder(
                                    "python3",
                                    "-c",
                                    PROGRAM,
                                    script.toAbsolutePath().resolveSibling("").toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
        } catch (IOException e) {
            return skipped("python3 cannot be started");
        }
        var reader = new SecondReader(process);
        if (!"ready".equals(reader.answers().readLine()))
            throw new IOException("the second reader of the log does not start");
        return reader;
    }

    private static SecondReader skipped(String why) {
        System.out.println("SKIP the second reader of the log: " + why);
        return new SecondReader(null);
    }

    private BufferedReader answers() {
        if (answers == null) throw new IllegalStateException("it does not run");
        return answers;
    }

    boolean runs() {
        return process != null;
    }

    /**
     * What it finds wrong in the log in {@code directory}; empty if nothing, or if it does not run.
     */
    String violations(Path directory) throws IOException {
        BufferedWriter to = questions;
        if (to == null) return "";
        to.write(directory.toAbsolutePath() + "\n");
        to.flush();
        String answer = answers().readLine();
        if (answer == null) throw new IOException("the second reader of the log ended");
        return answer;
    }

    @Override
    public void close() throws IOException {
        if (questions != null) questions.close();
        if (process != null) process.destroy();
    }
}
