package io.edged.drain;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.Cursor;
import io.edged.wal.Frame;
import io.edged.wal.LogReader;
import io.edged.wal.Settlement;
import io.edged.wal.Wal;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.CRC32C;

/**
 * Items that a destination refused for good while it took others: a log of its own, with the same
 * format and the same promises. A letter stays until it is delivered after all, purged by hand, or
 * given up as the oldest when there is no room or it is too old.
 *
 * <p>Its log is opened when the first letter is written, so that a device without dead letters
 * spends no space on them. Any thread may call; what touches the disk holds the monitor.
 */
public final class DeadLetters implements AutoCloseable {

    private static final Logger LOG = System.getLogger(DeadLetters.class.getName());

    /** Letters that may wait to be tried again at once; the rest can be asked for later. */
    public static final int MAX_RETRIES = 10_000;

    /** Opens the log of the letters. */
    public interface Opener {
        /** Whether there is one; {@link #open} makes one if not. */
        boolean exists() throws IOException;

        /** Called until it succeeds once. */
        Wal open() throws IOException;
    }

    /** Why letters went without having been delivered. */
    enum Loss {
        DEADLETTER_LIMIT,
        PURGED;

        String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * One letter.
     *
     * @param seq its number among the letters
     * @param signal of its items
     * @param items how many
     * @param bytes of its body
     * @param writtenAtNanos since the epoch
     */
    public record Letter(
            long seq, Signal signal, int items, int bytes, long writtenAtNanos, String metadata) {

        /** The destination that refused it; empty if its metadata cannot be read. */
        public String destination() {
            return LetterOrigin.of(metadata).map(LetterOrigin::destination).orElse("");
        }
    }

    /** Letters there are and what they take. */
    public record Totals(long letters, long items, long bytes) {}

    private record Store(Wal wal, Cursor cursor) {}

    private final Opener opener;
    private final DeadLetterOptions options;
    private final InstantSource clock;
    private final Counter written;
    private final Map<Loss, Counter> lost = new TreeMap<>();
    private final Counter delivered;

    /** Letters that were counted and could not be written; filled by their log's threads. */
    private final Queue<Totals> unwritten = new ConcurrentLinkedQueue<>();

    /** Keys of letters whose items the cursors may not know to be settled. */
    private final Set<String> known = new HashSet<>();

    /** By destination: letters to try again. */
    private final Map<String, ArrayDeque<Long>> retries = new TreeMap<>();

    private Predicate<LetterOrigin> unsettled = _ -> true;

    private @Nullable Store store;

    /** Written under the monitor; read by the meters. */
    private volatile Totals totals = new Totals(0, 0, 0);

    /** Touches no file yet. */
    public DeadLetters(
            DeadLetterOptions options, Opener opener, InstantSource clock, MeterRegistry registry) {
        this.options = options;
        this.opener = opener;
        this.clock = clock;
        written = counter(registry, "written", "Items that became dead letters");
        delivered = counter(registry, "delivered", "Items of dead letters delivered after all");
        for (Loss loss : Loss.values())
            lost.put(
                    loss,
                    Counter.builder("edged.deadletter.dropped")
                            .description("Items of dead letters given up")
                            .baseUnit("items")
                            .tag("reason", loss.label())
                            .register(registry));
        Gauge.builder(
                        "edged.deadletter.letters",
                        this,
                        letters -> (double) letters.totals.letters())
                .description("Dead letters that are kept")
                .register(registry);
        Gauge.builder("edged.deadletter.kept", this, letters -> (double) letters.totals.bytes())
                .description("Bytes of the dead letters that are kept")
                .baseUnit("bytes")
                .register(registry);
    }

    private static Counter counter(MeterRegistry registry, String name, String description) {
        return Counter.builder("edged.deadletter." + name)
                .description(description)
                .baseUnit("items")
                .register(registry);
    }

    /**
     * Opens the log of the letters, if there is one, and counts them. A letter that was forced just
     * before a crash, while its frame is not settled yet, is remembered, so that it is not written
     * again.
     *
     * @param isUnsettled whether the destination's cursor has not settled the frame of the log
     */
    synchronized void start(Predicate<LetterOrigin> isUnsettled) {
        unsettled = isUnsettled;
        try {
            if (opener.exists()) makeRoom(0);
        } catch (IOException e) {
            LOG.log(
                    ERROR,
                    "the dead letters cannot be opened, refused items stay in the log; error={0}",
                    String.valueOf(e.getMessage()));
        }
    }

    /** Opens the log of the letters, if there is one, where nothing is drained. */
    public synchronized void start() throws IOException {
        if (opener.exists()) opened();
    }

    private Store opened() throws IOException {
        if (store != null) return store;
        Wal wal = opener.open();
        var opened = new Store(wal, wal.cursor("deadletter", "kept"));
        store = opened;
        totals = new Totals(0, 0, 0);
        each(
                opened,
                frame -> {
                    count(frame, 1);
                    LetterOrigin.of(frame.metadata())
                            .filter(unsettled)
                            .ifPresent(of -> known.add(of.key()));
                    return true;
                });
        return opened;
    }

