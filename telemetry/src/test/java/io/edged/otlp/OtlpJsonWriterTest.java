package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.logs.v1.SeverityNumber;
import io.opentelemetry.proto.resource.v1.Resource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;

class OtlpJsonWriterTest {

    private static final JsonFactory JSON = new JsonFactory();

    private static String shown(Signal signal, byte[] body) throws IOException {
        var text = new StringWriter();
        try (var json = JSON.createGenerator(text)) {
            new OtlpJsonWriter().write(signal, ByteBuffer.wrap(body), json);
        }
        return text.toString();
    }

    private static Message parsed(Signal signal, byte[] body) throws IOException {
        return switch (signal) {
            case LOGS -> ExportLogsServiceRequest.parseFrom(body);
            case METRICS -> ExportMetricsServiceRequest.parseFrom(body);
            case TRACES -> ExportTraceServiceRequest.parseFrom(body);
        };
    }

    /** The same from the official classes and their descriptors. */
    private static String expected(Message message) {
        var members = new ArrayList<String>();
        message.getAllFields()
                .forEach((field, value) ->
                        members.add('"' + field.getJsonName() + "\":" + member(field, value)));
        return "{" + String.join(",", members) + "}";
    }

    private static String member(FieldDescriptor field, Object value) {
        if (!(value instanceof Collection<?> values)) return one(field, value);
        List<String> elements = values.stream().map(element -> one(field, element)).toList();
        return "[" + String.join(",", elements) + "]";
    }

    private static String one(FieldDescriptor field, Object value) {
        return switch (field.getType()) {
            case FIXED64, UINT64 -> '"' + Long.toUnsignedString((Long) value) + '"';
            case INT64, SFIXED64 -> '"' + value.toString() + '"';
            case FIXED32, UINT32 -> Integer.toUnsignedString((Integer) value);
            case ENUM -> Integer.toString(((EnumValueDescriptor) value).getNumber());
            case STRING -> quoted((String) value);
            case BYTES -> '"' + bytes(field, ((ByteString) value).toByteArray()) + '"';
            case MESSAGE -> expected((Message) value);
            default -> value.toString();
        };
    }

    private static String bytes(FieldDescriptor field, byte[] value) {
        return field.getName().endsWith("_id")
                ? HexFormat.of().formatHex(value)
                : Base64.getEncoder().encodeToString(value);
    }

    private static String quoted(String text) {
        return '"' + text.replace("\u0000", "\\u0000") + '"';
    }

    @ParameterizedTest
    @EnumSource
    void randomRequestsShowWhatTheOfficialClassesHold(Signal signal) throws IOException {
        var requests = new Requests(7);
        for (int i = 0; i < 300; i++) {
            byte[] body = requests.next(signal);
            // What is not set is not shown, but a zero that was sent is: compare without those.
            Message sent = parsed(signal, body);
            assertThat(shown(signal, sent.toByteArray())).isEqualTo(expected(sent));
        }
    }

