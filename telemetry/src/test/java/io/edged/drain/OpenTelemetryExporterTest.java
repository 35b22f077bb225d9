package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.common.Value;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.sdk.common.export.RetryPolicy;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The ordinary exporters of the OpenTelemetry SDK send through our provider. */
class OpenTelemetryExporterTest {

    private static OtlpHttpLogRecordExporter exporter(URI endpoint, String compression) {
        return OtlpHttpLogRecordExporter.builder()
                .setEndpoint(endpoint + "/v1/logs")
                .setCompression(compression)
                .addHeader("x-key", "secret")
                .setTimeout(Duration.ofSeconds(20))
                .setRetryPolicy(
                        RetryPolicy.builder()
                                .setInitialBackoff(Duration.ofMillis(1))
                                .setMaxBackoff(Duration.ofMillis(2))
                                .build())
                .build();
    }

    private static boolean export(OtlpHttpLogRecordExporter exporter, String text) {
        try (var provider =
                SdkLoggerProvider.builder()
                        .addLogRecordProcessor(SimpleLogRecordProcessor.create(exporter))
                        .build()) {
            provider.get("test").logRecordBuilder().setBody(Value.of(text)).emit();
            return provider.forceFlush().join(20, TimeUnit.SECONDS).isSuccess();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "gzip"})
    void recordsArrive(String compression) throws Exception {
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            assertThat(export(exporter(upstream.uri(), compression), "hello")).isTrue();

            Upstream.Request request = upstream.requests().getFirst();
            assertThat(request.path()).isEqualTo("/v1/logs");
            assertThat(request.headers())
                    .containsEntry("content-type", "application/x-protobuf")
                    .containsEntry("x-key", "secret");
            assertThat(request.headers().containsKey("content-encoding"))
                    .isEqualTo(compression.equals("gzip"));
            assertThat(Otlp.texts(request.plainBody())).containsExactly("hello");
        }
    }

    @Test
    void theExportersRetryPolicyIsKept() throws Exception {
        try (var upstream =
                new Upstream(
                        request -> request.number() < 3 ? Upstream.status(503) : Upstream.ok())) {
            assertThat(export(exporter(upstream.uri(), "none"), "hello")).isTrue();
            assertThat(upstream.requests()).hasSize(3);
            assertThat(Otlp.texts(upstream.requests().get(2).body())).containsExactly("hello");
        }
    }

    @Test
    void anErrorIsNotRetriedBeyondThePolicy() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.status(503))) {
            assertThat(export(exporter(upstream.uri(), "none"), "hello")).isFalse();
            assertThat(upstream.requests()).hasSize(5);
        }
    }
}
