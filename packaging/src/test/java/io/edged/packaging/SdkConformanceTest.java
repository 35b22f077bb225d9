package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.common.ComponentLoader;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.MetricsServiceGrpc;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import io.opentelemetry.sdk.common.export.GrpcSenderProvider;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;

/** Clients that were written elsewhere, against the daemon. */
@Timeout(180)
class SdkConformanceTest {

    @TempDir static Path directory;

    private static ReceiverUnderTest receiver;

    @BeforeAll
    static void start() throws Exception {
        receiver = ReceiverUnderTest.start(directory, "");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    /** The sender over grpc-java's channels, with the release of the SDK that it was made for. */
    @ParameterizedTest
    @ValueSource(strings = {"none", "gzip"})
    void theSdkForJavaExportsOverAManagedChannel(String compression) throws Exception {
        long logsBefore = receiver.items("logs", "grpc");
        long spansBefore = receiver.items("traces", "grpc");
        try (var loader = new URLClassLoader(olderSdk(), ClassLoader.getPlatformClassLoader())) {
            Thread thread = Thread.currentThread();
            ClassLoader ours = thread.getContextClassLoader();
            thread.setContextClassLoader(loader);
            try {
                var export = loader.loadClass(ManagedChannelExport.class.getName());
                assertThat(export.getClassLoader()).isSameAs(loader);
                @SuppressWarnings("unchecked")
                var exports =
                        (BiFunction<String, String, String>)
                                export.getDeclaredConstructor().newInstance();
                assertThat(exports.apply(receiver.grpcUrl(), compression)).isEmpty();
            } finally {
                thread.setContextClassLoader(ours);
            }
        }
        assertThat(receiver.items("logs", "grpc") - logsBefore).isEqualTo(3);
        assertThat(receiver.items("traces", "grpc") - spansBefore).isEqualTo(1);
    }

    /**
     * The class path of this test with the older jars in place of those of the SDK, and without
     * edged's own sender.
     */
    private static URL[] olderSdk() throws IOException {
        var paths = new ArrayList<Path>();
        try (var jars = Files.list(Path.of("target", "managed-channel-sender"))) {
            jars.forEach(paths::add);
        }
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator, -1))
            if (!path.contains("opentelemetry-")
                    && !path.contains("edged-telemetry")
                    && !path.contains("telemetry" + File.separator + "target"))
                paths.add(Path.of(path));
        var urls = new ArrayList<URL>();
        for (Path path : paths) urls.add(path.toUri().toURL());
        return urls.toArray(URL[]::new);
    }

    /** The SDK for Java with each of its senders, plain and compressed. */
    @ParameterizedTest
    @CsvSource({
        "okhttp, http, none",
        "okhttp, http, gzip",
        "okhttp, grpc, none",
        "okhttp, grpc, gzip",
        "jdk, http, none",
        "jdk, http, gzip"
    })
    void theSdkForJavaExportsAllSignals(String sender, String transport, String compression)
            throws Exception {
        ComponentLoader loader = only(sender);
        boolean http = transport.equals("http");
        long logsBefore = receiver.items("logs", transport);
        long spansBefore = receiver.items("traces", transport);
        long pointsBefore = receiver.items("metrics", transport);
        try (LogRecordExporter exporter =
                        http
                                ? OtlpHttpLogRecordExporter.builder()
                                        .setEndpoint(receiver.httpUrl() + "/v1/logs")
                                        .setCompression(compression)
                                        .setComponentLoader(loader)
                                        .build()
                                : OtlpGrpcLogRecordExporter.builder()
                                        .setEndpoint(receiver.grpcUrl())
                                        .setCompression(compression)
                                        .setComponentLoader(loader)
                                        .build();
                var provider =
                        SdkLoggerProvider.builder()
                                .addLogRecordProcessor(SimpleLogRecordProcessor.create(exporter))
                                .build()) {
            for (int i = 0; i < 3; i++)
                provider.get("test")
                        .logRecordBuilder()
                        .setSeverity(Severity.INFO)
                        .setBody("hello ".repeat(100))
                        .emit();
            assertThat(provider.forceFlush().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
        }
        try (SpanExporter exporter =
                        http
                                ? OtlpHttpSpanExporter.builder()
                                        .setEndpoint(receiver.httpUrl() + "/v1/traces")
                                        .setCompression(compression)
                                        .setComponentLoader(loader)
                                        .build()
                                : OtlpGrpcSpanExporter.builder()
                                        .setEndpoint(receiver.grpcUrl())
                                        .setCompression(compression)
                                        .setComponentLoader(loader)
                                        .build();
                var provider =
                        SdkTracerProvider.builder()
                                .addSpanProcessor(SimpleSpanProcessor.create(exporter))
                                .build()) {
            provider.get("test").spanBuilder("hello").startSpan().end();
            assertThat(provider.forceFlush().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
        }
        MetricExporter exporter =
                http
                        ? OtlpHttpMetricExporter.builder()
                                .setEndpoint(receiver.httpUrl() + "/v1/metrics")
                                .setCompression(compression)
                                .setComponentLoader(loader)
                                .build()
                        : OtlpGrpcMetricExporter.builder()
                                .setEndpoint(receiver.grpcUrl())
                                .setCompression(compression)
                                .setComponentLoader(loader)
                                .build();
        var reader =
                PeriodicMetricReader.builder(exporter).setInterval(Duration.ofHours(1)).build();
        try (var provider = SdkMeterProvider.builder().registerMetricReader(reader).build()) {
            provider.get("test").counterBuilder("hello").build().add(1);
            assertThat(provider.forceFlush().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
        }
        assertThat(receiver.items("logs", transport) - logsBefore).isEqualTo(3);
        assertThat(receiver.items("traces", transport) - spansBefore).isEqualTo(1);
        assertThat(receiver.items("metrics", transport) - pointsBefore).isPositive();
    }

    /** The one provider whose class has this word in its name. */
    private static ComponentLoader only(String sender) {
        var providers = new ArrayList<Object>();
        ServiceLoader.load(HttpSenderProvider.class).forEach(providers::add);
        ServiceLoader.load(GrpcSenderProvider.class).forEach(providers::add);
        List<Object> wanted =
                providers.stream()
                        .filter(each -> each.getClass().getName().contains("." + sender + "."))
                        .toList();
        assertThat(wanted).isNotEmpty();
        return new ComponentLoader() {
            @Override
            public <T> Iterable<T> load(Class<T> type) {
                return wanted.stream().filter(type::isInstance).map(type::cast).toList();
            }
        };
    }

    /** The stubs of the official protobuf sources, on either port. */
    @Test
    void theOfficialStubsExportAllSignalsToEitherPort() throws Exception {
        byte[] logs = LoadGenerator.logs(100, 430, 1);
        for (int port : new int[] {receiver.grpc(), receiver.http()}) {
            ManagedChannel channel =
                    NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
            try {
                for (String compressor : List.of("identity", "gzip")) {
                    var answer =
                            LogsServiceGrpc.newBlockingStub(channel)
                                    .withCompression(compressor)
                                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                                    .export(ExportLogsServiceRequest.parseFrom(logs));
                    assertThat(answer.hasPartialSuccess()).isFalse();
                }
                MetricsServiceGrpc.newBlockingStub(channel)
                        .export(ExportMetricsServiceRequest.getDefaultInstance());
                TraceServiceGrpc.newBlockingStub(channel)
                        .export(ExportTraceServiceRequest.getDefaultInstance());
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void theOfficialClientUnderstandsARefusal() throws Exception {
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", receiver.grpc()).usePlaintext().build();
        try {
            var large = ExportLogsServiceRequest.parseFrom(LoadGenerator.logs(3000, 430, 1));
            StatusRuntimeException refused =
                    org.assertj.core.api.Assertions.catchThrowableOfType(
                            StatusRuntimeException.class,
                            () -> LogsServiceGrpc.newBlockingStub(channel).export(large));
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(refused.getStatus().getDescription()).contains("send smaller batches");
        } finally {
            channel.shutdownNow();
        }
    }

    /** The SDK for JavaScript with its exporters, installed by npm from the lock file. */
    @ParameterizedTest
    @CsvSource({"proto, none", "proto, gzip", "json, gzip", "grpc, none", "grpc, gzip"})
    void theSdkForJavaScriptExportsAllSignals(String protocol, String compression)
            throws Exception {
        Path js = installed();
        String output =
                run(
                        js,
                        60,
                        "node",
                        "export.mjs",
                        receiver.httpUrl(),
                        receiver.grpcUrl(),
                        compression,
                        protocol);
        assertThat(output.lines().filter(line -> line.startsWith(protocol + " ")))
                .as(output)
                .containsExactly(
                        protocol + " logs ok", protocol + " trace ok", protocol + " metrics ok");
    }

    /** Where the packages are; without npm or the registry the test says SKIP. */
    private static Path installed() throws IOException, InterruptedException {
        Path js = Path.of("target", "js").toAbsolutePath();
        if (!Files.exists(js.resolve("node_modules/.done"))) {
            Files.createDirectories(js);
            for (String name : List.of("package.json", "package-lock.json", "export.mjs"))
                Files.copy(
                        Path.of("src/test/js", name),
                        js.resolve(name),
                        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            String why = "node and npm are not installed";
            try {
                run(js, 20, "node", "--version");
                why = "npm ci failed";
                run(js, 150, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
                Files.createFile(js.resolve("node_modules/.done"));
            } catch (IOException e) {
                System.out.println("SKIP the SDK for JavaScript: " + why + ": " + e.getMessage());
                assumeTrue(false, why);
            }
        }
        return js;
    }

    /** HTTP/2 with many streams, by a program in C. */
    @ParameterizedTest
    @CsvSource({"grpc", "http"})
    void h2loadSeesEveryRequestSucceed(String transport) throws Exception {
        boolean there = exists("h2load");
        if (!there) System.out.println("SKIP h2load: nghttp2-client is not installed");
        assumeTrue(there, "h2load is not installed");
        byte[] logs = LoadGenerator.logs(10, 430, 1);
        boolean grpc = transport.equals("grpc");
        byte[] body =
                grpc
                        ? java.nio.ByteBuffer.allocate(5 + logs.length)
                                .put((byte) 0)
                                .putInt(logs.length)
                                .put(logs)
                                .array()
                        : logs;
        Path file = Files.write(directory.resolve(transport + ".bin"), body);
        long before = receiver.items("logs", transport);
        String output =
                run(
                        directory,
                        60,
                        "h2load",
                        "-n",
                        "2000",
                        "-c",
                        "4",
                        "-m",
                        "50",
                        "-d",
                        file.toString(),
                        "-H",
                        "content-type: " + (grpc ? "application/grpc" : "application/x-protobuf"),
                        "-H",
                        "te: trailers",
                        grpc
                                ? receiver.grpcUrl()
                                        + "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
                                : receiver.httpUrl() + "/v1/logs");
        assertThat(output).contains("2000 succeeded, 0 failed").contains("2000 2xx");
        assertThat(receiver.items("logs", transport) - before).isEqualTo(20_000);
    }

    private static boolean exists(String program) throws InterruptedException {
        try {
            return new ProcessBuilder(program, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static String run(Path in, int seconds, String... command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("edged", "output");
        var process =
                new ProcessBuilder(command)
                        .directory(in.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(String.join(" ", command) + " takes too long");
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        Files.delete(output);
        if (process.exitValue() != 0)
            throw new IOException(String.join(" ", command) + " failed: " + said);
        return said;
    }
}
