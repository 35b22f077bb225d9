package io.edged.packaging;

import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;

import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;

/**
 * Exports three log records and a span over gRPC with whatever sender is on its class path. It is
 * loaded by a loader of its own, with the release of the SDK that still has the sender over
 * grpc-java's channels, and so is known to the test only as a function.
 */
public final class ManagedChannelExport implements BiFunction<String, String, String> {

    /** Exports; the answer is empty, or what went wrong. */
    @Override
    public String apply(String endpoint, String compression) {
        var logs =
                OtlpGrpcLogRecordExporter.builder()
                        .setEndpoint(endpoint)
                        .setCompression(compression)
                        .build();
        var spans =
                OtlpGrpcSpanExporter.builder()
                        .setEndpoint(endpoint)
                        .setCompression(compression)
                        .build();
        try (var logger =
                        SdkLoggerProvider.builder()
                                .addLogRecordProcessor(SimpleLogRecordProcessor.create(logs))
                                .build();
                var tracer =
                        SdkTracerProvider.builder()
                                .addSpanProcessor(SimpleSpanProcessor.create(spans))
                                .build()) {
            for (int i = 0; i < 3; i++)
                logger.get("test")
                        .logRecordBuilder()
                        .setSeverity(Severity.INFO)
                        .setBody("hello ".repeat(100))
                        .emit();
            tracer.get("test").spanBuilder("work").startSpan().end();
            boolean done =
                    logger.forceFlush().join(30, TimeUnit.SECONDS).isSuccess()
                            && tracer.forceFlush().join(30, TimeUnit.SECONDS).isSuccess();
            return done ? "" : "the exporters did not succeed";
        }
    }
}
