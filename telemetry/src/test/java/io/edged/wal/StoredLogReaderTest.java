package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.disk.ReadOnlyDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;
import io.edged.wal.StoredLogReader.Next;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Readers and verifications beside a log that is being written, settled and reused. */
class StoredLogReaderTest {

    private static final int RECORDS = 3_000;
    private static final int IN_FLIGHT = 8;
    private static final WalOptions SMALL = LogFixture.options(64 << 10, 16 * (64 << 10));

    @TempDir private Path directory;

    private Wal open() throws IOException {
        return Wal.open(
                FileSystemDirectory.open(directory),
                SMALL,
                new WalEnvironment(
                        InstantSource.system(),
                        System::nanoTime,
                        new Random(3),
                        new SimpleMeterRegistry()));
    }

    /** An append that says when its fate is known; one that fails for want of room is not there. */
    private static final class Counted extends Append {
        private final AtomicInteger inFlight;

        Counted(byte[] body, AtomicInteger inFlight) {
            super(
                    Signal.LOGS,
                    ContentEncoding.IDENTITY,
                    true,
                    1,
                    LogFixture.direct(new byte[0]),
                    LogFixture.crc(body),
                    LogFixture.direct(body));
            this.inFlight = inFlight;
        }

        @Override
        protected void durable(long seq) {
            inFlight.decrementAndGet();
        }

        @Override
        protected void failed(WalException why) {
            inFlight.decrementAndGet();
        }
    }

    /** Appends and settles until all is written; segments are reused all the time. */
    private static long load(Wal log) throws IOException {
        Cursor cursor = log.cursor("sink", "all");
        var random = new Random(5);
        var inFlight = new AtomicInteger();
        long settled = 0;
        try (LogReader reader = log.reader(0)) {
            while (settled < RECORDS) {
                if (inFlight.get() < IN_FLIGHT) {
                    inFlight.incrementAndGet();
                    var append = new Counted(new byte[100 + random.nextInt(3_000)], inFlight);
                    if (log.offer(append) != Appender.Offer.QUEUED) inFlight.decrementAndGet();
                }
                if (reader.next() instanceof LogReader.Next.Read(Frame frame)) {
                    cursor.settle(frame, Settlement.delivered(1));
                    settled++;
                }
            }
        }
        return settled;
    }

    @Test
    void aLogUnderLoadIsNeverCalledDamaged() throws Exception {
        try (Wal log = open();
                ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<Long> written = threads.submit(() -> load(log));
            var readOnly = ReadOnlyDirectory.open(directory);
            int looks = 0;
            while (!written.isDone()) {
                LogVerifier.Verification found = LogVerifier.verify(readOnly, _ -> {});
                assertThat(found.findings())
                        .allSatisfy(finding -> assertThat(finding.code()).isEqualTo("TORN_TAIL"));
                contiguous(readOnly);
                looks++;
            }
            assertThat(written.get()).isEqualTo(RECORDS);
            assertThat(looks).isPositive();
        }
        assertThat(LogVerifier.verify(ReadOnlyDirectory.open(directory), _ -> {}).findings())
                .isEmpty();
    }

    /** Reads once through, bodies too: ascending, and what is missing was reused. */
    private static void contiguous(ReadOnlyDirectory directory) throws IOException {
        long expected = 0;
        try (var reader = new StoredLogReader(StoredLog.read(directory), 1, false)) {
            for (Next next = reader.next(); !(next instanceof Next.AtEnd); next = reader.next()) {
                switch (next) {
                    case Next.Read(Frame frame, int _, boolean _, long _) -> {
                        if (expected > 0) assertThat(frame.seq()).isEqualTo(expected);
                        expected = frame.seq() + 1;
                        ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
                        assertThat(reader.readBody(frame, body))
                                .isNotEqualTo(StoredLogReader.Body.DAMAGED);
                    }
                    case Next.Missing(long from, long to, String reason) -> {
                        assertThat(reason).isEqualTo("settled and reused");
                        if (expected > 0) assertThat(from).isEqualTo(expected);
                        expected = to + 1;
                    }
                    case Next.Damaged damage -> throw new AssertionError(damage);
                    case Next.AtEnd _ -> {}
                }
            }
        }
    }

    @Test
    void aFollowerSeesEveryRecordOnceFromSegmentToSegment() throws Exception {
        try (Wal log = open();
                ExecutorService threads = Executors.newSingleThreadExecutor()) {
            log.cursor("sink", "all"); // settles nothing, so nothing is reused
            int records = 150;
            Future<?> writing =
                    threads.submit(() -> {
                        for (int i = 0; i < records; ) {
                            var append = Written.batch(Signal.LOGS, new byte[2_000], 1);
                            if (log.offer(append) == Appender.Offer.QUEUED) i++;
                            else Thread.onSpinWait();
                        }
                    });
            var seqs = new ArrayList<Long>();
            var readOnly = ReadOnlyDirectory.open(directory);
            try (var reader = new StoredLogReader(StoredLog.read(readOnly), 1, true)) {
                while (seqs.size() < records)
                    if (reader.next() instanceof Next.Read read) seqs.add(read.frame().seq());
                assertThat(reader.next()).isInstanceOf(Next.AtEnd.class);
            }
            writing.get();
            List<Long> expected = new ArrayList<>();
            for (long seq = 1; seq <= records; seq++) expected.add(seq);
            assertThat(seqs).isEqualTo(expected);
        }
    }

    @Test
    void aListingThatMissedTheSegmentsIsMadeAgain() throws Exception {
        LogDirectory real = ReadOnlyDirectory.open(GoldenLogs.DIRECTORY.resolve("gap-listed/wal"));
        // The small files are looked for in listings, too, so each call in turn is the one that
        // misses.
        for (int call = 1; call <= 4; call++) {
            var left = new AtomicInteger(call);
            var misses =
                    (LogDirectory)
                            Proxy.newProxyInstance(
                                    getClass().getClassLoader(),
                                    new Class<?>[] {LogDirectory.class},
                                    (_, method, arguments) ->
                                            method.getName().equals("names")
                                                            && left.decrementAndGet() == 0
                                                    ? List.of()
                                                    : method.invoke(real, arguments));
            assertThat(StoredLog.read(misses).files()).isEqualTo(StoredLog.read(real).files());
            assertThat(left).hasNonPositiveValue();
        }
    }

    @Test
    void aReaderBeginsWhereItIsTold() throws Exception {
        StoredLog log =
                StoredLog.read(
                        ReadOnlyDirectory.open(GoldenLogs.DIRECTORY.resolve("gap-listed/wal")));
        try (var reader = new StoredLogReader(log, 5, false)) {
            assertThat(reader.next()).isEqualTo(new Next.Missing(5, 5, "corruption"));
            assertThat(((Next.Read) reader.next()).frame().seq()).isEqualTo(6);
        }
        try (var reader = new StoredLogReader(log, 8, false)) {
            assertThat(((Next.Read) reader.next()).frame().seq()).isEqualTo(8);
            assertThat(reader.next()).isInstanceOf(Next.AtEnd.class);
        }
        try (var reader = new StoredLogReader(log, 9, false)) {
            assertThat(reader.next()).isInstanceOf(Next.AtEnd.class);
        }
    }
}