    Totals totals() {
        return totals;
    }

    /** What became of a request to write a letter. */
    enum Taken {
        /** The callback will say how it ends. */
        YES,
        /** It is there already, durably. */
        KNOWN,
        /** Not now: try again. */
        LATER,
        /** It does not fit into a file of the letters. */
        TOO_LARGE
    }

    /**
     * Writes a letter.
     *
     * @param body as an upload would carry it, between position and limit
     * @param done told once, on a thread of the letters' log, whether the letter is durable; it
     *     must return at once
     */
    synchronized Taken write(
            LetterOrigin of,
            Signal signal,
            ContentEncoding encoding,
            int items,
            String metadata,
            ByteBuffer body,
            Consumer<Boolean> done)
            throws IOException {
        if (known.contains(of.key())) return Taken.KNOWN;
        byte[] about = of.addTo(metadata).getBytes(StandardCharsets.UTF_8);
        long bytes = 64L + about.length + body.remaining();
        if (bytes > options.segmentBytes()) return Taken.TOO_LARGE;
        Store opened = opened();
        makeRoom(bytes);
        ByteBuffer copy = ByteBuffer.allocateDirect(body.remaining()).put(body.duplicate()).flip();
        var crc = new CRC32C();
        crc.update(copy.duplicate());
        var added = new Totals(1, items, (long) about.length + copy.limit());
        var append =
                new Append(
                        signal,
                        encoding,
                        false,
                        items,
                        ByteBuffer.allocateDirect(about.length).put(about).flip(),
                        (int) crc.getValue(),
                        copy) {
                    @Override
                    protected void durable(long seq) {
                        written.increment(items);
                        done.accept(true);
                    }

                    @Override
                    protected void failed(WalException why) {
                        unwritten.add(added);
                        done.accept(false);
                    }
                };
        Appender.Offer offer = opened.wal().offer(append);
        if (offer != Appender.Offer.QUEUED) {
            LOG.log(
                    WARNING,
                    "a dead letter cannot be written now, its item stays in the log; answer={0}",
                    offer);
            // Files need not be full, so they can reach their ceiling before the letters do.
            if (offer == Appender.Offer.FULL)
                makeRoom(options.letterBytes() - totals.bytes() + options.letterBytes() / 8);
            return Taken.LATER;
        }
        totals =
                new Totals(
                        totals.letters() + added.letters(),
                        totals.items() + added.items(),
                        totals.bytes() + added.bytes());
        return Taken.YES;
    }

    /** Gives up the oldest letters until there is room, and those that are too old. */
    private void makeRoom(long bytes) throws IOException {
        Store opened = opened();
        for (Totals not = unwritten.poll(); not != null; not = unwritten.poll())
            totals =
                    new Totals(
                            totals.letters() - not.letters(),
                            totals.items() - not.items(),
                            totals.bytes() - not.bytes());
        long oldest =
                options.maxAge().isZero()
                        ? 0
                        : (clock.millis() - options.maxAge().toMillis()) * 1_000_000;
        var gone = new ArrayList<Frame>();
        long left = totals.bytes();
        try (LogReader reader = opened.wal().reader(opened.cursor().settledTo())) {
            for (Frame frame = next(reader, opened);
                    frame != null
                            && (left + bytes > options.letterBytes()
                                    || frame.writtenAtNanos() < oldest);
                    frame = next(reader, opened)) {
                gone.add(frame);
                left -= bytes(frame);
            }
        }
        for (Frame frame : gone) drop(opened, frame, Loss.DEADLETTER_LIMIT);
        if (!gone.isEmpty())
            LOG.log(
                    WARNING,
                    "the oldest dead letters were given up, for their bounds are reached;"
                            + " letters={0}",
                    gone.size());
    }

    private static @Nullable Frame next(LogReader reader, Store opened) throws WalException {
        while (true) {
            switch (reader.next()) {
                case LogReader.Next.Read(Frame frame) -> {
                    if (!opened.cursor().isSettled(frame.seq()) && !frame.isEntry()) return frame;
                    // Events about losses among the letters: told in the log already.
                    if (frame.isEntry() && !opened.cursor().isSettled(frame.seq()))
                        opened.cursor().settle(frame, Settlement.delivered(frame.items()));
                }
                case LogReader.Next.Missing _ -> {}
                case LogReader.Next.AtEnd() -> {
                    return null;
                }
            }
        }
    }

    private interface Visitor {
        /** Whether to go on. */
        boolean visit(Frame frame) throws IOException;
    }

    private static void each(Store opened, Visitor visitor) throws IOException {
        try (LogReader reader = opened.wal().reader(opened.cursor().settledTo())) {
            for (Frame frame = next(reader, opened);
                    frame != null && visitor.visit(frame);
                    frame = next(reader, opened)) {
                // the visitor has seen it
            }
        }
    }

    private static long bytes(Frame frame) {
        return (long) frame.bodyBytes() + frame.metadata().length();
    }

