package io.edged.packaging;

import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Programs of this machine that a test makes disks and links with. */
final class Commands {

    /** It ran and said no. */
    static final class Failed extends IOException {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message);
        }
    }

    private Commands() {}

    /** Skips the test, with a word, where one is missing or the user is not root. */
    static void needs(String... programs) throws IOException {
        if (!System.getProperty("user.name").equals("root")) skipped("needs root");
        for (String program : programs)
            if (!succeeds("sh", "-c", "command -v " + program)) skipped(program + " is missing");
    }

    /** Ends the test as skipped. */
    static void skipped(String why) {
        System.out.println("SKIP a test on a real disk or link: " + why);
        Assumptions.abort(why);
    }

    private static boolean succeeds(String... command) throws IOException {
        try {
            run(command);
            return true;
        } catch (Failed e) {
            return false;
        }
    }

    /**
     * Runs it to its end.
     *
     * @return what it printed
     * @throws Failed it ended with another status than 0
     */
    static String run(String... command) throws IOException {
        return run(List.of(command));
    }

    static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0)
                throw new Failed(String.join(" ", command) + ": " + output.strip());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        return output;
    }
}
