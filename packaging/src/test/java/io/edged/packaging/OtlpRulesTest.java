package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.UnknownFieldSet;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/**
 * The rules of the OTLP specification for servers, a row each, against the daemon: what is sent,
 * and what must be answered.
 */
@Timeout(120)
class OtlpRulesTest {

    private static final byte[] LOGS = LoadGenerator.logs(10, 430, 1);
    private static final byte[] TOO_LARGE = LoadGenerator.logs(3000, 430, 1);
    private static final int RECORD_BYTES = 64 << 10;
    private static final byte[] MALFORMED = {1, 2, 3};
    private static final String PROTOBUF = "Content-Type: application/x-protobuf";
    private static final String EXPORT = "opentelemetry.proto.collector.logs.v1.LogsService/Export";

    @TempDir static Path directory;

    private static ReceiverUnderTest receiver;
    private static ManagedChannel channel;

    @BeforeAll
    static void start() throws Exception {
        receiver =
                ReceiverUnderTest.start(
                        directory, "limits.record_bytes = \"" + RECORD_BYTES + " B\"");
        channel =
                NettyChannelBuilder.forAddress("127.0.0.1", receiver.grpc()).usePlaintext().build();
    }

    @AfterAll
    static void stop() {
        channel.shutdownNow();
        receiver.close();
    }

