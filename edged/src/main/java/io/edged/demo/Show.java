package io.edged.demo;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;
import io.edged.sink.SinkStats;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * Sink, daemon and producer in one terminal: a line a second that says what was made, what is
 * durable, what has arrived. What a run leaves undelivered is delivered by the next one.
 */
public final class Show {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");
    private static final Duration LAST_DELIVERY = Duration.ofSeconds(3);

    private final DaemonLauncher launcher;
    private final LifeCycle lifeCycle;
    private final PrintStream out;

    public Show(DaemonLauncher launcher, LifeCycle lifeCycle, PrintStream out) {
        this.launcher = launcher;
        this.lifeCycle = lifeCycle;
        this.out = out;
    }

    /**
     * Runs until the life cycle is to stop, then ends all three in order.
     *
     * @param directory holds the generated {@code edge.toml} and the daemon's state; kept
     * @param run names this run of the producer
     * @param perSecond measurements a second
     * @return what the process is to say
     */
    public ExitCode run(Path directory, String run, int perSecond)
            throws IOException, InterruptedException {
        var loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (var sink = SinkServer.start(SinkOptions.at(loopback))) {
            Path config = configuration(directory, sink.address());
            LifeCycle.Stop stop;
            long made;
            DaemonCounts counts;
            try (RunningDaemon daemon = launcher.start(config, lifeCycle)) {
                introduce(config, sink, daemon);
                try (var producer = new Producer(url(daemon.otlp()), run)) {
                    try (var _ = new Pace("demo", perSecond, producer::round)) {
                        while (!lifeCycle.awaitStop(Duration.ofSeconds(1)))
                            print(producer.rounds(), daemon.counts(), sink.stats());
                    }
                    made = producer.rounds();
                }
                stop = lifeCycle.awaitStop();
                awaitDelivery(daemon);
                counts = daemon.counts();
            }
            summary(made, counts, sink.stats());
            return stop.code();
        }
    }

    /** Writes the daemon's configuration; its state stays from one run to the next. */
    static Path configuration(Path directory, InetSocketAddress sink) {
        Path config = directory.resolve("edge.toml");
        String text =
                """
                # Written anew by each run of "edged demo --all".
                [node]
                id = "demo"

                [storage]
                dir = "state"

                [receiver]
                http = "127.0.0.1:0"

                [admin]
                listen = "127.0.0.1:0"

                [[drain.destination]]
                name = "sink"
                endpoint = "%s"
                """
                        .formatted(url(sink));
        try {
            Files.createDirectories(directory);
            Files.writeString(config, text);
            return config;
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    "cannot write " + config + ": " + e + "; name another directory with --state",
                    e);
        }
    }

    private static URI url(InetSocketAddress address) {
        return URI.create("http://127.0.0.1:" + address.getPort());
    }

    private void introduce(Path config, SinkServer sink, RunningDaemon daemon) {
        URI admin = url(daemon.admin());
        out.println(
                "producer  ->  edged " + url(daemon.otlp()) + "  ->  sink " + url(sink.address()));
        out.println("metrics   " + admin + "/metrics");
        out.println("health    " + admin + "/livez?verbose  " + admin + "/readyz?verbose");
        out.println("outage    curl -X POST '" + url(sink.address()) + "/sink/fail?seconds=10'");
        out.println("config    " + config);
        out.println("Counted are log records, spans and metric points. Ctrl-C ends all three.");
    }

    private void print(long made, DaemonCounts counts, SinkStats arrived) {
        out.printf(
                Locale.ROOT,
                "%s  measurements %d  durable %d  delivered %d  waiting %d  repeats %d  on disk"
                        + " %.1f MB%n",
                LocalTime.now(ZoneId.systemDefault()).format(CLOCK),
                made,
                counts.acknowledgedItems(),
                arrived.allItems(),
                counts.waitingItems(),
                arrived.repeatedIds(),
                counts.diskBytes() / 1e6);
        out.flush();
    }

    /** A sink that is well gets the rest at once; one that fails keeps the stop waiting briefly. */
    private static void awaitDelivery(RunningDaemon daemon) throws InterruptedException {
        long deadline = System.nanoTime() + LAST_DELIVERY.toNanos();
        while (daemon.counts().waitingItems() > 0 && System.nanoTime() - deadline < 0)
            Thread.sleep(50);
    }

    private void summary(long made, DaemonCounts counts, SinkStats arrived) {
        out.printf(
                Locale.ROOT,
                "stopped: measurements %d, durable %d, delivered %d, missing %d, repeats %d%n",
                made,
                counts.acknowledgedItems(),
                arrived.allItems(),
                arrived.missingIds(),
                arrived.repeatedIds());
        if (counts.waitingItems() > 0)
            out.println(counts.waitingItems() + " items wait on disk for the next run");
        out.flush();
    }
}