    @Test
    void aRecordIsShownAsTheSpecificationDoes() throws IOException {
        var record =
                LogRecord.newBuilder()
                        .setTimeUnixNano(1_544_712_660_300_000_000L)
                        .setSeverityNumber(SeverityNumber.SEVERITY_NUMBER_INFO2)
                        .setBody(AnyValue.newBuilder().setStringValue("Example \"log\""))
                        .addAttributes(
                                KeyValue.newBuilder()
                                        .setKey("n")
                                        .setValue(AnyValue.newBuilder().setIntValue(-5)))
                        .addAttributes(
                                KeyValue.newBuilder()
                                        .setKey("nan")
                                        .setValue(
                                                AnyValue.newBuilder()
                                                        .setDoubleValue(Double.NEGATIVE_INFINITY)))
                        .setFlags(-1)
                        .setTraceId(ByteString.fromHex("5b8efff798038103d269b633813fc60c"))
                        .setSpanId(ByteString.fromHex("eee19b7ec3c1b174"));
        assertThat(shown(Signal.LOGS, request(record).toByteArray()))
                .isEqualTo(
                        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{"
                                + "\"timeUnixNano\":\"1544712660300000000\",\"severityNumber\":10,"
                                + "\"body\":{\"stringValue\":\"Example \\\"log\\\"\"},"
                                + "\"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":\"-5\"}},"
                                + "{\"key\":\"nan\",\"value\":{\"doubleValue\":\"-Infinity\"}}],"
                                + "\"flags\":4294967295,"
                                + "\"traceId\":\"5b8efff798038103d269b633813fc60c\","
                                + "\"spanId\":\"eee19b7ec3c1b174\"}]}]}]}");
        assertThat(shown(Signal.LOGS, new byte[0])).isEqualTo("{}");
    }

    private static ExportLogsServiceRequest request(LogRecord.Builder record) {
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(
                        ResourceLogs.newBuilder()
                                .addScopeLogs(ScopeLogs.newBuilder().addLogRecords(record)))
                .build();
    }

    @Test
    void whatIsOnTheWireTwiceIsMergedAsProtobufDoes() throws IOException {
        var first =
                ResourceLogs.newBuilder()
                        .setResource(
                                Resource.newBuilder()
                                        .addAttributes(KeyValue.newBuilder().setKey("a"))
                                        .setDroppedAttributesCount(1))
                        .setSchemaUrl("one")
                        .build();
        var second =
                ResourceLogs.newBuilder()
                        .setResource(
                                Resource.newBuilder()
                                        .addAttributes(KeyValue.newBuilder().setKey("b"))
                                        .setDroppedAttributesCount(2))
                        .setSchemaUrl("two")
                        .build();
        byte[] merged = concatenated(first.toByteArray(), second.toByteArray());
        byte[] body = field(1, merged);
        assertThat(shown(Signal.LOGS, body))
                .isEqualTo(expected(ExportLogsServiceRequest.parseFrom(body)))
                .contains("\"key\":\"a\"},{\"key\":\"b\"", "two")
                .doesNotContain("one");
    }

    @Test
    void ofChoicesThatExcludeEachOtherTheLastOneHolds() throws IOException {
        byte[] value =
                concatenated(
                        AnyValue.newBuilder().setIntValue(4).build().toByteArray(),
                        AnyValue.newBuilder().setStringValue("last").build().toByteArray());
        byte[] body = field(1, field(2, field(2, field(5, value))));
        assertThat(shown(Signal.LOGS, body))
                .isEqualTo(expected(ExportLogsServiceRequest.parseFrom(body)))
                .contains("{\"stringValue\":\"last\"}");
    }

    @Test
    void fieldsThatNobodyKnowsAreLeftOut() throws IOException {
        byte[] body =
                concatenated(
                        field(9, new byte[3]),
                        concatenated(
                                request(
                                                LogRecord.newBuilder()
                                                        .setSeverityNumber(
                                                                SeverityNumber
                                                                        .SEVERITY_NUMBER_TRACE3))
                                        .toByteArray(),
                                new byte[] {(byte) 0xF8, 0x7F, 1}));
        assertThat(shown(Signal.LOGS, body))
                .isEqualTo(
                        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":3}]}]}]}");
    }

    @Test
    void ofAMalformedBodyNothingIsWritten() throws IOException {
        var text = new StringWriter();
        try (var json = JSON.createGenerator(text)) {
            assertThatThrownBy(() ->
                            new OtlpJsonWriter()
                                    .write(
                                            Signal.TRACES,
                                            ByteBuffer.wrap(new byte[] {10, 5, 1}),
                                            json))
                    .isInstanceOf(OtlpJsonWriter.MalformedBodyException.class)
                    .hasMessageContaining("at byte");
        }
        assertThat(text.toString()).isEmpty();
    }

    private static byte[] field(int number, byte[] content) {
        assertThat(content.length).isLessThan(128);
        return concatenated(new byte[] {(byte) (number << 3 | 2), (byte) content.length}, content);
    }

    private static byte[] concatenated(byte[] first, byte[] second) {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(first);
        bytes.writeBytes(second);
        return bytes.toByteArray();
    }
}