    /** One request over HTTP/1.1. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Http(
            String rule,
            String line,
            List<String> fields,
            byte[] body,
            boolean chunked,
            int status,
            Map<String, String> answered) {
        @Override
        public String toString() {
            return rule;
        }
    }

    static Stream<Http> http() throws IOException {
        var protobuf = Map.of("content-type", "application/x-protobuf");
        return Stream.of(
                post("no compression is taken", LOGS, 200, protobuf),
                post("gzip is taken", gzip(LOGS), 200, protobuf, "Content-Encoding: gzip"),
                post("an empty request succeeds", new byte[0], 200, protobuf),
                post("unknown fields are ignored", withUnknownField(), 200, protobuf),
                new Http(
                        "a length need not be announced",
                        "POST /v1/logs",
                        List.of(PROTOBUF),
                        LOGS,
                        true,
                        200,
                        protobuf),
                post("what cannot be decoded is 400", MALFORMED, 400, protobuf),
                post(
                        "what cannot be decompressed is 400",
                        MALFORMED,
                        400,
                        protobuf,
                        "Content-Encoding: gzip"),
                post("more than the limit is 413", TOO_LARGE, 413, protobuf),
                post(
                        "more than the limit after decompression is 413",
                        gzip(TOO_LARGE),
                        413,
                        protobuf,
                        "Content-Encoding: gzip"),
                new Http(
                        "more than the limit in chunks is 413",
                        "POST /v1/logs",
                        List.of(PROTOBUF),
                        TOO_LARGE,
                        true,
                        413,
                        protobuf),
                request("another path is 404", "POST /v1/nothing", List.of(PROTOBUF), LOGS, 404),
                new Http(
                        "another method is 405, with Allow",
                        "GET /v1/logs",
                        List.of(PROTOBUF),
                        new byte[0],
                        false,
                        405,
                        Map.of("allow", "POST")),
                request(
                        "another content type is 415",
                        "POST /v1/logs",
                        List.of("Content-Type: text/plain"),
                        LOGS,
                        415),
                request("no content type is 415", "POST /v1/logs", List.of(), LOGS, 415),
                post(
                        "another compression is 415, with those that are taken",
                        LOGS,
                        415,
                        Map.of("accept-encoding", "gzip, zstd"),
                        "Content-Encoding: snappy"),
                request(
                        "headers over the limit are 431",
                        "POST /v1/logs",
                        List.of(PROTOBUF, "X: " + "x".repeat(9000)),
                        LOGS,
                        431),
                post(
                        "an upgrade that comes with every request is ignored",
                        LOGS,
                        200,
                        protobuf,
                        "Connection: Upgrade, HTTP2-Settings",
                        "Upgrade: h2c",
                        "HTTP2-Settings: AAEAAEAAAAIAAAAA"));
    }

    @ParameterizedTest
    @MethodSource
    void http(Http row) throws IOException {
        Answer answer = send(receiver, row.line, row.fields, row.body, row.chunked);
        assertThat(answer.status).isEqualTo(row.status);
        row.answered.forEach((name, value) -> assertThat(answer.fields.get(name)).contains(value));
        assertThat(answer.body.length).as("a short answer").isLessThan(4096);
        if (answer.status == 200) {
            assertThat(answer.body).as("partial_success is unset").isEmpty();
        } else {
            assertThat(com.google.rpc.Status.parseFrom(answer.body).getMessage()).isNotEmpty();
            assertThat(answer.fields).as("for good").doesNotContainKey("retry-after");
        }
    }

    /** What came back. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Answer(int status, Map<String, String> fields, byte[] body) {

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    /** One request on a connection of its own. */
    private static Answer send(
            ReceiverUnderTest receiver,
            String line,
            List<String> fields,
            byte[] body,
            boolean chunked)
            throws IOException {
        try (var socket = new Socket(receiver.httpAddress().getAddress(), receiver.http())) {
            socket.setSoTimeout(20_000);
            var out = new ByteArrayOutputStream();
            var head = new StringBuilder(line + " HTTP/1.1\r\nHost: edge\r\n");
            fields.forEach(field -> head.append(field).append("\r\n"));
            head.append(
                    chunked
                            ? "Transfer-Encoding: chunked\r\n\r\n"
                            : "Content-Length: " + body.length + "\r\n\r\n");
            out.writeBytes(head.toString().getBytes(StandardCharsets.US_ASCII));
            if (chunked) {
                out.writeBytes(
                        (Integer.toHexString(body.length) + "\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                out.writeBytes(body);
                out.writeBytes("\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            } else {
                out.writeBytes(body);
            }
            try {
                socket.getOutputStream().write(out.toByteArray());
            } catch (IOException e) {
                // It has answered already and closed.
            }
            return answer(socket);
        }
    }

    private static Answer answer(Socket socket) throws IOException {
        var in = new BufferedInputStream(socket.getInputStream());
        int status = Integer.parseInt(line(in).split(" ", 3)[1]);
        var fields = new TreeMap<String, String>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            fields.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        int length = Integer.parseInt(fields.getOrDefault("content-length", "0"));
        return new Answer(status, fields, in.readNBytes(length));
    }

    /** One request in JSON: what its answer is, as a pattern. */
    record Json(String rule, String body, int status, String answer) {
        @Override
        public String toString() {
            return rule;
        }
    }

    static Stream<Json> json() {
        String taken = "\\{\\}";
        String bad = "\\{\"code\":3,\"message\":\"not an OTLP request for logs: .+\"\\}";
        String id = "\"traceId\":\"";
        return Stream.of(
                json("JSON is answered in JSON", "\"body\":{\"stringValue\":\"x\"}", 200, taken),
                json(
                        "ids are hexadecimal, in either case",
                        id + "5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"eee19b7ec3c1b174\"",
                        200,
                        taken),
                json("ids are not base64", id + "W47/95gDgQPSabYzgT/GDA==\"", 400, bad),
                json(
                        "other bytes are base64",
                        "\"body\":{\"bytesValue\":\"W47/95gDgQPSabYzgT/GDA==\"}",
                        200,
                        taken),
                json("enums are numbers", "\"severityNumber\":9", 200, taken),
                json(
                        "enums are not names",
                        "\"severityNumber\":\"SEVERITY_NUMBER_INFO\"",
                        400,
                        bad),
                json(
                        "integers of 64 bits may be strings",
                        "\"timeUnixNano\":\"1700000000000000001\"",
                        200,
                        taken),
                json("and numbers", "\"timeUnixNano\":1700000000000000001", 200, taken),
                json("but not larger", "\"timeUnixNano\":1e400", 400, bad),
                json(
                        "doubles may be NaN and Infinity in quotes",
                        "\"body\":{\"arrayValue\":{\"values\":[{\"doubleValue\":\"NaN\"},"
                                + "{\"doubleValue\":\"-Infinity\"}]}}",
                        200,
                        taken),
                json("not without them", "\"body\":{\"doubleValue\":NaN}", 400, bad),
                json("null is as if it were not there", "\"traceId\":null", 200, taken),
                json("unknown names are ignored", "\"nobodyKnows\":{\"a\":[1,{}]}", 200, taken),
                json("names in snake case are unknown", "\"trace_id\":\"not hex\"", 200, taken),
                json("a member twice is refused", "\"flags\":1,\"flags\":1", 400, bad),
                json("half a surrogate pair is text", "\"severityText\":\"\\ud83d\"", 200, taken),
                new Json("nesting is bounded", "[".repeat(10_000), 400, bad),
                new Json("what is cut off is refused", "{\"resourceLogs\":[", 400, bad),
                new Json("a byte order mark is refused", "\ufeff{}", 400, bad),
                new Json("nothing is not JSON", "", 400, bad),
                new Json("an empty request succeeds", "{}", 200, taken),
                new Json(
                        "a request of unknown names only is taken with a warning",
                        "{\"resource_logs\":[]}",
                        200,
                        "\\{\"partialSuccess\":\\{\"errorMessage\":\".*resource_logs.*\"\\}\\}"),
                json(
                        "records over the limit are told in a partial success",
                        "\"severityText\":\"" + "x".repeat(RECORD_BYTES) + "\"},{\"flags\":1",
                        200,
                        "\\{\"partialSuccess\":\\{\"rejectedLogRecords\":\"1\",\"errorMessage\":\".+\"\\}\\}"),
                json(
                        "more than the limit is 413",
                        "\"severityText\":\"" + "x".repeat(1 << 20) + "\"",
                        413,
                        "\\{\"code\":8,\"message\":\".+\"\\}"));
    }

    @ParameterizedTest
    @MethodSource
    void json(Json row) throws IOException {
        byte[] body = row.body.getBytes(StandardCharsets.UTF_8);
        for (boolean compressed : new boolean[] {false, true}) {
            var fields = new ArrayList<>(List.of("Content-Type: application/json; charset=utf-8"));
            if (compressed) fields.add("Content-Encoding: gzip");
            Answer answer =
                    send(receiver, "POST /v1/logs", fields, compressed ? gzip(body) : body, false);
            assertThat(answer.status).as(answer.text()).isEqualTo(row.status);
            assertThat(answer.fields).containsEntry("content-type", "application/json");
            assertThat(answer.text()).matches(row.answer);
            assertThat(answer.fields).as("for good").doesNotContainKey("retry-after");
        }
    }

    @Test
    void recordsOverTheLimitAreToldInAPartialSuccess() throws IOException {
        byte[] body = withLargeRecord();
        Answer answer = send(receiver, "POST /v1/logs", List.of(PROTOBUF), body, false);
        assertThat(answer.status).isEqualTo(200);
        var response = ExportLogsServiceResponse.parseFrom(answer.body);
        assertThat(response.getPartialSuccess().getRejectedLogRecords()).isEqualTo(1);
        assertThat(response.getPartialSuccess().getErrorMessage()).isNotEmpty();
        assertThat(
                        LogsServiceGrpc.newBlockingStub(channel)
                                .export(ExportLogsServiceRequest.parseFrom(body)))
                .isEqualTo(response);
        // What is compressed is stored as it came or not at all.
        answer =
                send(
                        receiver,
                        "POST /v1/logs",
                        List.of(PROTOBUF, "Content-Encoding: gzip"),
                        gzip(body),
                        false);
        assertThat(answer.status).isEqualTo(413);
    }

    /** A daemon that takes one record a second from a client, and a body within half a second. */
    @Test
    void whoeverIsTooFastIsToldWhenToComeBackAndWhoeverIsTooSlowIsCutOff(@TempDir Path another)
            throws Exception {
        try (var strict =
                ReceiverUnderTest.start(
                        another,
                        "limits.client_items_per_second = 1\nreceiver.body_timeout = \"500ms\"")) {
            assertThat(send(strict, "POST /v1/logs", List.of(PROTOBUF), LOGS, false).status)
                    .isEqualTo(200);
            Answer answer = send(strict, "POST /v1/logs", List.of(PROTOBUF), LOGS, false);
            assertThat(answer.status).isEqualTo(429);
            assertThat(Integer.parseInt(answer.fields.get("retry-after"))).isBetween(1, 90);
            assertThat(com.google.rpc.Status.parseFrom(answer.body).getMessage()).isNotEmpty();
            ManagedChannel overGrpc =
                    NettyChannelBuilder.forAddress("127.0.0.1", strict.grpc())
                            .usePlaintext()
                            .build();
            try {
                var request = ExportLogsServiceRequest.parseFrom(LOGS);
                assertThatThrownBy(() -> LogsServiceGrpc.newBlockingStub(overGrpc).export(request))
                        .isInstanceOfSatisfying(
                                StatusRuntimeException.class,
                                refused -> {
                                    assertThat(refused.getStatus().getCode())
                                            .isEqualTo(Status.Code.UNAVAILABLE);
                                    assertThat(retrySeconds(refused)).isBetween(1L, 90L);
                                });
            } finally {
                overGrpc.shutdownNow();
            }
            try (var socket = new Socket(strict.httpAddress().getAddress(), strict.http())) {
                socket.setSoTimeout(20_000);
                socket.getOutputStream()
                        .write(
                                ("POST /v1/logs HTTP/1.1\r\nHost: edge\r\n"
                                                + PROTOBUF
                                                + "\r\nContent-Length: 100\r\n\r\nx")
                                        .getBytes(StandardCharsets.US_ASCII));
                assertThat(answer(socket).status).isEqualTo(408);
            }
        }
    }

    private static long retrySeconds(StatusRuntimeException refused) {
        var status = io.grpc.protobuf.StatusProto.fromThrowable(refused);
        if (status == null || status.getDetailsCount() != 1) return -1;
        try {
            return status.getDetails(0)
                    .unpack(com.google.rpc.RetryInfo.class)
                    .getRetryDelay()
                    .getSeconds();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One call over gRPC. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Grpc(
            String rule,
            String method,
            byte[] message,
            boolean gzip,
            Map<String, String> fields,
            Status.Code code) {
        @Override
        public String toString() {
            return rule;
        }
    }

    static Stream<Grpc> grpc() {
        return Stream.of(
                call("no compression is taken", LOGS, false, Status.Code.OK),
                call("gzip is taken", LOGS, true, Status.Code.OK),
                call("an empty request succeeds", new byte[0], false, Status.Code.OK),
                call("unknown fields are ignored", withUnknownField(), false, Status.Code.OK),
                call(
                        "more than the limit is RESOURCE_EXHAUSTED",
                        TOO_LARGE,
                        false,
                        Status.Code.RESOURCE_EXHAUSTED),
                call(
                        "more than the limit after decompression is RESOURCE_EXHAUSTED",
                        TOO_LARGE,
                        true,
                        Status.Code.RESOURCE_EXHAUSTED),
                call(
                        "bad data is INVALID_ARGUMENT",
                        MALFORMED,
                        false,
                        Status.Code.INVALID_ARGUMENT),
                new Grpc(
                        "an unknown method is UNIMPLEMENTED",
                        "opentelemetry.proto.collector.logs.v1.LogsService/Import",
                        LOGS,
                        false,
                        Map.of(),
                        Status.Code.UNIMPLEMENTED),
                new Grpc(
                        "an unknown service is UNIMPLEMENTED",
                        "nothing.Service/Export",
                        LOGS,
                        false,
                        Map.of(),
                        Status.Code.UNIMPLEMENTED),
                new Grpc(
                        "profiles are UNIMPLEMENTED",
                        "opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
                        LOGS,
                        false,
                        Map.of(),
                        Status.Code.UNIMPLEMENTED));
    }

    @ParameterizedTest
    @MethodSource
    void grpc(Grpc row) {
        var fields = new Metadata();
        row.fields.forEach((name, value) ->
                fields.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        var method =
                MethodDescriptor.<byte[], byte[]>newBuilder()
                        .setType(MethodDescriptor.MethodType.UNARY)
                        .setFullMethodName(row.method)
                        .setRequestMarshaller(new Bytes())
                        .setResponseMarshaller(new Bytes())
                        .build();
        var options = row.gzip ? CallOptions.DEFAULT.withCompression("gzip") : CallOptions.DEFAULT;
        var intercepted =
                io.grpc.ClientInterceptors.intercept(
                        channel, MetadataUtils.newAttachHeadersInterceptor(fields));
        try {
            byte[] answer =
                    ClientCalls.blockingUnaryCall(intercepted, method, options, row.message);
            assertThat(row.code).isEqualTo(Status.Code.OK);
            assertThat(answer).as("partial_success is unset").isEmpty();
        } catch (StatusRuntimeException e) {
            assertThat(e.getStatus().getCode()).isEqualTo(row.code);
            assertThat(e.getStatus().getDescription()).isNotEmpty();
            Metadata trailers = e.getTrailers();
            assertThat(trailers).isNotNull();
            if (trailers != null)
                assertThat(trailers.keys())
                        .as("for good")
                        .doesNotContain("grpc-status-details-bin");
        }
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] message) {
            return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static Http post(
            String rule, byte[] body, int status, Map<String, String> answered, String... more) {
        var fields = new ArrayList<>(List.of(more));
        fields.add(PROTOBUF);
        return new Http(rule, "POST /v1/logs", fields, body, false, status, answered);
    }

    private static Http request(
            String rule, String line, List<String> fields, byte[] body, int status) {
        return new Http(rule, line, fields, body, false, status, Map.of());
    }

    /** A request of one record with these members. */
    private static Json json(String rule, String members, int status, String answer) {
        String body = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" + members + "}]}]}]}";
        return new Json(rule, body, status, answer);
    }

    private static byte[] withLargeRecord() throws IOException {
        return ExportLogsServiceRequest.parseFrom(LOGS).toBuilder()
                .addResourceLogs(
                        ResourceLogs.newBuilder()
                                .addScopeLogs(
                                        ScopeLogs.newBuilder()
                                                .addLogRecords(
                                                        LogRecord.newBuilder()
                                                                .setSeverityText(
                                                                        "x".repeat(RECORD_BYTES)))))
                .build()
                .toByteArray();
    }

    private static Grpc call(String rule, byte[] message, boolean gzip, Status.Code code) {
        return new Grpc(rule, EXPORT, message, gzip, Map.of(), code);
    }

    private static byte[] withUnknownField() {
        try {
            return ExportLogsServiceRequest.parseFrom(LOGS).toBuilder()
                    .setUnknownFields(
                            UnknownFieldSet.newBuilder()
                                    .addField(
                                            77,
                                            UnknownFieldSet.Field.newBuilder().addVarint(7).build())
                                    .build())
                    .build()
                    .toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) throw new IOException("the connection ended after " + line);
            if (octet != '\r') line.append((char) octet);
        }
        return line.toString();
    }
}
