package io.edged.wal;

import io.edged.disk.DyingDirectory;
import io.edged.disk.DyingDirectory.Undo;
import io.edged.disk.FileSystemDirectory;
import io.edged.wal.LogFixture.Written;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;

/**
 * The process that dies: one appender writes records into a log, takes the turns of the log's two
 * workers in an order that the seed gives, reads, settles, and is gone at an ordered call. What it
 * promises and sees it says on standard output, one line each, written through before it goes on.
 *
 * <p>It needs the application's jars and this class's, nothing else.
 */
public final class CrashChild {

    /** What the log is read by. */
    static final List<String> CURSORS = List.of("one", "two");

    private static final int IN_FLIGHT = 8;

    private final CrashLife life;
    private final CrashRecords records;
    private final Random random;
    private final OutputStream out;

    private CrashChild(CrashLife life, OutputStream out) {
        this.life = life;
        this.records = new CrashRecords(life.seed());
        this.random = new Random(life.seed() * 31 + life.life());
        this.out = out;
    }

    /** Lives as {@link CrashLife#parse} tells. */
    public static void main(String[] arguments) throws Exception {
        var life = CrashLife.parse(arguments);
        // Unbuffered: a line is one write to the pipe, which is there as a whole or not at all.
        var child = new CrashChild(life, new FileOutputStream(FileDescriptor.out));
        if (life.end() == CrashLife.End.OUTSIDE) child.runUntilKilled();
        else child.run();
    }

    private synchronized void say(String line) {
        try {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- one thread, every call in its place

    private void run() throws IOException {
        var holder = new DyingDirectory[1];
        var directory =
                new DyingDirectory(
                        FileSystemDirectory.open(life.directory()),
                        life.call(),
                        life.moment(),
                        (call, what) -> die(holder[0], call, what));
        holder[0] = directory;
        Wal log =
                Wal.openStill(
                        directory,
                        LogFixture.SMALL,
                        LogFixture.environment(life.seed() * 1_000 + life.life()));
        List<Cursor> cursors = cursors(log);
        say("opened " + directory.calls());
        int next = life.first();
        int end = life.first() + life.count();
        while (next < end) {
            switch (random.nextInt(8)) {
                case 0, 1 -> {
                    for (int burst = 1 + random.nextInt(5); burst > 0 && next < end; burst--)
                        offer(log, next++);
                }
                case 2, 3, 4 -> log.writerTurn();
                case 5 -> log.keeperTurn();
                case 6 ->
                        readAndSettle(
                                log,
                                cursors.get(random.nextInt(cursors.size())),
                                random.nextInt(30));
                default -> LogFixture.settle(log);
            }
        }
        LogFixture.settle(log);
        log.finish();
        say("stopped " + directory.calls());
    }

    private static List<Cursor> cursors(Wal log) {
        return CURSORS.stream().map(name -> log.cursor(name, "all")).toList();
    }

    private void offer(Wal log, int index) {
        say("offered " + index);
        Written record = records.append(index);
        record.whenDurable = seq -> say("acknowledged " + seq + " " + index);
        Appender.Offer offer = log.offer(record);
        if (offer != Appender.Offer.QUEUED)
            throw new IllegalStateException("record " + index + " was answered " + offer);
    }

    private void readAndSettle(Wal log, Cursor cursor, int frames) throws IOException {
        try (LogReader reader = log.reader(cursor.settledTo())) {
            for (int wanted = frames; wanted > 0; wanted--) {
                if (!(reader.next() instanceof LogReader.Next.Read(Frame frame))) return;
                ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
                if (!reader.readBody(frame, body))
                    throw new IllegalStateException("body of " + frame.seq() + " is damaged");
                say(
                        "shown "
                                + frame.seq()
                                + " "
                                + records.index(body.flip())
                                        .orElseThrow(() ->
                                                new IllegalStateException(
                                                        "record "
                                                                + frame.seq()
                                                                + " was never offered")));
                if (random.nextInt(6) > 0 && !cursor.isSettled(frame.seq())) {
                    // First, for a settled record may be gone before the process is killed.
                    say("settled " + frame.seq() + " " + cursor.name());
                    cursor.settle(frame, Settlement.delivered(frame.items()));
                }
            }
        }
    }

    private void die(DyingDirectory directory, long call, String what) {
        for (List<Undo> undos : List.of(directory.unforcedWrites(), directory.unforcedNames()))
            for (Undo undo : undos)
                say(
                        "undo %s %s %s %d %d %s"
                                .formatted(
                                        undo.what(),
                                        undo.name(),
                                        undo.before().isEmpty() ? "-" : undo.before(),
                                        undo.offset(),
                                        undo.size(),
                                        undo.old().isEmpty() ? "-" : undo.old()));
        say("dies " + call + " " + what);
        if (life.end() == CrashLife.End.HALT) Runtime.getRuntime().halt(137);
        while (true) LockSupport.park(this);
    }

    // ---- the log's own threads, until somebody kills the process

    private void runUntilKilled() throws IOException, InterruptedException {
        Wal log =
                Wal.open(
                        FileSystemDirectory.open(life.directory()),
                        LogFixture.SMALL,
                        new WalEnvironment(
                                InstantSource.system(),
                                System::nanoTime,
                                new Random(life.seed()),
                                new SimpleMeterRegistry()));
        List<Cursor> cursors = cursors(log);
        say("opened 0");
        var room = new Semaphore(IN_FLIGHT);
        for (int index = life.first(); index < life.first() + life.count(); index++) {
            room.acquire();
            if (index % 16 == 0) for (Cursor cursor : cursors) readAndSettle(log, cursor, 30);
            say("offered " + index);
            Written record = records.append(index);
            int number = index;
            record.whenDurable =
                    seq -> {
                        say("acknowledged " + seq + " " + number);
                        room.release();
                    };
            record.whenFailed = room::release;
            while (log.offer(record) != Appender.Offer.QUEUED) {
                // The cursors are behind: the log is full until they have gone on.
                for (Cursor cursor : cursors) readAndSettle(log, cursor, 30);
                LockSupport.parkNanos(this, 1_000_000);
            }
        }
        LockSupport.park(this);
        throw new IllegalStateException("nobody killed the process");
    }
}
