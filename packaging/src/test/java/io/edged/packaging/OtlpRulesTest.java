package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

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

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
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
    private static final byte[] MALFORMED = {1, 2, 3};
    private static final String PROTOBUF = "Content-Type: application/x-protobuf";
    private static final String EXPORT = "opentelemetry.proto.collector.logs.v1.LogsService/Export";

    @TempDir static Path directory;

    private static ReceiverUnderTest receiver;
    private static ManagedChannel channel;

    @BeforeAll
    static void start() throws Exception {
        receiver = ReceiverUnderTest.start(directory, "");
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
                post("another compression is 415", LOGS, 415, protobuf, "Content-Encoding: snappy"),
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
        try (var socket = new Socket(receiver.httpAddress().getAddress(), receiver.http())) {
            socket.setSoTimeout(20_000);
            var out = new ByteArrayOutputStream();
            var head = new StringBuilder(row.line + " HTTP/1.1\r\nHost: edge\r\n");
            row.fields.forEach(field -> head.append(field).append("\r\n"));
            head.append(
                    row.chunked
                            ? "Transfer-Encoding: chunked\r\n\r\n"
                            : "Content-Length: " + row.body.length + "\r\n\r\n");
            out.writeBytes(head.toString().getBytes(StandardCharsets.US_ASCII));
            if (row.chunked) {
                out.writeBytes(
                        (Integer.toHexString(row.body.length) + "\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                out.writeBytes(row.body);
                out.writeBytes("\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            } else {
                out.writeBytes(row.body);
            }
            try {
                socket.getOutputStream().write(out.toByteArray());
            } catch (IOException e) {
                // It has answered already and closed.
            }
            var in = new BufferedInputStream(socket.getInputStream());
            int status = Integer.parseInt(line(in).split(" ", 3)[1]);
            var fields = new TreeMap<String, String>();
            for (String line = line(in); !line.isEmpty(); line = line(in)) {
                int colon = line.indexOf(':');
                fields.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
            byte[] body =
                    in.readNBytes(Integer.parseInt(fields.getOrDefault("content-length", "0")));
            assertThat(status).isEqualTo(row.status);
            row.answered.forEach((name, value) -> assertThat(fields.get(name)).contains(value));
            assertThat(body.length).as("a short answer").isLessThan(4096);
            if (status == 200) {
                assertThat(body).as("partial_success is unset").isEmpty();
            } else {
                assertThat(com.google.rpc.Status.parseFrom(body).getMessage()).isNotEmpty();
                assertThat(fields).as("for good").doesNotContainKey("retry-after");
            }
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
        var fields = new java.util.ArrayList<>(List.of(more));
        fields.add(PROTOBUF);
        return new Http(rule, "POST /v1/logs", fields, body, false, status, answered);
    }

    private static Http request(
            String rule, String line, List<String> fields, byte[] body, int status) {
        return new Http(rule, line, fields, body, false, status, Map.of());
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
