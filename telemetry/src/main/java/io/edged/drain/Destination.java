package io.edged.drain;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.drain.SendResult.Delivered;
import io.edged.drain.SendResult.Fault;
import io.edged.drain.SendResult.Refused;
import io.edged.drain.SendResult.RetryAfter;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.DeliveryLog;
import io.edged.wal.Frame;
import io.edged.wal.LogReader;
import io.edged.wal.Settlement;
import io.edged.wal.WalException;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The drain of one destination. One thread repeats {@link #turn}: it takes what was answered, reads
 * ahead, and sends what may be sent. Answers arrive from the sender through a queue.
 *
 * <p>A frame is settled when the destination took its items, rejected them for good in a partial
 * success, or refused them so that they are dead letters. Until then it stays in the log, whatever
 * the destination says:
 *
 * <ul>
 *   <li>busy or out of reach: the request is repeated, without an end;
 *   <li>at fault: the circuit opens, data waits, probes follow;
 *   <li>refusing data: the batch is halved until the items that are refused stand alone. These are
 *       stepped over, so that the rest flows, and tried again slowly. An item becomes a dead letter
 *       once the destination has taken other data of its signal since.
 * </ul>
 */
final class Destination implements AutoCloseable {

    private static final Logger LOG = System.getLogger(Destination.class.getName());

    /**
     * How long a batch that is not full waits for company while other requests are under way. With
     * none under way it goes at once.
     */
    static final long COMPANY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** Why items are dropped that a partial success rejected. */
    static final String REJECTED_UPSTREAM = "rejected_upstream";

    /** Nothing smaller becomes a dead letter because of its size. */
    static final int LARGE_ITEM_BYTES = 1 << 20;

    private static final Duration REFUSED_INITIAL = Duration.ofMinutes(1);
    private static final Duration REFUSED_MAX = Duration.ofHours(1);

    private final String node;
    private final DestinationOptions options;
    private final String logId;
    private final LogReader reader;
    private final Map<Lane, LaneProgress> lanes = new LinkedHashMap<>();
    private final Batcher batcher;
    private final ReadAhead readAhead;
    private final RefusedPieces refused;
    private final SplitFrames split = new SplitFrames();
    private final DeadLetters deadLetters;
    private final InstantSource clock;
    private final Sender sender;
    private final RetryPolicy policy;
    private final Circuit circuit;
    private final Uplink uplink;
    private final DrainMetrics metrics;
    private final LongSupplier nanoTime;
    private final Runnable wake;

    /** Filled by the sender, emptied by {@link #turn}. */
    private final Queue<Flight.Landing> landed = new ConcurrentLinkedQueue<>();

    /** Letters that were written or could not be: filled by their log, emptied by {@link #turn}. */
    private final Queue<LetterEnd> letterEnds = new ConcurrentLinkedQueue<>();

    private record LetterEnd(RefusedPieces.Refused refused, boolean durable) {}

    private final Set<Flight> flights = new HashSet<>();
    private final TreeSet<Batch> waiting = new TreeSet<>(Batch.OLDEST_FIRST);
    private Optional<String> lastError = Optional.empty();
    private boolean faulty;

    /**
     * Whether a commit could bring work. Written by the drain's thread, read by the log's writer,
     * which need not wake a drain that has no room.
     */
    private volatile boolean hungry;

    /** Set by any thread: the operator wants nothing to be sent. */
    private volatile boolean paused;

    /** Set by any thread, taken back by {@link #turn}. */
    private volatile boolean hurried;

    /** Written by the drain's thread; a snapshot for any other. */
    private volatile DrainStatus status;

    /**
     * What a destination works with.
     *
     * @param wake called from other threads when a turn may have something to do
     */
    record Surroundings(
            DeliveryLog log,
            Sender sender,
            RetryPolicy policy,
            DeadLetters deadLetters,
            DrainMetrics metrics,
            InstantSource clock,
            LongSupplier nanoTime,
            Runnable wake) {}

    Destination(
            String node,
            EventRecords events,
            DestinationOptions options,
            LaneRule rule,
            Surroundings surroundings) {
        this.node = node;
        this.options = options;
        this.logId = surroundings.log().logId();
        this.sender = surroundings.sender();
        this.policy = surroundings.policy();
        this.deadLetters = surroundings.deadLetters();
        this.metrics = surroundings.metrics();
        this.clock = surroundings.clock();
        this.nanoTime = surroundings.nanoTime();
        this.wake = surroundings.wake();
        this.circuit = new Circuit(policy);
        this.uplink = new Uplink(options.bytesPerSecond(), nanoTime.getAsLong());
        this.refused =
                new RefusedPieces(
                        new RetryPolicy(REFUSED_INITIAL, REFUSED_MAX, policy.random()),
                        options.retry().refusedFrames());
        for (Lane lane : rule.lanes())
            lanes.put(
                    lane,
                    new LaneProgress(lane, surroundings.log().cursor(options.name(), lane.name())));
        this.batcher =
                new Batcher(
                        options.batching(),
                        key ->
                                EdgeBatch.prefix(node, logId, key.lane().name(), key.signal())
                                        .length());
        long settledTo = settledTo();
        this.reader = surroundings.log().reader(settledTo);
        this.readAhead =
                new ReadAhead(reader, settledTo, rule, lanes, options.batching(), events, batcher);
        this.status = snapshot(DrainStatus.State.DELIVERING);
    }

    private long settledTo() {
        return lanes.values().stream().mapToLong(LaneProgress::settledTo).min().orElseThrow();
    }

    /** Runs on the log's writer thread after each commit. */
    void committed() {
        if (hungry) wake.run();
    }

    DrainStatus status() {
        return status;
    }

    /** Whether nothing is sent until told otherwise. Any thread; the caller wakes the drain. */
    void pause(boolean pause) {
        paused = pause;
    }

    /** The next turn waits for no backoff. Any thread; the caller wakes the drain. */
    void hurry() {
        hurried = true;
    }

    private void takeHurry() {
        if (!hurried) return;
        hurried = false;
        long now = nanoTime.getAsLong();
        circuit.hurry(now);
        for (Batch batch : waiting) batch.dueNanos = now;
    }

    /**
     * Does what can be done now, without waiting.
     *
     * @return nanoseconds until time alone brings something to do; {@link Long#MAX_VALUE} if only a
     *     commit or an answer can
     * @throws WalException if the log cannot be read any more
     */
    long turn() throws WalException {
        takeAnswers();
        takeLetterEnds();
        takeHurry();
        writeLetters();
        if (refused.full()) {
            hungry = false;
        } else {
            // Before looking for the end, so that a commit behind it is not missed.
            hungry = true;
            readAhead.fill(
                    nanoTime.getAsLong(),
                    (lane, unsent) -> unsendable(lane, unsent.frame(), unsent.reason()));
            hungry = !readAhead.full();
        }
        send();
        publish();
        return waitNanos();
    }

    /**
     * Takes the answers of what is under way, sends nothing more.
     *
     * @return whether everything was answered
     */
    boolean settleRest() {
        hungry = false;
        takeAnswers();
        takeLetterEnds();
        publish();
        return flights.isEmpty();
    }

    private void send() throws WalException {
        while (flights.size() < options.inFlight()) {
            long now = nanoTime.getAsLong();
            if (paused || uplink.waitNanos(now) > 0) return;
            Optional<Batch> batch =
                    switch (circuit.permission(now)) {
                        case NOTHING -> Optional.empty();
                        case EMPTY_PROBE -> {
                            launch(circuit.faulty().orElseThrow(), Optional.empty());
                            yield Optional.empty();
                        }
                        case ONE -> forProbe(now);
                        case ANY -> next(now);
                    };
            if (batch.isEmpty()) return;
            launch(batch.get().key().signal(), batch);
        }
    }

    private boolean inOrder() {
        return options.inFlight() == 1;
    }

    private Optional<Batch> next(long now) throws WalException {
        Optional<Batch> due =
                waiting.stream()
                        // With one request in flight, order holds: the oldest or none.
                        .limit(inOrder() ? 1 : Long.MAX_VALUE)
                        .filter(batch -> batch.dueNanos - now <= 0)
                        .findFirst();
        if (due.isPresent()) {
            waiting.remove(due.get());
            return due;
        }
        if (inOrder() && !waiting.isEmpty()) return Optional.empty();
        // One at a time, so a backlog neither holds them up nor is held up by them.
        Optional<Batch> refusal = dueRefusal(now);
        if (refusal.isPresent()) return refusal;
        boolean noCompanyToCome = flights.isEmpty() || readAhead.full();
        Optional<Batch> fresh = batcher.poll(noCompanyToCome ? now : now - COMPANY_NANOS);
        return fresh.isPresent() ? fresh : letterToRetry(now);
    }

    /**
     * The one request that decides about the circuit. Data that met a fault may be the cause of it,
     * so other data goes first where order allows; its own backoff is the circuit's.
     */
    private Optional<Batch> forProbe(long now) {
        Optional<Batch> first = waiting.stream().findFirst();
        Optional<Batch> innocent = waiting.stream().filter(batch -> batch.faults == 0).findFirst();
        Optional<Batch> chosen = inOrder() ? first : innocent;
        if (chosen.isEmpty()) {
            Optional<Batch> fresh = batcher.poll(now);
            if (fresh.isPresent()) return fresh;
            chosen = first;
        }
        chosen.ifPresent(waiting::remove);
        return chosen;
    }

    /** Reads a piece again that was refused before and is due. */
    private Optional<Batch> dueRefusal(long now) throws WalException {
        for (var due = refused.due(now); due.isPresent(); due = refused.due(now)) {
            LaneProgress lane = due.get().lane();
            Piece piece = due.get().piece();
            if (lane.isSettled(piece.seq())) {
                gone(lane, piece.frame());
                continue;
            }
            Optional<Batch> batch =
                    piece.isWhole() ? wholeAgain(lane, piece, now) : sliceAgain(lane, piece, now);
            if (batch.isPresent()) {
                batch.get().takenBeforeRefusal = due.get().takenBefore();
                readAhead.held(batch.get().heldBytes());
                refused.busy(piece);
                return batch;
            }
        }
        return Optional.empty();
    }

    private Optional<Batch> wholeAgain(LaneProgress lane, Piece piece, long now)
            throws WalException {
        switch (readAhead.body(piece.frame())) {
            case ReadAhead.Body.Gone() -> gone(lane, piece.frame());
            case ReadAhead.Body.Unsendable(String reason) ->
                    unsendable(lane, piece.frame(), reason);
            case ReadAhead.Body.Ready ready -> {
                var batch = new Batch(ReadAhead.key(lane, piece.frame()), ready.encoding(), now);
                batch.add(ready.part());
                return Optional.of(batch);
            }
        }
        return Optional.empty();
    }

    private Optional<Batch> sliceAgain(LaneProgress lane, Piece piece, long now)
            throws WalException {
        Optional<ByteBuffer> body = readAhead.slice(piece);
        if (body.isEmpty()) {
            gone(lane, piece.frame());
            return Optional.empty();
        }
        var batch = new Batch(ReadAhead.key(lane, piece.frame()), ContentEncoding.IDENTITY, now);
        batch.add(new Batch.Part(piece, body.get()));
        return Optional.of(batch);
    }

    /** The log has lost it, and accounted for it. */
    private void gone(LaneProgress lane, Frame frame) {
        lane.lost(frame);
        refused.removeFrame(frame.seq());
        split.forget(frame.seq());
    }

    /**
     * A dead letter that the operator wants to be tried again: when there is nothing else to do.
     */
    private Optional<Batch> letterToRetry(long now) {
        try {
            Optional<DeadLetters.Found> letter = deadLetters.toRetry(options.name());
            if (letter.isEmpty()) return Optional.empty();
            Frame frame = letter.get().frame();
            var lane = new Lane(letter.get().of().lane());
            var batch =
                    new Batch(
                            new Batch.Key(lane, frame.deliveredAs(), frame.metadata()),
                            frame.encoding(),
                            now);
            batch.letter = letter;
            batch.add(Batch.Part.whole(frame, letter.get().body()));
            readAhead.held(batch.heldBytes());
            return Optional.of(batch);
        } catch (IOException | IllegalArgumentException e) {
            LOG.log(
                    WARNING,
                    "a dead letter cannot be read; destination={0} error={1}",
                    options.name(),
                    String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    private void launch(Signal signal, Optional<Batch> batch) {
        var flight = new Flight(signal, batch, circuit.sending(), nanoTime.getAsLong());
        flights.add(flight);
        Shipment shipment = batch.map(this::shipment).orElseGet(() -> Shipment.empty(signal));
        metrics.uploading(shipment.bytes());
        uplink.sent(shipment.bytes(), nanoTime.getAsLong());
        sender.send(shipment, result -> land(new Flight.Landing(flight, result)));
    }

    private Shipment shipment(Batch batch) {
        long before = batch.heldBytes();
        Batch.Payload payload = batch.payload(options.batching().compression(batch));
        readAhead.held(batch.heldBytes() - before);
        Batch.Key key = batch.key();
        var headers = new HashMap<>(FrameMetadata.headers(key.metadata()));
        headers.put(EdgeBatch.HEADER, edgeBatch(batch).encode());
        return new Shipment(key.signal(), payload.encoding(), headers, payload.body());
    }

    private EdgeBatch edgeBatch(Batch batch) {
        Batch.Key key = batch.key();
        String lane = key.lane().name();
        if (batch.letter.isEmpty())
            return new EdgeBatch(node, logId, lane, key.signal(), batch.named());
        LetterOrigin of = batch.letter.get().of();
        return new EdgeBatch(
                node,
                of.log(),
                lane,
                key.signal(),
                List.of(new EdgeBatch.Part.Items(of.seq(), of.first(), of.last())));
    }

    /** On any thread. */
    private void land(Flight.Landing landing) {
        landed.add(landing);
        wake.run();
    }

    private void takeAnswers() {
        for (var landing = landed.poll(); landing != null; landing = landed.poll()) {
            Flight flight = landing.flight();
            flights.remove(flight);
            Circuit.State before = circuit.state();
            DrainMetrics.Outcome outcome =
                    switch (landing.result()) {
                        case Delivered delivered -> delivered(flight, delivered);
                        case RetryAfter retry -> retry(flight, retry);
                        case Refused data -> refused(flight, data);
                        case Fault fault -> fault(flight, fault);
                    };
            metrics.answered(outcome, nanoTime.getAsLong() - flight.sentNanos());
            if (before != Circuit.State.CLOSED && circuit.state() == Circuit.State.CLOSED)
                LOG.log(INFO, "upstream takes data again; destination={0}", options.name());
        }
    }

    private DrainMetrics.Outcome delivered(Flight flight, Delivered result) {
        result.warning()
                .ifPresent(warning ->
                        LOG.log(
                                WARNING,
                                "upstream took a request with a warning; destination={0} signal={1}"
                                        + " warning={2}",
                                options.name(),
                                flight.signal().label(),
                                warning));
        if (flight.batch().isEmpty()) {
            circuit.emptyProbeTaken();
            return DrainMetrics.Outcome.DELIVERED;
        }
        Batch batch = flight.batch().get();
        circuit.worked(flight.decides());
        if (circuit.state() == Circuit.State.CLOSED) {
            lastError = Optional.empty();
            faulty = false;
        }
        refused.taken(batch.key().signal());
        if (batch.letter.isPresent()) letterDelivered(batch);
        else settle(batch, result.rejectedItems());
        return DrainMetrics.Outcome.DELIVERED;
    }

    /**
     * Settles every frame. Which items were rejected is not said; they are taken from the first
     * frames on, so that a repeat of the computation gives the same.
     */
    private void settle(Batch batch, long rejectedItems) {
        LaneProgress lane = lane(batch);
        long rejected = Math.min(rejectedItems, batch.items());
        if (rejectedItems > 0)
            LOG.log(
                    WARNING,
                    "upstream rejected items for good; destination={0} signal={1} items={2} of={3}",
                    options.name(),
                    batch.key().signal().label(),
                    rejectedItems,
                    batch.items());
        long left = rejected;
        for (Batch.Part part : batch.parts()) {
            Piece piece = part.piece();
            int dropped = (int) Math.min(left, piece.items());
            left -= dropped;
            settle(
                    lane,
                    piece,
                    new Settlement(
                            piece.items() - dropped,
                            0,
                            dropped == 0 ? Map.of() : Map.of(REJECTED_UPSTREAM, dropped)));
        }
        readAhead.held(-batch.heldBytes());
        metrics.delivered(
                batch.key().lane(), batch.key().signal(), batch.items() - rejected, rejected);
    }

    private void settle(LaneProgress lane, Piece piece, Settlement settlement) {
        refused.remove(piece);
        if (lane.isSettled(piece.seq())) {
            split.forget(piece.seq());
            lane.lost(piece.frame());
            LOG.log(
                    WARNING,
                    "a frame was delivered after the log had given it up; destination={0} seq={1}",
                    options.name(),
                    piece.seq());
            return;
        }
        split.settled(piece, settlement).ifPresent(all -> lane.settle(piece.frame(), all));
    }

    private void letterDelivered(Batch batch) {
        deadLetters.delivered(batch.parts().getFirst().frame());
        readAhead.held(-batch.heldBytes());
        LOG.log(
                INFO,
                "a dead letter was delivered; destination={0} letter={1}",
                options.name(),
                batch.firstSeq());
    }

    private LaneProgress lane(Batch batch) {
        LaneProgress lane = lanes.get(batch.key().lane());
        if (lane == null) throw new IllegalStateException("no lane " + batch.key().lane());
        return lane;
    }

    private DrainMetrics.Outcome retry(Flight flight, RetryAfter result) {
        long now = nanoTime.getAsLong();
        Optional<Duration> hint = result.delay().map(this::capped);
        Circuit.State before = circuit.state();
        circuit.failed(flight.decides(), now, hint);
        metrics.retried(result.reason());
        lastError = Optional.of(result.reason().label() + ": " + result.detail());
        if (before == Circuit.State.CLOSED && circuit.state() == Circuit.State.OPEN)
            LOG.log(
                    WARNING,
                    "upstream does not take requests, data waits in the log; destination={0}"
                            + " reason={1} detail={2}",
                    options.name(),
                    result.reason().label(),
                    result.detail());
        flight.batch()
                .ifPresent(batch ->
                        later(
                                batch,
                                now,
                                hint.map(policy::afterHint)
                                        .orElseGet(() -> policy.backoff(batch.attempts + 1))));
        return DrainMetrics.Outcome.RETRY;
    }

    private Duration capped(Duration asked) {
        if (asked.compareTo(RetryPolicy.MAX_HINT) <= 0) return asked;
        LOG.log(
                WARNING,
                "upstream asks for a longer wait than is kept; destination={0} asked_seconds={1}"
                        + " kept_seconds={2}",
                options.name(),
                asked.toSeconds(),
                RetryPolicy.MAX_HINT.toSeconds());
        return RetryPolicy.MAX_HINT;
    }

    private void later(Batch batch, long now, Duration delay) {
        if (batch.letter.isEmpty()) {
            again(batch, now, delay);
            return;
        }
        readAhead.held(-batch.heldBytes());
        deadLetters.retryLater(batch.letter.get());
    }

    private void again(Batch batch, long now, Duration delay) {
        batch.attempts++;
        batch.dueNanos = now + delay.toNanos();
        waiting.add(batch);
    }

    private DrainMetrics.Outcome refused(Flight flight, Refused result) {
        if (flight.batch().isEmpty()) {
            // A destination that reads an empty request and calls it bad is at work.
            circuit.emptyProbeTaken();
            return DrainMetrics.Outcome.REFUSED;
        }
        circuit.worked(flight.decides());
        if (circuit.state() == Circuit.State.CLOSED) faulty = false;
        Batch batch = flight.batch().get();
        readAhead.held(-batch.heldBytes());
        if (batch.letter.isPresent()) {
            LOG.log(
                    WARNING,
                    "a dead letter was refused again and stays; destination={0} letter={1}"
                            + " status={2}",
                    options.name(),
                    batch.firstSeq(),
                    result.status());
            return DrainMetrics.Outcome.REFUSED;
        }
        Signal signal = batch.key().signal();
        refused.refused(signal);
        if (batch.takenBeforeRefusal < 0) batch.takenBeforeRefusal = refused.takenOf(signal);
        if (result.forSize() && batch.parts().size() > 1) tooLarge(batch);
        narrowDown(batch, result);
        return DrainMetrics.Outcome.REFUSED;
    }

    private void tooLarge(Batch batch) {
        batcher.tooLarge(batch.bytes())
                .ifPresent(bytes ->
                        LOG.log(
                                WARNING,
                                "upstream finds requests too large, they get smaller;"
                                        + " destination={0} bytes={1}",
                                options.name(),
                                bytes));
    }

    /** Splits what was refused, or steps over it if that cannot be or would be in vain. */
    private void narrowDown(Batch batch, Refused result) {
        LaneProgress lane = lane(batch);
        if (refused.takesNothing(batch.key().signal())) {
            for (Batch.Part part : batch.parts())
                stepOver(lane, part, result, part.piece().items() == 1, batch.takenBeforeRefusal);
            return;
        }
        Optional<List<Batch>> halves = batch.halves();
        Piece piece = batch.parts().getFirst().piece();
        if (halves.isEmpty() && piece.items() > 1) {
            try {
                halves = readAhead.plain(piece.frame()).flatMap(batch::halves);
            } catch (WalException e) {
                // The next read of the log meets it as well, and ends the thread with it.
                LOG.log(WARNING, "a refused frame cannot be read; seq=" + piece.seq(), e);
            }
        }
        if (halves.isEmpty()) {
            stepOver(lane, batch.parts().getFirst(), result, true, batch.takenBeforeRefusal);
            return;
        }
        refused.remove(piece);
        for (Batch half : halves.get()) {
            readAhead.held(half.heldBytes());
            again(half, nanoTime.getAsLong(), Duration.ZERO);
        }
    }

    private void stepOver(
            LaneProgress lane,
            Batch.Part part,
            Refused result,
            boolean smallest,
            long takenBefore) {
        Piece piece = part.piece();
        // A destination that finds even this little too large is at fault, not the data.
        boolean toBlame = !result.forSize() || part.body().remaining() >= LARGE_ITEM_BYTES;
        refused.stepOver(lane, piece, result, smallest, toBlame, takenBefore, nanoTime.getAsLong());
        metrics.refused();
        lastError = Optional.of("refused: status " + result.status());
        LOG.log(
                WARNING,
                "upstream refuses data, which is kept and tried again; destination={0} seq={1}"
                        + " items={2} signal={3} status={4}",
                options.name(),
                piece.seq(),
                piece.items(),
                piece.frame().deliveredAs().label(),
                result.status());
    }

    private void unsendable(LaneProgress lane, Frame frame, String reason) {
        stepOver(
                lane,
                Batch.Part.whole(frame, ByteBuffer.allocate(0)),
                new Refused("unsendable", false, reason),
                true,
                refused.takenOf(frame.deliveredAs()));
    }

    /** Items that are to blame themselves become dead letters, one at a time. */
    private void writeLetters() throws WalException {
        for (var next = refused.condemned(); next.isPresent(); next = refused.condemned()) {
            RefusedPieces.Refused it = next.get();
            if (it.lane().isSettled(it.piece().seq())) gone(it.lane(), it.piece().frame());
            else writeLetter(it);
        }
    }

    private void writeLetter(RefusedPieces.Refused it) throws WalException {
        Piece piece = it.piece();
        Frame frame = piece.frame();
        Optional<ByteBuffer> body =
                piece.isWhole() ? readAhead.asItCame(frame) : readAhead.slice(piece);
        if (body.isEmpty()) {
            gone(it.lane(), frame);
            return;
        }
        var of =
                new LetterOrigin(
                        logId,
                        piece.seq(),
                        piece.first(),
                        piece.last(),
                        options.name(),
                        it.lane().lane().name(),
                        it.why().status(),
                        it.why().message(),
                        clock.instant().toString());
        DeadLetters.Taken taken;
        try {
            taken =
                    deadLetters.write(
                            of,
                            frame.deliveredAs(),
                            piece.isWhole() && !frame.isEntry()
                                    ? frame.encoding()
                                    : ContentEncoding.IDENTITY,
                            piece.items(),
                            frame.metadata(),
                            body.get(),
                            durable -> {
                                letterEnds.add(new LetterEnd(it, durable));
                                wake.run();
                            });
        } catch (IOException e) {
            LOG.log(
                    ERROR,
                    "a dead letter cannot be written, its item stays in the log; destination={0}"
                            + " seq={1} error={2}",
                    options.name(),
                    piece.seq(),
                    String.valueOf(e.getMessage()));
            taken = DeadLetters.Taken.LATER;
        }
        switch (taken) {
            case YES -> refused.busy(piece);
            case KNOWN -> deadLettered(it);
            case LATER -> refused.idle(piece, nanoTime.getAsLong());
            case TOO_LARGE -> {
                LOG.log(
                        ERROR,
                        "an item is too large for a dead letter and stays in the log; raise"
                                + " deadletter.ceiling_bytes; destination={0} seq={1} bytes={2}",
                        options.name(),
                        piece.seq(),
                        body.get().remaining());
                refused.stepOver(
                        it.lane(),
                        piece,
                        it.why(),
                        true,
                        false,
                        it.takenBefore(),
                        nanoTime.getAsLong());
            }
        }
    }

    private void takeLetterEnds() {
        for (var end = letterEnds.poll(); end != null; end = letterEnds.poll())
            if (end.durable()) deadLettered(end.refused());
            else refused.idle(end.refused().piece(), nanoTime.getAsLong());
    }

    /** The letter is durable; now the position may move. */
    private void deadLettered(RefusedPieces.Refused it) {
        Piece piece = it.piece();
        settle(it.lane(), piece, new Settlement(0, piece.items(), Map.of()));
        metrics.deadLettered(it.lane().lane(), piece.frame().deliveredAs(), piece.items());
        LOG.log(
                WARNING,
                "upstream refuses data while it takes other data, so it is a dead letter now; see"
                        + " edged deadletter list; destination={0} seq={1} items={2} signal={3}"
                        + " status={4}",
                options.name(),
                piece.seq(),
                piece.items(),
                piece.frame().deliveredAs().label(),
                it.why().status());
    }

    private DrainMetrics.Outcome fault(Flight flight, Fault result) {
        long now = nanoTime.getAsLong();
        circuit.fault(flight.decides(), now, flight.signal());
        metrics.retried(SendResult.Reason.FAULT);
        faulty = true;
        lastError = Optional.of("status " + result.status() + "; check " + result.check());
        LOG.log(
                ERROR,
                "upstream is at fault, data waits in the log; destination={0} signal={1} status={2}"
                        + " check={3}",
                options.name(),
                flight.signal().label(),
                result.status(),
                result.check());
        flight.batch()
                .ifPresent(batch -> {
                    batch.faults++;
                    later(batch, now, policy.backoff(batch.attempts + 1));
                });
        return DrainMetrics.Outcome.FAULT;
    }

    private long waitNanos() {
        if (paused || flights.size() >= options.inFlight()) return Long.MAX_VALUE;
        long now = nanoTime.getAsLong();
        long full = uplink.waitNanos(now);
        if (full > 0) return full;
        if (circuit.state() != Circuit.State.CLOSED)
            // A permission that was not used waits for data, not for time.
            return circuit.permission(now) == Circuit.Permission.NOTHING
                    ? circuit.waitNanos(now)
                    : Long.MAX_VALUE;
        if (inOrder() && !waiting.isEmpty()) return Math.max(0, waiting.first().dueNanos - now);
        long wait = refused.waitNanos(now);
        for (Batch batch : waiting) wait = Math.min(wait, Math.max(0, batch.dueNanos - now));
        long company =
                batcher.oldestOpenedNanos()
                        .map(opened -> Math.max(0, opened + COMPANY_NANOS - now))
                        .orElse(Long.MAX_VALUE);
        return Math.min(wait, company);
    }

    private void publish() {
        metrics.inFlight(flights.size());
        metrics.heldBytes(readAhead.heldBytes());
        metrics.refusedFrames(refused.size());
        metrics.circuit(circuit.state());
        status = snapshot(state());
        metrics.oldestWrittenAtNanos(oldest().map(Map.Entry::getValue).orElse(0L));
    }

    private DrainStatus.State state() {
        if (paused) return DrainStatus.State.PAUSED;
        if (faulty) return DrainStatus.State.FAULT;
        if (refused.full()) return DrainStatus.State.REFUSING;
        return circuit.state() == Circuit.State.CLOSED
                ? DrainStatus.State.DELIVERING
                : DrainStatus.State.WAITING;
    }

    private Optional<Map.Entry<Long, Long>> oldest() {
        return lanes.values().stream()
                .flatMap(lane -> lane.oldest().stream())
                .min(Map.Entry.comparingByKey());
    }

    private DrainStatus snapshot(DrainStatus.State state) {
        var oldest = oldest();
        return new DrainStatus(
                options.name(),
                state,
                lastError,
                flights.size(),
                refused.size(),
                options.retry().refusedFrames(),
                oldest.map(entry -> OptionalLong.of(entry.getKey())).orElse(OptionalLong.empty()),
                oldest.map(entry -> instant(entry.getValue())),
                settledTo());
    }

    private static Instant instant(long nanos) {
        return Instant.ofEpochSecond(nanos / 1_000_000_000, nanos % 1_000_000_000);
    }

    /** The thread ends because the log cannot be read, or by a mistake of ours. */
    void failed(Exception why) {
        lastError = Optional.of(String.valueOf(why.getMessage()));
        status = snapshot(DrainStatus.State.FAILED);
    }

    /**
     * Lets go of the log and of the connections. What is under way is lost and will be repeated.
     */
    @Override
    public void close() {
        reader.close();
        sender.abort();
        if (status.state() != DrainStatus.State.FAILED)
            status = snapshot(DrainStatus.State.STOPPED);
    }
}
