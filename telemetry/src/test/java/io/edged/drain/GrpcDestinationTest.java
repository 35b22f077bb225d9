package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.RetryInfo;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Settlement;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A destination that speaks gRPC, against grpc-java and the official stubs. */
class GrpcDestinationTest {

    private final MemoryLog log = new MemoryLog();

    private static DestinationOptions options(URI endpoint, ContentEncoding compression) {
        DestinationOptions http = DestinationTest.options(endpoint, compression, 1 << 20, 8192, 4);
        return over(http);
    }

    private static DestinationOptions over(DestinationOptions http) {
        return new DestinationOptions(
                http.name(),
                ((DestinationOptions.Target) http.route()).overGrpc(),
                http.batching(),
                http.inFlight(),
                http.retry());
    }

    private static DestinationOptions options(URI endpoint) {
        return options(endpoint, ContentEncoding.IDENTITY);
    }

    private MemoryLog.MemoryCursor cursor() {
        return log.cursor("cloud", "all");
    }

    private static StatusRuntimeException exhausted(long seconds) {
        return StatusProto.toStatusRuntimeException(
                com.google.rpc.Status.newBuilder()
                        .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                        .setMessage("slow down")
                        .addDetails(
                                Any.pack(
                                        RetryInfo.newBuilder()
                                                .setRetryDelay(
                                                        Duration.newBuilder().setSeconds(seconds))
                                                .build()))
                        .build());
    }

