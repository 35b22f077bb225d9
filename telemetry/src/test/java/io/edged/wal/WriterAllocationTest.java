package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import io.edged.disk.FileSystemDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What the writer thread takes from the heap while it writes groups into one segment, by the
 * virtual machine's own count for the thread. The test is the writer thread.
 */
class WriterAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int GROUPS = 200;

    /** Compilers need some of these before they have removed what the interpreter allocates. */
    private static final int MAX_ROUNDS = 60;

    @TempDir private Path root;

    /** An append that is offered again after each group. */
    private static final class Reused extends Append {
        private final ByteBuffer content;

        private Reused(ByteBuffer body, int crc) {
            super(
                    Signal.LOGS,
                    ContentEncoding.IDENTITY,
                    true,
                    1,
                    LogFixture.direct("{\"tenant\":\"a\"}".getBytes(StandardCharsets.UTF_8)),
                    crc,
                    body);
            content = body;
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

    @ParameterizedTest
    @ValueSource(ints = {1, 64})
    void aGroupCostsTheWriterNoHeap(int appends) throws IOException {
        Wal log =
                Wal.openStill(
                        FileSystemDirectory.open(root.resolve("wal")),
                        LogFixture.options(128 << 20, 4L << 30),
                        new WalEnvironment(
                                InstantSource.system(),
                                System::nanoTime,
                                new Random(1),
                                new SimpleMeterRegistry()));
        log.cursor("upstream", "all");
        byte[] body = Requests.typicalLogs(1);
        List<Reused> group = new ArrayList<>();
        for (int i = 0; i < appends; i++)
            group.add(new Reused(LogFixture.direct(body), LogFixture.crc(body)));
        write(log, group);
        var rounds = new ArrayList<Long>();
        do {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < GROUPS; i++) write(log, group);
            rounds.add(THREADS.getCurrentThreadAllocatedBytes() - before);
        } while (rounds.getLast() != 0 && rounds.size() < MAX_ROUNDS);
        log.finish();
        assertThat(rounds.getLast())
                .as("bytes in rounds of %s groups: %s", GROUPS, rounds)
                .isZero();
    }

    /** Makes one group durable; a round in which a segment ends is not free. */
    private static void write(Wal log, List<Reused> group) {
        for (int i = 0; i < group.size(); i++) log.offer(group.get(i));
        long last = log.committedSeq() + group.size();
        while (log.committedSeq() < last)
            if (log.writerTurn() == LogWriter.Turn.WAITING) log.keeperTurn();
    }
}
