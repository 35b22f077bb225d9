package io.edged.wal;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/**
 * Made the logs under {@code src/test/resources/golden/v1}, once. They are what this version of the
 * format looks like, for ever: tests read them and never make them again, and a later version gets
 * a directory of its own. Run it only to add a case, and let the others be.
 *
 * <p>Beside each log stands {@code expected.json}, written by hand here and not by the code under
 * test: what a verification must say.
 */
final class GoldenLogs {

    /** The logs of format version 1, as tests of this module find them. */
    static final Path DIRECTORY = Path.of("src/test/resources/golden/v1");

    private static final int SEED = 20_261_121;

    /**
     * What must be found.
     *
     * @param findings {@code CODE from-to}, or {@code CODE} alone
     * @param records the committed ones that are there
     * @param violations codes of the other reader, {@code wal_verify.py}
     */
    private record Expected(
            boolean sound, List<String> findings, String records, List<String> violations) {}

    private final Path target;

    private GoldenLogs(Path target) {
        this.target = target;
    }

    /** Makes every case that is not there yet, under the directory that is named. */
    public static void main(String[] args) throws IOException {
        var golden = new GoldenLogs(Path.of(args[0]));
        golden.clean();
        golden.uncleanEnd();
        golden.quarantined();
        golden.gapListed();
        golden.recycled();
        golden.badFrame();
        golden.dataLost();
        golden.damagedOlderSegment();
        golden.safePointBad();
        golden.positionsBad();
        golden.compressed();
    }

    // ---- what is in all of them

    /** Six frames in four groups: 1, 2-4, 5, 6; every signal, events, gzip, metadata. */
    private static void write(Wal log) throws IOException {
        var requests = new Requests(SEED);
        log.cursor("upstream", "all");
        log.offer(Written.batch(Signal.LOGS, Requests.typicalLogs(2), 2));
        LogFixture.settle(log);
        byte[] metrics = nonEmpty(requests, Signal.METRICS);
        log.offer(
                Written.batch(
                        Signal.METRICS,
                        metrics,
                        Requests.count(Signal.METRICS, metrics),
                        "{\"tenant\":\"a\"}"));
        log.offer(
                Written.event(
                        "{\"kind\":\"decision\",\"name\":\"brake\",\"value\":1.50,\"text\":\"Grüße\"}"));
        byte[] traces = nonEmpty(requests, Signal.TRACES);
        log.offer(Written.batch(Signal.TRACES, traces, Requests.count(Signal.TRACES, traces)));
        LogFixture.settle(log);
        log.offer(new Compressed(ContentEncoding.GZIP, gzip(Requests.typicalLogs(5)), 5, ""));
        LogFixture.settle(log);
        log.offer(Written.event("{\"kind\":\"error\",\"message\":\"no link\"}"));
        LogFixture.settle(log);
    }