    @ParameterizedTest
    @EnumSource(
            value = ContentEncoding.class,
            names = {"IDENTITY", "GZIP"})
    void allThreeServicesTakeTheirSignal(ContentEncoding compression) throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.batch(Signal.TRACES, 1, Otlp.spans("s"));
        log.batch(Signal.METRICS, 0, new byte[0]);
        log.batch(Signal.LOGS, 1, Otlp.logs("c"));
        log.commit();
        try (var upstream = new GrpcUpstream(request -> 0);
                var drain = new TurnedDestination(log, options(upstream.uri(), compression))) {
            drain.turnUntil(() -> cursor().settledTo() == 4);

            assertThat(upstream.requests())
                    .extracting(GrpcUpstream.Request::service)
                    .containsExactlyInAnyOrder("logs", "traces", "metrics");
            var logs =
                    upstream.requests().stream()
                            .filter(request -> request.service().equals("logs"))
                            .findFirst()
                            .orElseThrow();
            assertThat(Otlp.texts(logs.body())).containsExactly("a", "b", "c");
            assertThat(logs.metadata())
                    .containsEntry("edge-batch", "node-1/00112233aabbccdd/all/logs 1,4")
                    .containsEntry("authorization", "Bearer secret")
                    .containsEntry("user-agent", "edged");
            assertThat(logs.metadata().containsKey("grpc-encoding"))
                    .isEqualTo(compression == ContentEncoding.GZIP);
            assertThat(upstream.connections()).isEqualTo(1);
        }
    }

    @Test
    void manyRequestsShareOneConnectionAndArriveWhole() throws Exception {
        byte[] large = Otlp.logs("x".repeat(900_000));
        for (int i = 0; i < 12; i++) log.batch(Signal.LOGS, 1, large);
        log.commit();
        var together = new AtomicInteger();
        var most = new AtomicInteger();
        var met = new CountDownLatch(2);
        var alone = new AtomicInteger(8); // until the link is known to carry more than one
        try (var upstream =
                        new GrpcUpstream(request -> {
                            most.accumulateAndGet(together.incrementAndGet(), Math::max);
                            try {
                                if (alone.decrementAndGet() < 0) {
                                    met.countDown();
                                    met.await(10, TimeUnit.SECONDS);
                                }
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            together.decrementAndGet();
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 12);
            assertThat(upstream.requests()).hasSize(12);
            assertThat(upstream.requests())
                    .allSatisfy(request -> assertThat(request.body()).isEqualTo(large));
            assertThat(upstream.connections()).isEqualTo(1);
            assertThat(most.get()).isBetween(2, 4);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {
                "CANCELLED",
                "DEADLINE_EXCEEDED",
                "ABORTED",
                "OUT_OF_RANGE",
                "UNAVAILABLE",
                "DATA_LOSS"
            })
    void retryableCodesAreRepeatedUntilTheyEnd(Status.Code code) throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new GrpcUpstream(request -> {
                            if (request.number() <= 3) throw GrpcUpstream.status(code);
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> upstream.requests().size() == 3);
            assertThat(cursor().settlements()).isEmpty();
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(upstream.requests()).hasSize(4);
        }
    }

    @Test
    void aHintInTheDetailsIsKept() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new GrpcUpstream(request -> {
                            if (request.number() == 1) throw exhausted(77);
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(drain.elapsed())
                    .isBetween(java.time.Duration.ofSeconds(77), java.time.Duration.ofSeconds(79));
            assertThat(drain.metric("edged.drain.refused.waiting")).isZero();
        }
    }

    @Test
    void exhaustedWithoutAHintMeansTooLargeAndSplits() throws Exception {
        for (int i = 0; i < 16; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var taken = new ArrayList<String>();
        try (var upstream =
                        new GrpcUpstream(request -> {
                            List<String> texts = Otlp.texts(request.body());
                            if (texts.size() > 4)
                                throw GrpcUpstream.status(Status.Code.RESOURCE_EXHAUSTED);
                            synchronized (taken) {
                                taken.addAll(texts);
                            }
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 16);
            assertThat(taken).hasSize(16).doesNotHaveDuplicates();
            assertThat(drain.metric("edged.drain.dead.lettered")).isZero();
        }
    }

    @Test
    void anInvalidItemBecomesADeadLetterAndItsNeighboursArrive() throws Exception {
        for (int i = 0; i < 20; i++)
            log.batch(Signal.LOGS, 1, Otlp.logs(i == 7 ? "poison" : "t" + i));
        log.commit();
        try (var upstream =
                        new GrpcUpstream(request -> {
                            if (Otlp.texts(request.body()).contains("poison"))
                                throw GrpcUpstream.status(Status.Code.INVALID_ARGUMENT);
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 20);
            assertThat(cursor().settlements().get(8L)).isEqualTo(new Settlement(0, 1, Map.of()));
            assertThat(drain.metric("edged.drain.delivered", "signal", "logs")).isEqualTo(19);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {
                "UNKNOWN",
                "NOT_FOUND",
                "ALREADY_EXISTS",
                "PERMISSION_DENIED",
                "FAILED_PRECONDITION",
                "UNIMPLEMENTED",
                "INTERNAL",
                "UNAUTHENTICATED"
            })
    void aFaultDropsNothingAndIsAskedAboutWithEmptyRequests(Status.Code code) throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new GrpcUpstream(request -> {
                            if (request.number() <= 12) throw GrpcUpstream.status(code);
                            return 0;
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> upstream.requests().size() == 12);
            assertThat(cursor().settlements()).isEmpty();
            assertThat(upstream.requests().subList(2, 12))
                    .allSatisfy(request -> assertThat(request.body()).isEmpty());
            drain.turnUntil(() -> drain.destination.status().state() == DrainStatus.State.FAULT);
            assertThat(drain.destination.status().lastError())
                    .hasValueSatisfying(error -> assertThat(error).contains(code.name()));
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(drain.metric("edged.drain.dead.lettered")).isZero();
        }
    }

    @Test
    void whatAPartialSuccessRejectsIsDroppedAndCounted() throws Exception {
        log.batch(Signal.LOGS, 3, Otlp.logs("a", "b", "c"));
        log.commit();
        try (var upstream = new GrpcUpstream(request -> 2);
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(cursor().settlements().get(1L))
                    .isEqualTo(new Settlement(1, 0, Map.of(Destination.REJECTED_UPSTREAM, 2)));
        }
    }

    @Test
    void oneStreamAtATimeIsEnough() throws Exception {
        byte[] large = Otlp.logs("x".repeat(900_000));
        for (int i = 0; i < 8; i++) log.batch(Signal.LOGS, 1, large);
        log.commit();
        try (var upstream =
                        new GrpcUpstream(
                                request -> 0,
                                builder -> builder.maxConcurrentCallsPerConnection(1));
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 8);
            assertThat(upstream.connections()).isEqualTo(1);
            assertThat(drain.metric("edged.drain.retried")).isZero();
        }
    }

    @Test
    void gzipBodiesGoOutAsTheyCame() throws Exception {
        byte[] plain = Otlp.logs("z".repeat(100_000));
        byte[] gzip = Gzip.compress(List.of(java.nio.ByteBuffer.wrap(plain)));
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", gzip);
        log.commit();
        try (var upstream = new GrpcUpstream(request -> 0);
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(upstream.requests().getFirst().body()).isEqualTo(plain);
            assertThat(upstream.requests().getFirst().metadata())
                    .containsEntry("grpc-encoding", "gzip");
        }
    }
}
