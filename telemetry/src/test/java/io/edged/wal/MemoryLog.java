package io.edged.wal;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A log that keeps its records in memory, with a writer thread of its own. The disk can be held
 * back, made to fail, and told what to say to the next offers.
 */
public final class MemoryLog implements Appender, AutoCloseable {

    /**
     * What a real log would have written.
     *
     * @param signal null of an event
     */
    public record Stored(
            @Nullable Signal signal,
            ContentEncoding encoding,
            boolean mergeable,
            int items,
            int bodyCrc32c,
            int parts,
            int highestSeverity,
            String metadata,
            ByteBuffer body) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Append> queue = new ArrayDeque<>();
    private final List<Stored> stored = new ArrayList<>();
    private final Thread writer = new Thread(this::write, "memory-log");

    private Offer answer = Offer.QUEUED;
    private int takesMore = -1;
    private Offer thenAnswer = Offer.QUEUED;
    private long mayWrite = Long.MAX_VALUE;
    private @Nullable WalException failure;
    private int offers;
    private boolean closed;
    private boolean asksForSeverity = true;

    public MemoryLog() {
        writer.start();
    }

    @Override
    public Offer offer(Append append) {
        return locked(() -> {
            offers++;
            if (takesMore >= 0 && takesMore-- == 0) answer = thenAnswer;
            if (answer == Offer.QUEUED) queue.add(append);
            return answer;
        });
    }

    @Override
    public boolean asksForSeverity() {
        return locked(() -> asksForSeverity);
    }

    /** As if a lane had one: true at the beginning. */
    public void askForSeverity(boolean asks) {
        locked(() -> asksForSeverity = asks);
    }

    /** What to say to offers from now on. */
    public void answer(Offer answer) {
        locked(() -> this.answer = answer);
    }

    /** From now on only {@code records} more become durable, until the next call. */
    public void allow(long records) {
        locked(() -> mayWrite = records);
    }

    /** From now on every append fails. */
    public void fail(WalException failure) {
        locked(() -> this.failure = failure);
    }

    /** Waits until that many appends wait for the disk. */
    public void awaitWaiting(int appends) throws InterruptedException {
        lock.lock();
        try {
            while (queue.size() < appends) changed.await();
        } finally {
            lock.unlock();
        }
    }

    public int waiting() {
        return locked(queue::size);
    }

    /** Appends that were offered, taken or not. */
    public int offers() {
        return locked(() -> offers);
    }

    /** The durable records, in order. */
    public List<Stored> stored() {
        return locked(() -> List.copyOf(stored));
    }

    /** Writes what is allowed and fails the rest. */
    @Override
    public void close() {
        locked(() -> closed = true);
        try {
            writer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private <T> T locked(java.util.function.Supplier<T> change) {
        lock.lock();
        try {
            T result = change.get();
            changed.signalAll();
            return result;
        } finally {
            lock.unlock();
        }
    }

    private void write() {
        while (true) {
            Append append;
            WalException failed;
            lock.lock();
            try {
                while (!closed && (queue.isEmpty() || (mayWrite == 0 && failure == null)))
                    changed.awaitUninterruptibly();
                if (queue.isEmpty()) return;
                append = queue.remove();
                failed = failure;
                if (failed == null && mayWrite == 0)
                    failed = new WalException(WalException.Code.CLOSED, "the log was closed");
                if (failed == null) {
                    mayWrite--;
                    stored.add(copy(append));
                }
                append.seq = stored.size();
            } finally {
                lock.unlock();
            }
            if (failed == null) append.durable(append.seq);
            else append.failed(failed);
        }
    }

    /** What stands beside the durable bodies, in order. */
    public List<String> metadata() {
        return stored().stream().map(Stored::metadata).toList();
    }

    /** The durable events, in order. */
    public List<String> events() {
        return stored().stream()
                .filter(each -> each.signal() == null)
                .map(each -> StandardCharsets.UTF_8.decode(each.body().duplicate()).toString())
                .toList();
    }

    /** Takes this many more appends; then the answer is another. */
    public void answerAfter(int appends, Offer then) {
        locked(() -> {
            takesMore = appends;
            thenAnswer = then;
            return then;
        });
    }

    private static Stored copy(Append append) {
        var body = ByteBuffer.allocate(append.bodyBytes);
        for (ByteBuffer part : append.body) {
            if (!part.isDirect()) throw new IllegalStateException("a part is not direct");
            body.put(part); // moves the position, as a gathering write does
        }
        return new Stored(
                append.signal,
                append.encoding,
                append.mergeable,
                append.items,
                append.bodyCrc32c,
                append.body.length,
                append.highestSeverity(),
                StandardCharsets.UTF_8.decode(append.metadata).toString(),
                body.flip());
    }
}
