package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.edged.wal.LogFixture.Recovered;
import io.edged.wal.LogFixture.Written;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Opens logs that a disk has left behind, one after the other in one process, for a harness that
 * makes hundreds of such disks a minute. Each line of standard input names the directory of a log.
 * Each line of standard output answers one: {@code ok} and, for every batch that was recovered, the
 * CRC-32 of its body from the word {@code numbered} on, as {@code seq:crc}; or {@code failed} and
 * why.
 *
 * <p>A log is opened with damage being fatal, read, appended to, ended cleanly, and opened once
 * more, which must show the same records.
 *
 * <p>It needs the application's jars and this class's, nothing else.
 */
public final class ReplayedLogs {

    /** Small segments, for what is prepared ahead is written for every log. */
    private static final WalOptions OPTIONS =
            LogFixture.failing(LogFixture.options(128 << 10, 1L << 30));

    private static final byte[] NUMBERED = "numbered ".getBytes(StandardCharsets.UTF_8);

    private ReplayedLogs() {}

    /** Answers until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        var questions =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        long seed = 0;
        for (String line = questions.readLine(); line != null; line = questions.readLine())
            answers.println(answer(Path.of(line), ++seed));
    }

    private static String answer(Path directory, long seed) {
        try {
            return Files.isDirectory(directory) ? "ok" + recover(directory, seed) : "ok";
        } catch (IOException | RuntimeException e) {
            return "failed " + e.toString().replace('\n', ' ');
        }
    }

    private static String recover(Path directory, long seed) throws IOException {
        Wal log = open(directory, 2 * seed);
        List<Recovered> found = read(log);
        Written more = Written.event("{\"replayed\":true}");
        if (log.offer(more) != Appender.Offer.QUEUED)
            throw new IllegalStateException("a new record is refused");
        LogFixture.settle(log);
        long last = found.isEmpty() ? 0 : found.getLast().seq();
        if (more.durableSeq <= last)
            throw new IllegalStateException(
                    "a new record got seq " + more.durableSeq + " behind " + last);
        log.finish();

        Wal again = open(directory, 2 * seed + 1);
        List<Recovered> foundAgain = read(again);
        again.finish();
        List<Long> expected = new ArrayList<>(found.stream().map(Recovered::seq).toList());
        expected.add(more.durableSeq);
        List<Long> seqs = foundAgain.stream().map(Recovered::seq).toList();
        // What every cursor has settled may have been given back meanwhile.
        if (!expected.subList(Math.max(0, expected.size() - seqs.size()), expected.size())
                        .equals(seqs)
                || !seqs.contains(more.durableSeq))
            throw new IllegalStateException("the second opening shows other records");
        var text = new StringBuilder();
        for (Recovered record : found)
            if (!record.frame().isEntry())
                text.append(' ').append(record.seq()).append(':').append(crc(record.content()));
        return text.toString();
    }

    private static Wal open(Path directory, long seed) throws IOException {
        return Wal.openStill(
                FileSystemDirectory.open(directory), OPTIONS, LogFixture.environment(seed));
    }

    private static List<Recovered> read(Wal log) throws WalException {
        var missing = new ArrayList<SeqRange>();
        List<Recovered> found = LogFixture.readAll(log, log.status().oldestSeq() - 1, missing);
        if (!missing.isEmpty()) throw new IllegalStateException("missing " + missing);
        return found;
    }

    private static long crc(ByteBuffer content) {
        byte[] bytes = new byte[content.remaining()];
        content.duplicate().get(bytes);
        int from = 0;
        while (from + NUMBERED.length <= bytes.length && !isAt(bytes, from)) from++;
        var crc = new CRC32();
        crc.update(bytes, from, Math.max(0, bytes.length - from));
        return crc.getValue();
    }

    private static boolean isAt(byte[] bytes, int from) {
        for (int i = 0; i < NUMBERED.length; i++) if (bytes[from + i] != NUMBERED[i]) return false;
        return true;
    }
}
