package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Cursor;
import io.edged.wal.DeliveryLog;
import io.edged.wal.Frame;
import io.edged.wal.FramePart;
import io.edged.wal.Lanes;
import io.edged.wal.LogReader;
import io.edged.wal.Settlement;
import io.edged.wal.WalException;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A log in memory with the contract of the real one: frames are seen once committed, a cursor
 * refuses to settle twice or with a wrong sum. Frames can be damaged or taken away.
 */
final class MemoryLog implements DeliveryLog {

    static final String LOG_ID = "00112233aabbccdd";
    static final long WRITTEN_AT = 1_790_000_000_123_456_789L;

    private final List<Frame> frames = new ArrayList<>();
    private final List<byte[]> bodies = new ArrayList<>();
    private final Map<String, MemoryCursor> cursors = new HashMap<>();
    private final List<Runnable> commitListeners = new CopyOnWriteArrayList<>();
    private final Set<Long> damaged = new HashSet<>();
    private final Set<Long> missing = new HashSet<>();
    private final List<String> gaveUp = new ArrayList<>();

    /** Items by sequence, that were given up and not told yet. */
    private final Map<Long, Integer> givenUp = new HashMap<>();

    private final Lanes lanes;
    private long committed;
    private boolean failing;
    private boolean cutsAreDurable = true;

    /** Bodies read so far, to see how far ahead a drain reads. */
    private long bytesRead;

    MemoryLog() {
        this(Lanes.SINGLE);
    }

    MemoryLog(Lanes lanes) {
        this.lanes = lanes;
    }

    synchronized long batch(Signal signal, int items, byte[] body) {
        return batch(signal, ContentEncoding.IDENTITY, true, items, "", body);
    }

    synchronized long batch(
            Signal signal,
            ContentEncoding encoding,
            boolean mergeable,
            int items,
            String metadata,
            byte[] body) {
        return append(Optional.of(signal), encoding, mergeable, items, metadata, body);
    }

    synchronized long entry(String event) {
        return append(
                Optional.empty(),
                ContentEncoding.IDENTITY,
                false,
                1,
                "",
                event.getBytes(StandardCharsets.UTF_8));
    }

    private long append(
            Optional<Signal> signal,
            ContentEncoding encoding,
            boolean mergeable,
            int items,
            String metadata,
            byte[] body) {
        long seq = frames.size() + 1L;
        frames.add(
                new Frame(
                        seq,
                        WRITTEN_AT + seq,
                        signal,
                        encoding,
                        mergeable,
                        items,
                        metadata,
                        signal.isPresent() ? "" : kind(body),
                        1,
                        0,
                        body.length,
                        0));
        bodies.add(body);
        return seq;
    }

    /** The kind of an event whose first member is its kind. */
    private static String kind(byte[] event) {
        String text = new String(event, StandardCharsets.UTF_8);
        String begin = "{\"kind\":\"";
        if (!text.startsWith(begin)) return "";
        return text.substring(begin.length(), text.indexOf('"', begin.length()));
    }

    void commit() {
        synchronized (this) {
            committed = frames.size();
        }
        commitListeners.forEach(Runnable::run);
    }

    /** Whether what cursors keep of cut frames has become durable. */
    synchronized void cutsAreDurable(boolean durable) {
        cutsAreDurable = durable;
    }

    synchronized void damage(long seq) {
        damaged.add(seq);
    }

    synchronized void lose(long seq) {
        missing.add(seq);
    }

    /** From now on reading fails as it does where damage is to stop the daemon. */
    synchronized void failReads() {
        failing = true;
    }

    synchronized long bytesRead() {
        return bytesRead;
    }

    @Override
    public String logId() {
        return LOG_ID;
    }

    @Override
    public synchronized long committedSeq() {
        return committed;
    }

    @Override
    public LogReader reader(long seq) {
        return new MemoryReader(seq);
    }

    @Override
    public Lanes lanes() {
        return lanes;
    }

    @Override
    public List<MemoryCursor> cursors(String destination) {
        return lanes.names().stream().map(lane -> cursor(destination, lane)).toList();
    }

    @Override
    public synchronized MemoryCursor cursor(String destination, String lane) {
        return cursors.computeIfAbsent(destination + "/" + lane, MemoryCursor::new);
    }

