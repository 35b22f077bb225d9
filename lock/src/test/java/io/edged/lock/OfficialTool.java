package io.edged.lock;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code b3sum}, the program of the authors of BLAKE3. */
final class OfficialTool {

    private OfficialTool() {}

    static boolean isInstalled() {
        try {
            return new ProcessBuilder("b3sum", "--version").start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    static void assumeInstalled() {
        boolean installed = isInstalled();
        if (!installed) System.out.println("SKIP equality with b3sum: b3sum is not installed");
        assumeTrue(installed, "b3sum is not installed");
    }

    /** The hash of each file, as digits. */
    static List<String> hashes(List<Path> files) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("b3sum", "--no-names", "--num-threads", "1"));
        files.forEach(file -> command.add(file.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) throw new AssertionError(said);
        return said.lines().toList();
    }
}
