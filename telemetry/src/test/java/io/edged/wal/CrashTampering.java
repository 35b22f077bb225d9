package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.Signal;
import io.edged.wal.FrameParser.Parsed;
import io.edged.wal.LogFixture.Written;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** What happens to the files of a log between the death of its process and the next opening. */
final class CrashTampering {

    private static final List<Phantom> PHANTOMS = List.of(Phantom.values());

    /** Numbers of records that no process offers. */
    private static final int NEVER_OFFERED = 1_000_000_000;

    private CrashTampering() {}

    // ---- the power

    /**
     * Takes the power away: of the unforced bytes some units of 512 bytes or 4 KiB have reached the
     * disk and some have not, of the unforced changes of names only the oldest have.
     *
     * @param undo lines of the process that died
     * @return what was done, for the result
     */
    static String losePower(Path directory, List<String> undo, Random random) throws IOException {
        var writes = undo.stream().filter(line -> line.startsWith("undo write ")).toList();
        var names = undo.stream().filter(line -> !line.startsWith("undo write ")).toList();
        int unitBytes = random.nextBoolean() ? 512 : 4_096;
        int lost = 0;
        for (String file : writes.stream().map(line -> line.split(" ", -1)[2]).distinct().toList())
            lost +=
                    tear(
                            directory.resolve(file),
                            writes.stream()
                                    .filter(line -> line.split(" ", -1)[2].equals(file))
                                    .toList(),
                            unitBytes,
                            random);
        int undone = names.isEmpty() ? 0 : random.nextInt(names.size() + 1);
        for (int i = names.size() - 1; i >= names.size() - undone; i--)
            undoName(directory, names.get(i).split(" ", -1));
        return lost + " units of " + unitBytes + " and " + undone + " names lost";
    }

    /** Gives some units of the unforced ranges their old bytes back; how many. */
    private static int tear(Path path, List<String> writes, int unitBytes, Random random)
            throws IOException {
        byte[] now = Files.readAllBytes(path);
        byte[] old = now.clone();
        var unforced = new ArrayList<long[]>();
        for (int i = writes.size() - 1; i >= 0; i--) {
            String[] words = writes.get(i).split(" ", -1);
            int offset = Integer.parseInt(words[4]);
            int size = Integer.parseInt(words[5]);
            byte[] bytes = old(words);
            unforced.add(new long[] {offset, Math.max(now.length, offset + bytes.length)});
            old = Arrays.copyOf(old, size);
            System.arraycopy(bytes, 0, old, offset, bytes.length);
        }
        boolean oldSize = old.length != now.length && random.nextBoolean();
        byte[] after = Arrays.copyOf(now, oldSize ? old.length : now.length);
        int lost = 0;
        for (int from = 0; from < after.length; from += unitBytes) {
            int start = from;
            int end = Math.min(after.length, from + unitBytes);
            if (unforced.stream().noneMatch(range -> range[0] < end && range[1] > start)) continue;
            if (random.nextBoolean()) continue;
            lost++;
            for (int at = start; at < end; at++) after[at] = at < old.length ? old[at] : 0;
        }
        Files.write(path, after);
        return lost;
    }

    private static void undoName(Path directory, String[] words) throws IOException {
        Path path = directory.resolve(words[2]);
        switch (words[1]) {
            case "create" -> Files.delete(path);
            case "rename" -> {
                Files.move(path, directory.resolve(words[3]), StandardCopyOption.ATOMIC_MOVE);
                if (Long.parseLong(words[5]) > 0) Files.write(path, old(words));
            }
            case "delete" -> Files.write(path, old(words));
            default -> throw new IOException("cannot undo " + words[1]);
        }
    }

    private static byte[] old(String[] words) {
        return words[6].equals("-") ? new byte[0] : Base64.getDecoder().decode(words[6]);
    }

    // ---- phantoms

