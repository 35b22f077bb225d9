package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the kernel sees of one request: the answer leaves after the force that covers it. */
class SystemCallTest {

    private static final Pattern CALL =
            Pattern.compile("^\\d+ +[\\d.]+ (?:<\\.\\.\\. )?(\\w+)(?:\\((\\d+)?| resumed).*");

    @TempDir Path directory;

    private static boolean hasStrace() {
        try {
            return new ProcessBuilder("strace", "-V").redirectErrorStream(true).start().waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Test
    void theAnswerLeavesAfterTheForceThatCoversIt() throws IOException, InterruptedException {
        boolean traced = hasStrace();
        if (!traced) System.out.println("SKIP order of system calls: strace is not installed");
        assumeTrue(traced, "strace is not installed");
        Path trace = directory.resolve("trace");
        int receiver = Application.freePort();
        URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
        Path config =
                Application.configuration(
                        directory, receiver, admin.getPort(), URI.create("http://127.0.0.1:1"));
        try (var daemon =
                Application.start(
                        List.of(
                                "strace",
                                "-f",
                                "-qq",
                                "-ttt",
                                "-s",
                                "64",
                                "-o",
                                trace.toString(),
                                "-e",
                                "trace=read,writev,pwrite64,write,fdatasync,fsync",
                                "sh",
                                Application.LAUNCHER.toString(),
                                "run",
                                "--config",
                                config.toString()))) {
            daemon.awaitReady(admin);
            try (var load =
                    new LoadGenerator(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), receiver),
                            1,
                            LoadGenerator.logs(10, 430, 1))) {
                assertThat(load.run(300).accepted()).isPositive();
            }
        }
        List<String> steps = steps(Files.readAllLines(trace));
        int answers = 0;
        for (int i = 0; i < steps.size(); i++) {
            if (!steps.get(i).equals("answer")) continue;
            answers++;
            List<String> before = steps.subList(0, i);
            int request = before.lastIndexOf("request");
            int write = before.lastIndexOf("log");
            int force = before.lastIndexOf("forced");
            assertThat(request).as("answer %d in %s", answers, before).isNotNegative();
            assertThat(write).as("the log is written after the request").isGreaterThan(request);
            assertThat(force)
                    .as("the force ends after the write and before the answer")
                    .isGreaterThan(write);
        }
        assertThat(answers).isPositive();
        System.out.println(
                "order of system calls: "
                        + answers
                        + " answers, each after request, log write, fdatasync");
    }

    /** The calls that matter, in the order in which they ended. */
    private static List<String> steps(List<String> lines) {
        var steps = new ArrayList<String>();
        for (String line : lines) {
            Matcher call = CALL.matcher(line);
            if (!call.matches()) continue;
            String name = call.group(1);
            boolean begun = line.contains("<unfinished ...>");
            if (name.equals("read") && line.contains("POST /v1/logs")) steps.add("request");
            else if (name.equals("fdatasync") && !begun && line.contains("= 0"))
                steps.add("forced");
            else if (name.startsWith("write") && line.contains("application/x-protobuf"))
                steps.add("answer");
            else if (name.equals("writev") && !line.contains("HTTP/1.1")) steps.add("log");
        }
        return steps;
    }
}
