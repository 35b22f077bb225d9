package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/**
 * One group from offer to durable on one thread, with appends that are used again, so that all that
 * is allocated is the log's. Run by {@code make bench-writer}.
 */
@NullUnmarked // JMH fills the fields before it measures
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 3)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=1g")
public class WriterJmh {

    /** Frames in one group. */
    @Param({"1", "64", "512"})
    int group;

    /** Bytes of a body. */
    @Param({"1024", "35840"})
    int bytes;

    private Path root;
    private Wal log;
    private Cursor cursor;
    private Reused[] appends;

    /** Used again after each group. */
    private static final class Reused extends Append {
        private final ByteBuffer content;

        Reused(ByteBuffer body, int crc) {
            super(Signal.LOGS, ContentEncoding.IDENTITY, true, 1, ByteBuffer.allocate(0), crc, body);
            this.content = body;
        }

        @Override
        protected void durable(long seq) {
            content.rewind();
        }

        @Override
        protected void failed(WalException why) {
            throw new IllegalStateException(why);
        }
    }

    public static void main(String[] args) throws Exception {
        new Runner(
                        new OptionsBuilder()
                                .include(WriterJmh.class.getName())
                                .jvmArgsAppend("-Dbench.directory=" + args[0])
                                .addProfiler(GCProfiler.class)
                                .build())
                .run();
    }

    @Setup(Level.Trial)
    public void open() throws IOException {
        root = Files.createTempDirectory(Path.of(System.getProperty("bench.directory")), "jmh");
        log =
                Wal.openStill(
                        FileSystemDirectory.open(root.resolve("wal")),
                        new WalOptions(
                                128 << 20,
                                4L << 30,
                                0,
                                64 << 20,
                                WalOptions.OnCorruption.FAIL,
                                new WalOptions.OnFull.Reject(),
                                Duration.ofSeconds(1)),
                        new WalEnvironment(
                                InstantSource.system(),
                                System::nanoTime,
                                new Random(1),
                                new SimpleMeterRegistry()));
        cursor = log.cursor("none", "all");
        byte[] content = new byte[bytes];
        new Random(1).nextBytes(content);
        CRC32C crc = new CRC32C();
        crc.update(content);
        appends = new Reused[group];
        for (int i = 0; i < group; i++)
            appends[i] =
                    new Reused(
                            ByteBuffer.allocateDirect(bytes).put(content).flip(),
                            (int) crc.getValue());
    }

    @Benchmark
    public long group() {
        long last = log.committedSeq() + group;
        for (Reused append : appends) log.offer(append);
        while (log.committedSeq() < last) {
            if (log.writerTurn() == LogWriter.Turn.WROTE) continue;
            // A segment is full: the keeper's turn, once in 128 MiB.
            cursor.passTo(log.committedSeq());
            log.keeperTurn();
        }
        return log.committedSeq();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        log.finish();
        WalBench.delete(root);
    }
}
