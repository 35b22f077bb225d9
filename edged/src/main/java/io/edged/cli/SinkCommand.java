package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.otlp.Signal;
import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;
import io.edged.sink.SinkStats;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** An upstream to try things out with: shows what arrives, fails when asked to. */
@Command(
        name = "sink",
        description =
                "Receives OTLP over HTTP or gRPC, shows what arrives, and fails when asked to.",
        mixinStandardHelpOptions = true)
final class SinkCommand implements Callable<Integer> {
    private static final int SHOWN_RECORDS = 3;

    private final Program program;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            description = "Where to listen (default: 127.0.0.1:4319).")
    private InetSocketAddress listen =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 4319);

    @Option(
            names = "--fail-for",
            paramLabel = "DURATION",
            description = "Answer 503 for the first 500ms, 10s, 5m …")
    private Duration failFor = Duration.ZERO;

    @Option(
            names = "--silent-for",
            paramLabel = "DURATION",
            description = "Answer nothing at all for the first 500ms, 10s, 5m …")
    private Duration silentFor = Duration.ZERO;

    @Option(
            names = "--discard-repeats",
            description = "Do not count uploads again all of whose parts are recorded.")
    private boolean discardRepeats;

    @Option(
            names = "--record",
            paramLabel = "FILE",
            description = "Write a line 'run signal id' for each numbered item.")
    private @Nullable Path record;

    SinkCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var lifeCycle = program.lifeCycle().get();
        var options =
                new SinkOptions(
                        listen, failFor, silentFor, discardRepeats, Optional.ofNullable(record));
        try (var sink = start(options)) {
            program.out().println("sink listens; address=" + sink.address());
            long shown = -1;
            while (!lifeCycle.awaitStop(Duration.ofSeconds(1))) {
                SinkStats stats = sink.stats();
                long now = stats.requests() + stats.refused();
                if (now != shown) print(stats);
                shown = now;
            }
            print(sink.stats());
            return lifeCycle.awaitStop().code().code();
        }
    }

    private static SinkServer start(SinkOptions options) {
        try {
            return SinkServer.start(options);
        } catch (IOException e) {
            throw new ExitException(ExitCode.CONFIGURATION, String.valueOf(e.getMessage()), e);
        }
    }

    private void print(SinkStats stats) {
        program.out()
                .println(
                        "requests "
                                + stats.requests()
                                + ", refused "
                                + stats.refused()
                                + ", logs "
                                + stats.items().getOrDefault(Signal.LOGS, 0L)
                                + ", points "
                                + stats.items().getOrDefault(Signal.METRICS, 0L)
                                + ", spans "
                                + stats.items().getOrDefault(Signal.TRACES, 0L)
                                + ", repeats "
                                + stats.repeatedIds()
                                + ", repeated batch parts "
                                + stats.repeatedBatchParts()
                                + ", missing "
                                + stats.missingIds());
        List<String> last = stats.lastRecords();
        last.subList(Math.max(0, last.size() - SHOWN_RECORDS), last.size())
                .forEach(line -> program.out().println("  " + line));
        program.out().flush();
    }
}
