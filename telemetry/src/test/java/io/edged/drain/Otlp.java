package io.edged.drain;

import com.google.protobuf.InvalidProtocolBufferException;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;

import java.util.ArrayList;
import java.util.List;

/** Bodies for tests, written and read by the official classes. */
final class Otlp {
    private Otlp() {}

    static byte[] logs(String... texts) {
        var scope = ScopeLogs.newBuilder();
        for (String text : texts)
            scope.addLogRecords(
                    LogRecord.newBuilder().setBody(AnyValue.newBuilder().setStringValue(text)));
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(ResourceLogs.newBuilder().addScopeLogs(scope))
                .build()
                .toByteArray();
    }

    static byte[] spans(String... names) {
        var scope = ScopeSpans.newBuilder();
        for (String name : names) scope.addSpans(Span.newBuilder().setName(name));
        return ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder().addScopeSpans(scope))
                .build()
                .toByteArray();
    }

    static List<LogRecord> records(byte[] body) {
        try {
            var records = new ArrayList<LogRecord>();
            for (var resource : ExportLogsServiceRequest.parseFrom(body).getResourceLogsList())
                for (var scope : resource.getScopeLogsList())
                    records.addAll(scope.getLogRecordsList());
            return records;
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException(e);
        }
    }

    static List<String> texts(byte[] body) {
        return records(body).stream().map(record -> record.getBody().getStringValue()).toList();
    }

    static byte[] partialSuccess(long rejected, String message) {
        var response = ExportLogsServiceResponse.newBuilder();
        response.getPartialSuccessBuilder()
                .setRejectedLogRecords(rejected)
                .setErrorMessage(message);
        return response.build().toByteArray();
    }
}
