package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The end of a process can only be seen from outside, so each test starts one. */
class LifeCycleTest {

    /** A program with one thing to close. */
    static final class Victim {
        private Victim() {}

        public static void main(String[] args) throws InterruptedException {
            var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT);
            var lifeCycle =
                    LifeCycle.install(Duration.ofMillis(Long.parseLong(args[1])), logging::close);
            if (args[0].equals("fail")) lifeCycle.stop(ExitCode.STORAGE_FAILED, "disk gone");
            System.out.println("started");
            var stop = lifeCycle.awaitStop();
            System.out.println("closing");
            if (args[0].equals("hang")) Thread.sleep(60_000);
            // A second signal finds a stop that has not ended yet.
            if (args[0].equals("slow")) {
                try {
                    var _ = System.in.read();
                } catch (IOException e) {
                    System.out.println(e);
                }
            }
            System.getLogger("io.edged.test.Victim").log(System.Logger.Level.INFO, "closed");
            lifeCycle.exit(stop.code());
        }
    }

    private record Ended(int code, List<String> out, List<String> err) {}

    private static Process start(String... args) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx64m", "-cp", System.getProperty("java.class.path")));
        command.add(Victim.class.getName());
        command.addAll(List.of(args));
        return new ProcessBuilder(command).start();
    }

    /** {@link Process#destroy} would close the streams that the tests read. */
    private static void signal(Process process, String name)
            throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }

    private static BufferedReader reader(Process process) {
        return process.inputReader(StandardCharsets.UTF_8);
    }

    private static Ended end(Process process, BufferedReader out)
            throws IOException, InterruptedException {
        try {
            List<String> lines = out.lines().toList();
            List<String> errors = process.errorReader(StandardCharsets.UTF_8).lines().toList();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return new Ended(process.exitValue(), lines, errors);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aSignalEndsInOrderWithZeroAndTheLastLinesAreWritten() throws Exception {
        Process process = start("normal", "20000");
        BufferedReader out = reader(process);
        assertThat(out.readLine()).isEqualTo("started");
        signal(process, "TERM");
        Ended ended = end(process, out);
        assertThat(ended.code()).isZero();
        assertThat(ended.out()).containsExactly("closing");
        assertThat(ended.err())
                .satisfiesExactly(
                        line -> assertThat(line).contains("msg=stopping reason=signal"),
                        line -> assertThat(line).contains("msg=closed"));
    }

    @Test
    void aSecondSignalChangesNothing() throws Exception {
        Process process = start("slow", "20000");
        BufferedReader out = reader(process);
        assertThat(out.readLine()).isEqualTo("started");
        signal(process, "TERM");
        assertThat(out.readLine()).isEqualTo("closing");
        signal(process, "TERM");
        signal(process, "INT");
        process.getOutputStream().close();
        assertThat(end(process, out).code()).isZero();
    }

    @Test
    void aStopFromInsideKeepsItsCode() throws Exception {
        Process process = start("fail", "20000");
        Ended ended = end(process, reader(process));
        assertThat(ended.code()).isEqualTo(ExitCode.STORAGE_FAILED.code());
        assertThat(ended.err().getFirst()).contains("reason=\"disk gone\"");
        assertThat(ended.err().getLast()).contains("msg=closed");
    }

    @Test
    void aStopThatHangsEndsAtItsDeadlineAndSaysSo() throws Exception {
        Process process = start("hang", "300");
        BufferedReader out = reader(process);
        assertThat(out.readLine()).isEqualTo("started");
        signal(process, "TERM");
        Ended ended = end(process, out);
        assertThat(ended.code()).isEqualTo(ExitCode.INTERNAL.code());
        assertThat(ended.err()).anyMatch(line -> line.contains("the stop took too long"));
    }
}
