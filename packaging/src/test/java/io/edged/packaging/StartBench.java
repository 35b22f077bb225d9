package io.edged.packaging;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How long a built image takes from its start to the first request that it acknowledges, and what
 * it then keeps in memory: {@code StartBench STARTS IDLE_SECONDS DIRECTORY COMMAND...}. Each start
 * has an empty state directory below DIRECTORY and no upstream. The processor time is less shy of a
 * busy machine than the clock is.
 */
final class StartBench {
    private StartBench() {}

    public static void main(String[] args) throws Exception {
        int starts = Integer.parseInt(args[0]);
        int idleSeconds = Integer.parseInt(args[1]);
        List<String> command = List.of(args).subList(3, args.length);
        long[] millis = new long[starts];
        long[] processorMillis = new long[starts];
        String idle = "";
        for (int i = 0; i < starts; i++) {
            Path directory = Files.createTempDirectory(Path.of(args[2]), "start");
            int receiver = Application.freePort();
            Path config =
                    Application.configuration(
                            directory,
                            receiver,
                            Application.freePort(),
                            URI.create("http://127.0.0.1:" + Application.freePort()));
            var line = new ArrayList<String>(command);
            line.addAll(List.of("run", "--config", config.toString()));
            byte[] request = RoundTrip.request();
            long begun = System.nanoTime();
            try (var daemon = Application.start(line)) {
                RoundTrip.firstAnswer(daemon, receiver, request);
                millis[i] = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
                processorMillis[i] =
                        ProcessHandle.of(daemon.pid())
                                .flatMap(process -> process.info().totalCpuDuration())
                                .map(Duration::toMillis)
                                .orElse(0L);
                if (i == starts - 1) {
                    TimeUnit.SECONDS.sleep(idleSeconds);
                    idle = RoundTrip.memory(daemon.pid());
                }
                if (daemon.stop() != 0) throw new AssertionError(String.join("\n", daemon.lines()));
            }
            remove(directory);
        }
        Arrays.sort(millis);
        Arrays.sort(processorMillis);
        System.out.printf(
                "first accepted request after %d ms (median of %d; %d to %d), processor time %d ms%n",
                millis[starts / 2],
                starts,
                millis[0],
                millis[starts - 1],
                processorMillis[starts / 2]);
        System.out.printf("idle for %d s: %s%n", idleSeconds, idle);
    }

    private static void remove(Path directory) throws java.io.IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }
}
