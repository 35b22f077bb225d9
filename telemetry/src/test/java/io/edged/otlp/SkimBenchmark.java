package io.edged.otlp;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;

/**
 * How fast one core skims typical logs. Not a test: run its main with the test class path. Prints
 * the best of several rounds in processor time, since everything slower is another program's doing.
 */
public final class SkimBenchmark {

    private SkimBenchmark() {}

    public static void main(String[] args) {
        byte[] body = Requests.typicalLogs(100);
        ByteBuffer buffer = ByteBuffer.allocateDirect(body.length).put(body).flip();
        var skim = new Skim(new byte[Skim.SCRATCH_BYTES]);
        var threads = ManagementFactory.getThreadMXBean();
        int repeats = 20_000;
        double best = 0;
        for (int round = 0; round < 15; round++) {
            long start = threads.getCurrentThreadCpuTime();
            long items = 0;
            for (int i = 0; i < repeats; i++) {
                skim.begin(Signal.LOGS);
                if (!skim.feed(buffer) || !skim.end())
                    throw new IllegalStateException(skim.malformed().describe());
                items += skim.items();
            }
            long nanos = threads.getCurrentThreadCpuTime() - start;
            if (items != 100L * repeats) throw new IllegalStateException("items " + items);
            best = Math.max(best, (double) body.length * repeats / nanos);
        }
        System.out.printf(
                "%d bytes, %d a record: %.2f GB/s, %.0f ns a record%n",
                body.length, body.length / 100, best, body.length / best / 100);
    }
}