    @Override
    public synchronized void tellGivenUp(String destination) {
        var seqs = new TreeMap<Long, Integer>(givenUp);
        gaveUp.add(
                destination
                        + " "
                        + seqs.firstKey()
                        + "-"
                        + seqs.lastKey()
                        + " "
                        + seqs.values().stream().mapToInt(Integer::intValue).sum());
        givenUp.clear();
    }

    synchronized List<String> gaveUp() {
        return List.copyOf(gaveUp);
    }

    @Override
    public Subscription onCommit(Runnable wake) {
        commitListeners.add(wake);
        return () -> commitListeners.remove(wake);
    }

    private final class MemoryReader implements LogReader {
        private long at;
        private boolean closed;

        MemoryReader(long at) {
            this.at = at;
        }

        @Override
        public Next next() throws WalException {
            synchronized (MemoryLog.this) {
                if (failing) throw new WalException(WalException.Code.CORRUPT, "damage at 7");
                if (closed) throw new IllegalStateException("closed");
                if (at >= committed) return new Next.AtEnd();
                at++;
                if (missing.contains(at)) return new Next.Missing(at, at, "corruption");
                return new Next.Read(frames.get((int) at - 1));
            }
        }

        @Override
        public boolean readBody(Frame frame, ByteBuffer into) {
            synchronized (MemoryLog.this) {
                if (closed) throw new IllegalStateException("closed");
                if (into.remaining() != frame.bodyBytes())
                    throw new IllegalStateException(
                            into.remaining() + " bytes for " + frame.bodyBytes());
                if (damaged.contains(frame.seq())) return false;
                bytesRead += frame.bodyBytes();
                into.put(bodies.get((int) frame.seq() - 1));
                return true;
            }
        }

        @Override
        public void seek(long seq) {
            at = seq;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Remembers every settlement. */
    final class MemoryCursor implements Cursor {
        private final String name;
        private final TreeMap<Long, Settlement> settled = new TreeMap<>();
        private final TreeMap<Long, Long> passed = new TreeMap<>();
        private long settledTo;
        private final Map<Long, List<FramePart>> cuts = new HashMap<>();
        private long allowedTo;

        MemoryCursor(String name) {
            this.name = name;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public synchronized long settledTo() {
            return settledTo;
        }

        @Override
        public synchronized boolean isSettled(long seq) {
            return seq <= settledTo || settled.containsKey(seq);
        }

        @Override
        public synchronized void settle(Frame frame, long behind, Settlement settlement) {
            if (isSettled(frame.seq()))
                throw new IllegalStateException("settled twice: " + frame.seq());
            if (settlement.items() != frame.items())
                throw new IllegalStateException(settlement + " for " + frame.items() + " items");
            settled.put(frame.seq(), settlement);
            passed.put(behind + 1, frame.seq());
            advance();
        }

        @Override
        public void giveUp(Frame frame, long behind, String reason) {
            settle(frame, behind, new Settlement(0, 0, Map.of(reason, frame.items())));
            synchronized (MemoryLog.this) {
                givenUp.put(frame.seq(), frame.items());
            }
        }

        @Override
        public synchronized void passTo(long seq) {
            settledTo = Math.max(settledTo, seq);
            advance();
        }

        private void advance() {
            for (var run = passed.floorEntry(settledTo + 1);
                    run != null && run.getValue() > settledTo;
                    run = passed.floorEntry(settledTo + 1)) settledTo = run.getValue();
        }

        /** Durable at once: the real log has a checkpoint in between. */
        @Override
        public synchronized void allowTo(long seq, boolean soon) {
            allowedTo = Math.max(allowedTo, seq);
        }

        @Override
        public synchronized long sendableTo() {
            return allowedTo;
        }

        @Override
        public synchronized List<FramePart> parts(long seq) {
            return cuts.getOrDefault(seq, List.of());
        }

        @Override
        public synchronized void keepParts(long seq, List<FramePart> parts, boolean soon) {
            cuts.put(seq, List.copyOf(parts));
        }

        @Override
        public boolean isDurable(long seq) {
            synchronized (MemoryLog.this) {
                return cutsAreDurable || !cuts.containsKey(seq);
            }
        }

        @Override
        public long sentBefore() {
            return 0;
        }

        @Override
        public synchronized void sentOnlyTo(long seq) {
            allowedTo = Math.min(allowedTo, seq);
        }

        synchronized Map<Long, Settlement> settlements() {
            return new TreeMap<>(settled);
        }
    }
}