    private static byte[] nonEmpty(Requests requests, Signal signal) throws IOException {
        byte[] body = requests.next(signal);
        while (Requests.count(signal, body) == 0) body = requests.next(signal);
        return body;
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(plain);
        }
        return bytes.toByteArray();
    }

    /** Logs that came compressed. */
    private static final class Compressed extends Append {
        Compressed(ContentEncoding encoding, byte[] body, int items, String metadata) {
            super(
                    Signal.LOGS,
                    encoding,
                    true,
                    items,
                    LogFixture.direct(metadata.getBytes(StandardCharsets.UTF_8)),
                    LogFixture.crc(body),
                    LogFixture.direct(body));
        }

        @Override
        protected void durable(long seq) {}

        @Override
        protected void failed(WalException why) {
            throw new IllegalStateException(why);
        }
    }

    /** One zstd frame (RFC 8878) of one raw block, with the length of the content in two bytes. */
    private static byte[] zstd(byte[] plain) {
        int header = plain.length << 3 | 1;
        return ByteBuffer.allocate(10 + plain.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0xFD2F_B528)
                .put((byte) 0x60) // the content length in two bytes, and no window
                .putShort((short) (plain.length - 256))
                .put((byte) header)
                .put((byte) (header >> 8))
                .put((byte) (header >> 16))
                .put(plain)
                .array();
    }

    private static CrashingDirectory stopped() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, SEED);
        write(log);
        log.finish();
        return disk;
    }

    private static List<SegmentName> segments(CrashingDirectory disk) throws IOException {
        var names = new ArrayList<SegmentName>();
        for (String name : disk.names()) SegmentName.parse(name).ifPresent(names::add);
        names.sort(Comparator.naturalOrder());
        return names;
    }

    /** Where the frames of a segment end. */
    private static List<Integer> ends(CrashingDirectory disk, SegmentName name) throws IOException {
        var ends = new ArrayList<Integer>();
        try (LogFile file = disk.openReadOnly(name.file())) {
            var parser = new FrameParser(name, new ReadWindow(file, 4_096));
            long offset = 0;
            while (parser.parse(offset, file.size(), true)
                    instanceof FrameParser.Parsed.Intact intact) {
                offset = intact.end();
                ends.add((int) offset);
            }
        }
        return ends;
    }

    // ---- the cases

    private void clean() throws IOException {
        save("clean", stopped(), new Expected(true, List.of(), "1-6", List.of()));
    }

    /** The machine stopped in the middle of a group of two; a zero-filled rest is behind. */
    private void uncleanEnd() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, SEED);
        write(log);
        byte[] safePoint = disk.content(SafePoint.FILE);
        byte[] positions = disk.content(Positions.FILE);
        log.offer(Written.batch(Signal.LOGS, Requests.typicalLogs(1), 1));
        log.offer(Written.batch(Signal.LOGS, Requests.typicalLogs(1), 1));
        LogFixture.settle(log);
        SegmentName name = segments(disk).getFirst();
        int firstEnd = ends(disk, name).get(6);
        byte[] content = disk.content(name.file());
        Arrays.fill(content, firstEnd + 100, content.length, (byte) 0);
        disk.put(name.file(), Arrays.copyOf(content, firstEnd + 4_000));
        disk.put(SafePoint.FILE, safePoint);
        disk.put(Positions.FILE, positions);
        for (String file : disk.names()) if (file.endsWith(Prepared.SUFFIX)) disk.remove(file);
        save("unclean-end", disk, new Expected(true, List.of("TORN_TAIL"), "1-6", List.of()));
    }

    private static CrashingDirectory withQuarantine() throws IOException {
        CrashingDirectory disk = stopped();
        SegmentName name = segments(disk).getFirst();
        disk.flipBit(name.file(), ends(disk, name).get(3) + 200, 3); // in the body of record 5
        LogFixture.open(disk, SEED + 1).finish();
        return disk;
    }

    private void quarantined() throws IOException {
        save("quarantined", withQuarantine(), new Expected(true, List.of(), "1-4,6", List.of()));
    }

    /** The log went on behind the gap, in a second segment, which begins with the loss event. */
    private void gapListed() throws IOException {
        CrashingDirectory disk = withQuarantine();
        Wal log = LogFixture.open(disk, SEED + 2);
        log.keeperTurn();
        LogFixture.settle(log);
        log.offer(Written.batch(Signal.LOGS, Requests.typicalLogs(1), 1));
        LogFixture.settle(log);
        log.finish();
        save("gap-listed", disk, new Expected(true, List.of(), "1-4,6-8", List.of()));
    }

    /** The newest segment is a used file: behind its few frames stand those of its earlier life. */
    private void recycled() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, SEED);
        Cursor cursor = log.cursor("upstream", "all");
        byte[] body = Requests.typicalLogs(20);
        for (int i = 0; i < 200 && !endsInUsedFile(disk); i++) {
            log.offer(Written.batch(Signal.LOGS, body, 20));
            LogFixture.settle(log);
            try (LogReader reader = log.reader(cursor.settledTo())) {
                while (reader.next() instanceof LogReader.Next.Read(Frame frame))
                    cursor.settle(frame, Settlement.delivered(frame.items()));
            }
            log.keeperTurn();
        }
        if (!endsInUsedFile(disk)) throw new IllegalStateException("nothing was recycled");
        for (String file : disk.names()) if (file.endsWith(Prepared.SUFFIX)) disk.remove(file);
        SegmentName name = segments(disk).getLast();
        long last = name.firstSeq() + ends(disk, name).size() - 1;
        save(
                "recycled",
                disk,
                new Expected(
                        true,
                        List.of(),
                        segments(disk).getFirst().firstSeq() + "-" + last,
                        List.of()));
    }

    /** Whether something stands behind the frames of the newest segment. */
    private static boolean endsInUsedFile(CrashingDirectory disk) throws IOException {
        if (segments(disk).isEmpty()) return false;
        SegmentName name = segments(disk).getLast();
        List<Integer> ends = ends(disk, name);
        if (ends.isEmpty() || name.firstSeq() == 1) return false;
        byte[] content = disk.content(name.file());
        for (int i = ends.getLast(); i < content.length; i++) if (content[i] != 0) return true;
        return false;
    }

    private void badFrame() throws IOException {
        CrashingDirectory disk = stopped();
        SegmentName name = segments(disk).getFirst();
        disk.flipBit(name.file(), ends(disk, name).get(0) + 30, 0); // in the header of record 2
        save(
                "bad-frame",
                disk,
                new Expected(false, List.of("BAD_FRAME 2-2"), "1,3-6", List.of("header")));
    }

    private void dataLost() throws IOException {
        CrashingDirectory disk = stopped();
        SegmentName name = segments(disk).getFirst();
        int end = ends(disk, name).get(3);
        disk.put(name.file(), Arrays.copyOf(disk.content(name.file()), end));
        save(
                "data-lost",
                disk,
                new Expected(
                        false,
                        List.of("COMMITTED_DATA_LOST 5-6"),
                        "1-4",
                        List.of("missing", "safe_seq", "counted_to")));
    }

    private void damagedOlderSegment() throws IOException {
        CrashingDirectory disk = stopped();
        SegmentName name = segments(disk).getFirst();
        List<Integer> ends = ends(disk, name);
        Wal log = LogFixture.open(disk, SEED + 1);
        log.offer(Written.batch(Signal.LOGS, Requests.typicalLogs(1), 1));
        LogFixture.settle(log);
        log.finish();
        disk.flipBit(name.file(), ends.get(4) + 60, 5); // in the event of record 6
        save(
                "damaged-older-segment",
                disk,
                new Expected(false, List.of("BAD_FRAME 6-6"), "1-5,7", List.of("entry_crc")));
    }

    private void safePointBad() throws IOException {
        CrashingDirectory disk = stopped();
        disk.flipBit(SafePoint.FILE, 0, 1);
        save(
                "safe-point-bad",
                disk,
                new Expected(false, List.of("SAFE_POINT_BAD"), "1-6", List.of("safe_crc")));
    }

    private void positionsBad() throws IOException {
        CrashingDirectory disk = stopped();
        disk.flipBit(Positions.FILE, 40, 1);
        save(
                "positions-bad",
                disk,
                new Expected(false, List.of("POSITIONS_BAD"), "1-6", List.of("pos_crc")));
    }

    /** Bodies in every encoding, of a lane that their metadata names. */
    private void compressed() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, SEED);
        log.cursor("upstream", "all");
        byte[] plain = Requests.typicalLogs(3);
        log.offer(new Compressed(ContentEncoding.ZSTD, zstd(plain), 3, "{\"lane\":\"urgent\"}"));
        log.offer(new Compressed(ContentEncoding.GZIP, gzip(plain), 3, "{\"lane\":\"urgent\"}"));
        log.offer(new Compressed(ContentEncoding.IDENTITY, plain, 3, ""));
        LogFixture.settle(log);
        log.finish();
        save("compressed", disk, new Expected(true, List.of(), "1-3", List.of()));
    }

    // ---- to files

    private void save(String name, CrashingDirectory disk, Expected expected) throws IOException {
        Path folder = target.resolve(name);
        if (Files.exists(folder)) return;
        copy(disk, folder.resolve("wal"));
        CrashingDirectory quarantine = disk.subdirectory("quarantine");
        if (!quarantine.names().isEmpty()) copy(quarantine, folder.resolve("wal/quarantine"));
        Files.writeString(
                folder.resolve("expected.json"),
                "{\"sound\":%s,\"findings\":%s,\"records\":\"%s\",\"violations\":%s}%n"
                        .formatted(
                                expected.sound(),
                                list(expected.findings()),
                                expected.records(),
                                list(expected.violations())),
                StandardCharsets.US_ASCII);
    }

    private static String list(List<String> texts) {
        return texts.isEmpty() ? "[]" : "[\"" + String.join("\",\"", texts) + "\"]";
    }

    private static void copy(CrashingDirectory from, Path to) throws IOException {
        Files.createDirectories(to);
        for (String name : from.names()) {
            try (LogFile file = from.openReadOnly(name)) {
                ByteBuffer content = ByteBuffer.allocate((int) file.size());
                while (content.hasRemaining() && file.read(content, content.position()) > 0) {
                    // A short read continues where it ended.
                }
                Files.write(to.resolve(name), content.array());
            }
        }
    }
}
