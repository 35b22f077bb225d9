package io.edged.demo;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.export.RetryPolicy;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An ordinary program with the OpenTelemetry SDK, as a device would run: it measures itself, writes
 * a log record and a span for each measurement and exports metrics. Log records and spans carry the
 * run's name and the number of the measurement, from 1, so that a receiver can tell what is missing
 * and what came twice.
 *
 * <p>The exporters try each batch five times, with growing pauses of ten seconds at most, while up
 * to {@value #MAX_QUEUED} records wait: an outage of ten seconds or so loses nothing.
 */
public final class Producer implements AutoCloseable {
    static final AttributeKey<String> RUN = AttributeKey.stringKey("edge.demo.run");
    static final AttributeKey<Long> ID = AttributeKey.longKey("edge.demo.id");
    static final int MAX_QUEUED = 32_768;
    private static final int MAX_BATCH = 512;
    private static final Duration EXPORT_DELAY = Duration.ofMillis(200);
    private static final Duration METRIC_INTERVAL = Duration.ofSeconds(1);
    private static final Duration EXPORT_TIMEOUT = Duration.ofSeconds(90);
    private static final RetryPolicy RETRY =
            RetryPolicy.builder()
                    .setMaxAttempts(5)
                    .setInitialBackoff(Duration.ofSeconds(2))
                    .setMaxBackoff(Duration.ofSeconds(10))
                    .setBackoffMultiplier(2)
                    .build();

    private final OpenTelemetrySdk sdk;
    private final Logger logger;
    private final Tracer tracer;
    private final String run;
    private final Exports exports = new Exports();
    private final AtomicLong rounds = new AtomicLong();

    /**
     * Connects on the first export.
     *
     * @param endpoint of an OTLP/HTTP receiver, without {@code /v1/…}
     * @param run names this run; different for each
     */
    public Producer(URI endpoint, String run) {
        this.run = run;
        String base = endpoint.toString().replaceAll("/+$", "");
        Resource resource =
                Resource.getDefault()
                        .merge(
                                Resource.create(
                                        Attributes.of(
                                                AttributeKey.stringKey("service.name"),
                                                "edged-demo")));
        this.sdk =
                OpenTelemetrySdk.builder()
                        .setLoggerProvider(logs(base, resource))
                        .setTracerProvider(traces(base, resource))
                        .setMeterProvider(metrics(base, resource))
                        .build();
        this.logger = sdk.getLogsBridge().get("io.edged.demo");
        this.tracer = sdk.getTracer("io.edged.demo");
        ProcessReadings.register(sdk.getMeter("io.edged.demo"));
    }

    private SdkLoggerProvider logs(String base, Resource resource) {
        var exporter =
                OtlpHttpLogRecordExporter.builder()
                        .setEndpoint(base + "/v1/logs")
                        .setRetryPolicy(RETRY)
                        .build();
        return SdkLoggerProvider.builder()
                .setResource(resource)
                .addLogRecordProcessor(
                        BatchLogRecordProcessor.builder(exports.logs(exporter))
                                .setMaxQueueSize(MAX_QUEUED)
                                .setMaxExportBatchSize(MAX_BATCH)
                                .setScheduleDelay(EXPORT_DELAY)
                                .setExporterTimeout(EXPORT_TIMEOUT)
                                .build())
                .build();
    }

    private SdkTracerProvider traces(String base, Resource resource) {
        var exporter =
                OtlpHttpSpanExporter.builder()
                        .setEndpoint(base + "/v1/traces")
                        .setRetryPolicy(RETRY)
                        .build();
        return SdkTracerProvider.builder()
                .setResource(resource)
                .addSpanProcessor(
                        BatchSpanProcessor.builder(exports.spans(exporter))
                                .setMaxQueueSize(MAX_QUEUED)
                                .setMaxExportBatchSize(MAX_BATCH)
                                .setScheduleDelay(EXPORT_DELAY)
                                .setExporterTimeout(EXPORT_TIMEOUT)
                                .build())
                .build();
    }

    private static SdkMeterProvider metrics(String base, Resource resource) {
        var exporter =
                OtlpHttpMetricExporter.builder()
                        .setEndpoint(base + "/v1/metrics")
                        .setRetryPolicy(RETRY)
                        .build();
        return SdkMeterProvider.builder()
                .setResource(resource)
                .registerMetricReader(
                        PeriodicMetricReader.builder(exporter).setInterval(METRIC_INTERVAL).build())
                .build();
    }

    /** One measurement: a span and, inside of it, a log record. One thread. */
    public void round() {
        long id = rounds.incrementAndGet();
        Span span =
                tracer.spanBuilder("measure")
                        .setAttribute(RUN, run)
                        .setAttribute(ID, id)
                        .startSpan();
        try (var _ = span.makeCurrent()) {
            logger.logRecordBuilder()
                    .setSeverity(Severity.INFO)
                    .setBody("measurement " + id + ": " + ProcessReadings.read().inWords())
                    .setAttribute(RUN, run)
                    .setAttribute(ID, id)
                    .emit();
        } finally {
            span.end();
        }
    }

    /** Measurements so far; each is one log record and one span. */
    public long rounds() {
        return rounds.get();
    }

    /** Log records and spans that the receiver has acknowledged. */
    public long acknowledged() {
        return exports.acknowledged();
    }

    /** Log records and spans that the SDK has given up. */
    public long givenUp() {
        return exports.givenUp();
    }

    /** Exports what is queued, for ten seconds at most, and ends. */
    @Override
    public void close() {
        var _ = sdk.shutdown().join(10, TimeUnit.SECONDS);
    }
}