    /** Frames that nobody was told of, in the place of the group that was on its way. */
    enum Phantom {
        /** The first frame of a group whose rest is missing. */
        START_OF_A_GROUP,
        /** The last frame of a group, with its commit flag, whose start is missing. */
        END_OF_A_GROUP,
        /** A whole group of another segment of this log, as a recycled file still holds it. */
        OF_ANOTHER_SEGMENT,
        /** A whole group of a log with another id. */
        OF_ANOTHER_LOG
    }

    /**
     * Puts a phantom behind the last frame that somebody was told of, and zeros behind it.
     *
     * @param lastKnown the highest number that was acknowledged or shown
     * @return which one; empty if there is no segment or no room in it
     */
    static Optional<Phantom> injectPhantom(Path directory, long lastKnown, Random random)
            throws IOException {
        Phantom phantom = PHANTOMS.get(random.nextInt(PHANTOMS.size()));
        var disk = FileSystemDirectory.open(directory);
        Optional<SegmentName> last =
                disk.names().stream()
                        .flatMap(name -> SegmentName.parse(name).stream())
                        .max(SegmentName::compareTo);
        if (last.isEmpty()) return Optional.empty();
        SegmentName name = last.get();
        long end = 0;
        long seq = name.firstSeq();
        long fileBytes;
        try (LogFile file = disk.openReadOnly(name.file())) {
            fileBytes = file.size();
            var parser = new FrameParser(name, new ReadWindow(file, 64 << 10));
            while (parser.parse(end, fileBytes, true) instanceof Parsed.Intact intact
                    && intact.frame().seq() <= lastKnown) {
                end = intact.end();
                seq = intact.frame().seq() + 1;
            }
        }
        long start = end;
        byte[] content = neverOffered(random);
        byte[] frame = frame(phantom, name, seq, content);
        // The start of that group was torn off: no frame is shorter than what is missing there.
        if (phantom == Phantom.END_OF_A_GROUP)
            end += FrameFormat.MIN_BATCH_FRAME_BYTES + random.nextInt(3_000);
        if (end + frame.length > LogFixture.SMALL.segmentBytes()) return Optional.empty();
        try (var file = new RandomAccessFile(directory.resolve(name.file()).toFile(), "rw")) {
            if (fileBytes > start) {
                file.seek(start);
                file.write(new byte[(int) (Math.min(fileBytes, end) - start)]);
            }
            file.seek(end);
            file.write(frame);
            if (fileBytes > end + frame.length)
                file.write(new byte[(int) (fileBytes - end - frame.length)]);
        }
        return Optional.of(phantom);
    }

    /** A body that no process offers. */
    private static byte[] neverOffered(Random random) {
        var records = new CrashRecords(random.nextLong());
        for (int index = NEVER_OFFERED; ; index++) {
            Written record = records.append(index);
            if (!record.entry) return record.content;
        }
    }

    private static byte[] frame(Phantom phantom, SegmentName name, long seq, byte[] content) {
        return switch (phantom) {
            case START_OF_A_GROUP -> frame(name.logId(), name.firstSeq(), seq, 0, false, content);
            case END_OF_A_GROUP -> frame(name.logId(), name.firstSeq(), seq + 1, 1, true, content);
            case OF_ANOTHER_SEGMENT ->
                    frame(name.logId(), name.firstSeq() + 1, seq, 0, true, content);
            case OF_ANOTHER_LOG -> frame(name.logId() + 1, name.firstSeq(), seq, 0, true, content);
        };
    }

    /** The bytes of a batch frame as a writer of that log and segment would write it. */
    static byte[] frame(
            long logId, long segmentFirstSeq, long seq, int group, boolean commit, byte[] content) {
        Written append = Written.batch(Signal.LOGS, content, 1);
        ByteBuffer head = ByteBuffer.allocate(FrameFormat.MIN_BATCH_FRAME_BYTES);
        int bytes =
                new FrameFormat(logId, segmentFirstSeq)
                        .putBatchHead(head, append, seq, 1_000_000_000_000_000_000L, group, commit);
        return ByteBuffer.allocate(bytes).put(head).put(content).array();
    }
}
