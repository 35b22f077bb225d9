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
import io.edged.wal.Cursor;
import io.edged.wal.DeliveryLog;
import io.edged.wal.Frame;
import io.edged.wal.Lanes;
import io.edged.wal.Settlement;
import io.edged.wal.WalException;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
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

    /** How often the wall clock is looked at while it decides. */
    static final long LOOK_AGAIN_NANOS = TimeUnit.MINUTES.toNanos(1);

    /** Why items are dropped that a partial success rejected. */
    static final String REJECTED_UPSTREAM = "rejected_upstream";

    /** Nothing smaller becomes a dead letter because of its size. */
    static final int LARGE_ITEM_BYTES = 1 << 20;

    private static final Duration REFUSED_INITIAL = Duration.ofMinutes(1);
    private static final Duration REFUSED_MAX = Duration.ofHours(1);

    private final String node;
    private final DestinationOptions options;
    private final String logId;

    /** By place in their order. */
    private final List<LaneProgress> lanes;

    private final LaneScan scan;
    private final Shares shares;
    private final Bodies bodies;
    private final LinkWindow window;
    private final Batcher batcher;
    private final UplinkLimits limits;
    private final ByteBudget budget;
    private final Expiry expiry;
    private final RefusedPieces refused;
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

    /** Letters that their log has and is not done with. */
    private int lettersUnderWay;

    private final Set<Flight> flights = new HashSet<>();
    private final TreeSet<Batch> waiting = new TreeSet<>(Batch.OLDEST_FIRST);
    private Optional<String> lastError = Optional.empty();
    private boolean faulty;
    private Optional<ByteBudget.Hold> holding = Optional.empty();

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
     * How a destination divides and saves what it may send.
     *
     * @param lanes in any order; a lane without a policy has the default
     */
    record Ration(List<LanePolicy> lanes, UplinkLimits limits, UplinkMemory memory) {
        static final Ration NONE = new Ration(List.of(), UplinkLimits.NONE, UplinkMemory.none());
    }

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
            Ration ration,
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
        DeliveryLog log = surroundings.log();
        List<LanePolicy> policies = ration.lanes();
        this.limits = ration.limits();
        this.budget = new ByteBudget(options.name(), limits, ration.memory());
        surroundings.metrics().watch(budget);
        this.expiry = new Expiry(options.name(), limits, log, clock, nanoTime);
        this.paused = ration.memory().use(options.name()).paused();
        this.lanes = lanes(log, options.name(), policies);
        this.shares =
                new Shares(
                        log.lanes().names().stream()
                                .map(lane -> policy(policies, lane).sharePercent())
                                .toList());
        long settledTo = settledTo();
        this.bodies = new Bodies(log.reader(settledTo), options.batching(), events);
        this.window =
                new LinkWindow(
                        options.batching().bytes(),
                        requestsOfOneLane(),
                        surroundings.nanoTime().getAsLong());
        this.batcher =
                new Batcher(
                        options.batching(),
                        key ->
                                EdgeBatch.prefix(node, logId, key.lane().name(), key.signal())
                                        .length(),
                        bodies,
                        window);
        this.scan = new LaneScan(log.reader(settledTo), settledTo, log.lanes(), lanes);
        this.status = snapshot(DrainStatus.State.DELIVERING);
    }

    private static List<LaneProgress> lanes(
            DeliveryLog log, String destination, List<LanePolicy> policies) {
        Lanes rule = log.lanes();
        List<? extends Cursor> cursors = log.cursors(destination);
        var lanes = new ArrayList<LaneProgress>();
        for (int place = 0; place < rule.size(); place++) {
            String name = rule.names().get(place);
            lanes.add(
                    new LaneProgress(
                            new Lane(name),
                            place,
                            cursors.get(place),
                            policy(policies, name).newestFirst(),
                            rule,
                            log::reader));
        }
        return List.copyOf(lanes);
    }

    private static LanePolicy policy(List<LanePolicy> policies, String lane) {
        return policies.stream()
                .filter(policy -> policy.lane().equals(lane))
                .findFirst()
                .orElseGet(() -> LanePolicy.of(lane));
    }

    private long settledTo() {
        return lanes.stream().mapToLong(LaneProgress::settledTo).min().orElseThrow();
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
        // Before looking for the end, so that a commit behind it is not missed.
        hungry = true;
        boolean more = scan.step(nanoTime.getAsLong());
        for (LaneProgress lane : lanes) more |= expiry.giveUp(lane, metrics);
        if (!more) expiry.tell();
        long wait = send();
        publish();
        return more ? 0 : Math.min(wait, expiry.waitNanos());
    }

    /** Why nothing is sent although there may be data and the destination may be well. */
    private Optional<ByteBudget.Hold> hold() {
        Instant now = clock.instant();
        Optional<ByteBudget.Hold> closed =
                limits.windows()
                        .closedUntil(now)
                        .map(until -> new ByteBudget.Hold("no drain window is open", until));
        return closed.or(() -> budget.hold(now));
    }

    /**
     * Takes the answers of what is under way, and letters that are being written; sends nothing
     * more.
     *
     * @return whether everything was answered and written
     */
    boolean settleRest() {
        hungry = false;
        takeAnswers();
        takeLetterEnds();
        publish();
        return flights.isEmpty() && lettersUnderWay == 0;
    }

    /**
     * Sends what may go. How long to wait is told by the same look at the clock that found nothing
     * more to send: what becomes due between two looks would be missed by both.
     *
     * @return nanoseconds until time alone brings more; {@link Long#MAX_VALUE} if it does not
     */
    private long send() throws WalException {
        while (!paused && flights.size() < options.inFlight()) {
            long now = nanoTime.getAsLong();
            Optional<ByteBudget.Hold> held = hold();
            // The wall clock may be set meanwhile.
            if (held.isPresent())
                return Math.clamp(
                        Duration.between(clock.instant(), held.get().until()).toNanos(),
                        1,
                        LOOK_AGAIN_NANOS);
            long full = uplink.waitNanos(now);
            if (full > 0) return full;
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
            if (batch.isEmpty()) return waitNanos(now);
            launch(batch.get().key().signal(), batch);
        }
        return Long.MAX_VALUE;
    }

    private boolean inOrder() {
        return options.inFlight() == 1;
    }

    private Optional<Batch> next(long now) throws WalException {
        // One at a time, so a backlog neither holds them up nor is held up by them.
        Optional<Batch> refusal = dueRefusal(now);
        if (refusal.isPresent()) return refusal;
        var nextBytes = new long[lanes.size()];
        for (LaneProgress lane : lanes) nextBytes[lane.place()] = nextBytes(lane, now);
        for (int place = shares.pick(nextBytes); place >= 0; place = shares.pick(nextBytes)) {
            if (!window.hasRoom(underWayBytes(), nextBytes[place])
                    && !isAboveAllUnderWay(lanes.get(place))) {
                // It waits for room, and nothing that is not urgent overtakes it.
                for (LaneProgress lane : lanes)
                    if (!isAboveAllUnderWay(lane)) nextBytes[lane.place()] = 0;
                continue;
            }
            Optional<Batch> batch = next(lanes.get(place), now);
            if (batch.isPresent()) return batch;
            nextBytes[place] = 0;
        }
        return letterToRetry(now);
    }

    /** What a lane would send now; 0 if it has nothing that may go. */
    private long nextBytes(LaneProgress lane, long now) {
        if (!mayUseLastRequest(lane)) return 0;
        Optional<Batch> due = due(lane, now);
        if (due.isPresent()) return Math.max(1, due.get().bytes());
        if (inOrder() && hasWaiting(lane)) return 0;
        if (!lane.hasWaiting() || refused.full()) return 0;
        long bytes = batcher.nextBytes(lane);
        if (lane.held > 0 && bodies.isFull(bytes)) return 0;
        return batcher.fills(lane)
                        || lane.flights == 0
                        || lane.waitingSinceNanos() - (now - COMPANY_NANOS) <= 0
                ? bytes
                : 0;
    }

    /**
     * The last of the requests that may be under way at once is kept for a lane above all that are:
     * what is urgent need not wait for the answer to what is not.
     */
    private boolean mayUseLastRequest(LaneProgress lane) {
        return flights.size() < requestsOfOneLane() || isAboveAllUnderWay(lane);
    }

    private int requestsOfOneLane() {
        return lanes.size() == 1 || inOrder() ? options.inFlight() : options.inFlight() - 1;
    }

    private boolean isAboveAllUnderWay(LaneProgress lane) {
        for (LaneProgress other : lanes)
            if (other.flights > 0 && other.place() <= lane.place()) return false;
        return true;
    }

    private long underWayBytes() {
        long bytes = 0;
        for (Flight flight : flights) bytes += flight.batch().map(Batch::bytes).orElse(0L);
        return bytes;
    }

    private Optional<Batch> next(LaneProgress lane, long now) throws WalException {
        Optional<Batch> due = takeDue(lane, now);
        return due.isPresent() ? due : fresh(lane, now);
    }

    private Optional<Batch> takeDue(LaneProgress lane, long now) {
        Optional<Batch> due = due(lane, now);
        due.ifPresent(waiting::remove);
        return due.map(this::cutToSize);
    }

    /**
     * What failed may have been made for a faster link than there is now. The halves of a request
     * that got no answer are no new company: who has recorded it knows every part of them.
     */
    private Batch cutToSize(Batch batch) {
        if (batch.bytes() <= window.requestBytes() || batch.letter.isPresent()) return batch;
        Optional<List<Batch>> halves = batch.halves();
        if (halves.isEmpty()) return batch;
        halves.get().forEach(this::hold);
        letGo(batch);
        waiting.add(halves.get().getLast());
        return cutToSize(halves.get().getFirst());
    }

    private Optional<Batch> fresh(LaneProgress lane, long now) throws WalException {
        var cut = new ArrayList<Frame>();
        Optional<Batch> batch =
                batcher.next(
                        lane,
                        now,
                        (of, unsent) -> unsendable(of, unsent.frame(), unsent.reason()),
                        (_, frame) -> cut.add(frame));
        batch.ifPresent(this::hold);
        for (Frame frame : cut) sendInParts(lane, frame, now);
        return batch.isPresent() || cut.isEmpty() ? batch : takeDue(lane, now);
    }

    /** A frame that was cut before this process began: its parts are sent as they were then. */
    private void sendInParts(LaneProgress lane, Frame frame, long now) throws WalException {
        List<Piece> open =
                lane.parts(frame.seq()).stream()
                        .filter(part -> part.settled().isEmpty())
                        .map(part -> new Piece(frame, part.first(), part.last()))
                        .toList();
        Optional<ByteBuffer> plain = bodies.plain(frame);
        if (plain.isEmpty()) {
            gone(lane, frame);
            return;
        }
        for (Piece piece : open) {
            Optional<Batch> batch = Batch.of(Bodies.key(lane, frame), piece, plain.get(), now);
            if (batch.isEmpty()) {
                gone(lane, frame);
                return;
            }
            hold(batch.get());
            waiting.add(batch.get());
        }
    }

    /** A batch of the lane that has waited long enough after a failure. */
    private Optional<Batch> due(LaneProgress lane, long now) {
        return waiting.stream()
                .filter(batch -> batch.key().lane().equals(lane.lane()))
                // With one request in flight, order holds: the oldest or none.
                .limit(inOrder() ? 1 : Long.MAX_VALUE)
                .filter(batch -> batch.dueNanos - now <= 0)
                .filter(batch -> lane.maySend(batch.parts().getFirst().piece()))
                .findFirst();
    }

    private boolean hasWaiting(LaneProgress lane) {
        return waiting.stream().anyMatch(batch -> batch.key().lane().equals(lane.lane()));
    }

    /** A batch comes into memory. */
    private void hold(Batch batch) {
        bodies.hold(batch);
        if (batch.letter.isEmpty()) lane(batch).held++;
    }

    /** A batch is done with. */
    private void letGo(Batch batch) {
        bodies.letGo(batch);
        if (batch.letter.isEmpty()) lane(batch).held--;
    }

    /**
     * The one request that decides about the circuit. Data that met a fault may be the cause of it,
     * so other data goes first where order allows; its own backoff is the circuit's.
     */
    private Optional<Batch> forProbe(long now) throws WalException {
        for (LaneProgress lane : lanes) {
            Optional<Batch> chosen =
                    waiting.stream()
                            .filter(batch -> batch.key().lane().equals(lane.lane()))
                            .limit(inOrder() ? 1 : Long.MAX_VALUE)
                            .filter(batch -> inOrder() || batch.faults == 0)
                            .filter(batch -> lane.maySend(batch.parts().getFirst().piece()))
                            .findFirst();
            if (chosen.isPresent()) {
                waiting.remove(chosen.get());
                return chosen.map(this::cutToSize);
            }
            if (!lane.hasWaiting() || refused.full()) continue;
            Optional<Batch> fresh = fresh(lane, now);
            if (fresh.isPresent()) return fresh;
        }
        Optional<Batch> any =
                waiting.stream()
                        .filter(batch -> lane(batch).maySend(batch.parts().getFirst().piece()))
                        .findFirst();
        any.ifPresent(waiting::remove);
        return any.map(this::cutToSize);
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
                hold(batch.get());
                refused.busy(piece);
                return batch;
            }
        }
        return Optional.empty();
    }

    private Optional<Batch> wholeAgain(LaneProgress lane, Piece piece, long now)
            throws WalException {
        switch (bodies.body(piece.frame())) {
            case Bodies.Body.Gone() -> gone(lane, piece.frame());
            case Bodies.Body.Unsendable(String reason) -> unsendable(lane, piece.frame(), reason);
            case Bodies.Body.Ready ready -> {
                var batch = new Batch(Bodies.key(lane, piece.frame()), ready.encoding(), now);
                batch.add(ready.part());
                return Optional.of(batch);
            }
        }
        return Optional.empty();
    }

    private Optional<Batch> sliceAgain(LaneProgress lane, Piece piece, long now)
            throws WalException {
        Optional<ByteBuffer> body = bodies.slice(piece);
        if (body.isEmpty()) {
            gone(lane, piece.frame());
            return Optional.empty();
        }
        var batch = new Batch(Bodies.key(lane, piece.frame()), ContentEncoding.IDENTITY, now);
        batch.add(Batch.Part.of(piece, body.get()));
        return Optional.of(batch);
    }

    /** The log has lost it, and accounted for it. */
    private void gone(LaneProgress lane, Frame frame) {
        lane.lost(frame);
        refused.removeFrame(frame.seq());
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
            batch.add(Batch.Part.of(Piece.whole(frame), letter.get().body()));
            hold(batch);
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
        long underWay = underWayBytes() + batch.map(Batch::bytes).orElse(0L);
        var flight = new Flight(signal, batch, circuit.sending(), underWay, nanoTime.getAsLong());
        flights.add(flight);
        Shipment shipment = batch.map(this::shipment).orElseGet(() -> Shipment.empty(signal));
        metrics.uploading(shipment.bytes());
        uplink.sent(shipment.bytes(), nanoTime.getAsLong());
        budget.sending(shipment.bytes() + Uplink.HEAD_BYTES, clock.instant());
        batch.filter(it -> it.letter.isEmpty()).ifPresent(it -> leaving(it, shipment));
        sender.send(shipment, result -> land(new Flight.Landing(flight, result)));
    }

    private void leaving(Batch batch, Shipment shipment) {
        LaneProgress lane = lane(batch);
        lane.flights++;
        lane.sending(batch.lastSeq());
        var hasData = new boolean[lanes.size()];
        for (LaneProgress other : lanes)
            hasData[other.place()] = other.hasWaiting() || hasWaiting(other);
        long bytes = shipment.bytes() + Uplink.HEAD_BYTES;
        shares.sent(lane.place(), bytes, hasData);
        metrics.sent(lane.lane(), bytes);
    }

    private Shipment shipment(Batch batch) {
        Batch.Payload payload = bodies.payload(batch, options.batching().compression(batch));
        List<BodyMemory.Room> rooms = payload.rooms();
        rooms.forEach(BodyMemory.Room::hold);
        Batch.Key key = batch.key();
        var headers = new HashMap<>(FrameMetadata.headers(key.metadata()));
        headers.put(EdgeBatch.HEADER, edgeBatch(batch).encode());
        return new Shipment(
                key.signal(),
                payload.encoding(),
                headers,
                BodyMemory.joined(rooms),
                () -> rooms.forEach(BodyMemory.Room::letGo));
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
            flight.batch()
                    .filter(batch -> batch.letter.isEmpty())
                    .ifPresent(batch -> lane(batch).flights--);
            Circuit.State before = circuit.state();
            DrainMetrics.Outcome outcome =
                    switch (landing.result()) {
                        case Delivered delivered -> delivered(flight, delivered);
                        case RetryAfter retry -> retry(flight, retry);
                        case Refused data -> refused(flight, data);
                        case Fault fault -> fault(flight, fault);
                    };
            long now = nanoTime.getAsLong();
            metrics.answered(outcome, now - flight.sentNanos());
            if (circuit.state() == Circuit.State.OPEN || isOfTheLink(landing.result()))
                window.restart(now);
            else if (outcome == DrainMetrics.Outcome.DELIVERED && flight.batch().isPresent())
                window.answered(flight.underWayBytes(), flight.sentNanos(), now);
            if (before != Circuit.State.CLOSED && circuit.state() == Circuit.State.CLOSED)
                LOG.log(INFO, "upstream takes data again; destination={0}", options.name());
        }
    }

    /** Whether the link failed, and not the destination. */
    private static boolean isOfTheLink(SendResult result) {
        return result instanceof RetryAfter retry && retry.reason().isOfTheLink();
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
        letGo(batch);
        metrics.delivered(
                batch.key().lane(), batch.key().signal(), batch.items() - rejected, rejected);
    }

    private void settle(LaneProgress lane, Piece piece, Settlement settlement) {
        refused.remove(piece);
        if (lane.isSettled(piece.seq())) {
            lane.lost(piece.frame());
            LOG.log(
                    WARNING,
                    "a frame was delivered after the log had given it up; destination={0} seq={1}",
                    options.name(),
                    piece.seq());
            return;
        }
        SplitFrames.settled(lane, piece, settlement)
                .ifPresent(all -> lane.settle(piece.frame(), all));
    }

    private void letterDelivered(Batch batch) {
        deadLetters.delivered(batch.parts().getFirst().frame());
        letGo(batch);
        LOG.log(
                INFO,
                "a dead letter was delivered; destination={0} letter={1}",
                options.name(),
                batch.firstSeq());
    }

    private LaneProgress lane(Batch batch) {
        for (LaneProgress lane : lanes) if (lane.lane().equals(batch.key().lane())) return lane;
        throw new IllegalStateException("no lane " + batch.key().lane());
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
        letGo(batch);
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
        if (batch.letter.isPresent()) {
            letGo(batch);
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
        letGo(batch);
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
                halves = bodies.plain(piece.frame()).flatMap(batch::halves);
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
        List<Piece> cut =
                halves.get().stream().map(half -> half.parts().getFirst().piece()).toList();
        if (batch.parts().size() == 1) SplitFrames.split(lane, piece, cut);
        for (Batch half : halves.get()) {
            hold(half);
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
                Batch.Part.of(Piece.whole(frame), ByteBuffer.allocate(0)),
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
        Optional<ByteBuffer> body = piece.isWhole() ? bodies.asItCame(frame) : bodies.slice(piece);
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
            case YES -> {
                refused.busy(piece);
                lettersUnderWay++;
            }
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
        for (var end = letterEnds.poll(); end != null; end = letterEnds.poll()) {
            lettersUnderWay--;
            if (end.durable()) deadLettered(end.refused());
            else refused.idle(end.refused().piece(), nanoTime.getAsLong());
        }
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

    /** As of {@code now}, when nothing more was found to send. */
    private long waitNanos(long now) {
        if (circuit.state() != Circuit.State.CLOSED)
            // A permission that was not used waits for data, not for time.
            return circuit.permission(now) == Circuit.Permission.NOTHING
                    ? circuit.waitNanos(now)
                    : Long.MAX_VALUE;
        long wait = refused.waitNanos(now);
        for (Batch batch : waiting) wait = Math.min(wait, wait(batch.dueNanos, now));
        for (LaneProgress lane : lanes)
            if (lane.flights > 0 && lane.hasWaiting())
                wait = Math.min(wait, wait(lane.waitingSinceNanos() + COMPANY_NANOS, now));
        return wait;
    }

    /** What is due already waits for an answer, not for time. */
    private static long wait(long dueNanos, long now) {
        return dueNanos - now > 0 ? dueNanos - now : Long.MAX_VALUE;
    }

    private void publish() {
        metrics.inFlight(flights.size());
        metrics.heldBytes(bodies.heldBytes());
        metrics.refusedFrames(refused.size());
        metrics.circuit(circuit.state());
        tellHold();
        status = snapshot(state());
        metrics.oldestWrittenAtNanos(oldest().map(Map.Entry::getValue).orElse(0L));
    }

    /** One line when it begins and one when it ends. */
    private void tellHold() {
        Optional<ByteBudget.Hold> now = hold();
        boolean changed =
                !now.map(ByteBudget.Hold::reason).equals(holding.map(ByteBudget.Hold::reason));
        holding = now;
        if (!changed) return;
        if (now.isPresent())
            LOG.log(
                    INFO,
                    "nothing is sent for now; destination={0} reason={1} until={2}",
                    options.name(),
                    now.get().reason(),
                    now.get().until());
        else LOG.log(INFO, "sending may go on; destination={0}", options.name());
    }

    private DrainStatus.State state() {
        if (paused) return DrainStatus.State.PAUSED;
        if (holding.isPresent()) return DrainStatus.State.LIMITED;
        if (faulty) return DrainStatus.State.FAULT;
        if (refused.full()) return DrainStatus.State.REFUSING;
        return circuit.state() == Circuit.State.CLOSED
                ? DrainStatus.State.DELIVERING
                : DrainStatus.State.WAITING;
    }

    private Optional<Map.Entry<Long, Long>> oldest() {
        return lanes.stream()
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
                settledTo(),
                limitedBy(),
                lanes.stream().map(Destination::snapshot).toList());
    }

    /** Why nothing is sent, though data may wait, and until when. */
    private Optional<String> limitedBy() {
        if (paused) return Optional.of("paused by the operator, until edged drain resume");
        if (holding.isPresent())
            return holding.map(hold -> hold.reason() + ", until " + hold.until());
        long now = nanoTime.getAsLong();
        if (circuit.state() != Circuit.State.CLOSED) {
            long wait = circuit.waitNanos(now);
            return Optional.of(
                    "the circuit is open"
                            + lastError.map(error -> " (" + error + ")").orElse("")
                            + (wait == Long.MAX_VALUE
                                    ? ", one request decides"
                                    : ", until one request is tried at " + after(wait)));
        }
        long full = uplink.waitNanos(now);
        return full == 0
                ? Optional.empty()
                : Optional.of(
                        "bytes_per_second is "
                                + options.bytesPerSecond()
                                + ", the next request goes at "
                                + after(full));
    }

    private Instant after(long nanos) {
        return clock.instant().plusNanos(nanos).truncatedTo(ChronoUnit.MILLIS);
    }

    private static DrainStatus.LaneStatus snapshot(LaneProgress lane) {
        return new DrainStatus.LaneStatus(
                lane.lane().name(),
                lane.settledTo(),
                lane.flights,
                lane.waitingFrames(),
                lane.oldest().map(entry -> instant(entry.getValue())));
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
        budget.close(clock.instant());
        scan.close();
        bodies.close();
        sender.abort();
        if (status.state() != DrainStatus.State.FAILED)
            status = snapshot(DrainStatus.State.STOPPED);
    }
}