    private void count(Frame frame, int sign) {
        totals =
                new Totals(
                        totals.letters() + sign,
                        totals.items() + (long) sign * frame.items(),
                        totals.bytes() + sign * bytes(frame));
    }

    private void drop(Store opened, Frame frame, Loss loss) {
        settle(opened, frame, new Settlement(0, 0, Map.of(loss.label(), frame.items())));
        Counter counter = lost.get(loss);
        if (counter != null) counter.increment(frame.items());
    }

    private void settle(Store opened, Frame frame, Settlement settlement) {
        if (opened.cursor().isSettled(frame.seq())) return;
        opened.cursor().settle(frame, settlement);
        count(frame, -1);
    }

    // ---- for the operator

    /**
     * The letters, oldest first.
     *
     * @param after only letters with a larger number
     * @param most at most this many
     */
    public synchronized List<Letter> list(long after, int most) throws IOException {
        var letters = new ArrayList<Letter>();
        if (store == null) return letters;
        each(
                store,
                frame -> {
                    if (frame.seq() > after) letters.add(letter(frame));
                    return letters.size() < most;
                });
        return letters;
    }

    private static Letter letter(Frame frame) {
        return new Letter(
                frame.seq(),
                frame.deliveredAs(),
                frame.items(),
                frame.bodyBytes(),
                frame.writtenAtNanos(),
                frame.metadata());
    }

    /** A letter's body. */
    public record Content(Letter letter, ContentEncoding encoding, ByteBuffer body) {}

    /** One letter with its body; empty if there is none of that number. */
    public synchronized Optional<Content> read(long seq) throws IOException {
        Optional<Found> found = find(seq);
        return found.map(it -> new Content(letter(it.frame), it.frame.encoding(), it.body));
    }

    /** A letter as the drain takes it. */
    record Found(Frame frame, LetterOrigin of, ByteBuffer body) {}

    private Optional<Found> find(long seq) throws IOException {
        if (store == null || store.cursor().isSettled(seq)) return Optional.empty();
        try (LogReader reader = store.wal().reader(seq - 1)) {
            if (!(reader.next() instanceof LogReader.Next.Read(Frame frame))
                    || frame.seq() != seq
                    || frame.isEntry()) return Optional.empty();
            ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
            if (!reader.readBody(frame, body)) return Optional.empty();
            return LetterOrigin.of(frame.metadata())
                    .map(of -> new Found(frame, of, body.flip().asReadOnlyBuffer()));
        }
    }

    /**
     * Asks for letters to be tried again at the destination that refused them, oldest first.
     *
     * @param wanted which of them
     * @return how many will be tried, at most {@link #MAX_RETRIES}
     */
    public synchronized int retry(Predicate<Letter> wanted) throws IOException {
        if (store == null) return 0;
        int[] asked = {0};
        each(
                store,
                frame -> {
                    Letter letter = letter(frame);
                    if (wanted.test(letter)) {
                        var queue =
                                retries.computeIfAbsent(
                                        letter.destination(), _ -> new ArrayDeque<>());
                        if (!queue.contains(frame.seq())) queue.add(frame.seq());
                        asked[0]++;
                    }
                    return asked[0] < MAX_RETRIES;
                });
        LOG.log(INFO, "dead letters are tried again; letters={0}", asked[0]);
        return asked[0];
    }

    /** The next letter that this destination shall try again. */
    synchronized Optional<Found> toRetry(String destination) throws IOException {
        var queue = retries.get(destination);
        while (queue != null && !queue.isEmpty()) {
            Optional<Found> found = find(queue.remove());
            if (found.isPresent()) return found;
        }
        return Optional.empty();
    }

    /** The destination was busy or out of reach. */
    synchronized void retryLater(Found letter) {
        retries.computeIfAbsent(letter.of().destination(), _ -> new ArrayDeque<>())
                .addFirst(letter.frame().seq());
    }

    /** A letter was delivered after all. */
    synchronized void delivered(Frame frame) {
        if (store == null) return;
        settle(store, frame, Settlement.delivered(frame.items()));
        delivered.increment(frame.items());
    }

    /**
     * Gives letters up for good.
     *
     * @param wanted which of them
     * @param forReal false only counts
     * @return what was, or would be, given up
     */
    public synchronized Totals purge(Predicate<Letter> wanted, boolean forReal) throws IOException {
        if (store == null) return new Totals(0, 0, 0);
        var gone = new ArrayList<Frame>();
        each(
                store,
                frame -> {
                    if (wanted.test(letter(frame))) gone.add(frame);
                    return true;
                });
        if (forReal) {
            for (Frame frame : gone) drop(store, frame, Loss.PURGED);
            LOG.log(INFO, "dead letters were purged; letters={0}", gone.size());
        }
        return new Totals(
                gone.size(),
                gone.stream().mapToLong(Frame::items).sum(),
                gone.stream().mapToLong(DeadLetters::bytes).sum());
    }

    /** Lets go of the log; what was settled is durable then. */
    @Override
    public synchronized void close() throws IOException {
        if (store != null) store.wal().close();
        store = null;
    }
}
