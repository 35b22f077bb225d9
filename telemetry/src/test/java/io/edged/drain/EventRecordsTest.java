package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;

class EventRecordsTest {

    private static final long WRITTEN_AT = 1_790_000_000_000_000_001L;

    private final EventRecords events =
            new EventRecords("edged", "node-1", Map.of("edge.lock.fingerprint", "none"));

    private ExportLogsServiceRequest request(String event) throws Exception {
        ByteBuffer body =
                events.encode(
                        42, WRITTEN_AT, ByteBuffer.wrap(event.getBytes(StandardCharsets.UTF_8)));
        return ExportLogsServiceRequest.parseFrom(body);
    }

    private LogRecord record(String event) throws Exception {
        return request(event).getResourceLogs(0).getScopeLogs(0).getLogRecords(0);
    }

    private static Map<String, AnyValue> attributes(LogRecord record) {
        return record.getAttributesList().stream()
                .collect(Collectors.toMap(KeyValue::getKey, KeyValue::getValue));
    }

    private static AnyValue text(String value) {
        return AnyValue.newBuilder().setStringValue(value).build();
    }

    @Test
    void eachMemberHasItsPlace() throws Exception {
        var record =
                record(
                        """
                        {"kind":"decision","name":"valve.closed","severity":"WARN","body":"shut",\
                        "attributes":{"valve":7,"open":false,"share":0.5},\
                        "time":"2026-11-21T10:00:00.123456789Z",\
                        "trace_id":"0102030405060708090a0b0c0d0e0f10","span_id":"0102030405060708"}\
                        """);

        assertThat(record.getEventName()).isEqualTo("valve.closed");
        assertThat(record.getSeverityText()).isEqualTo("WARN");
        assertThat(record.getSeverityNumberValue()).isEqualTo(13);
        assertThat(record.getBody()).isEqualTo(text("shut"));
        assertThat(record.getTimeUnixNano()).isEqualTo(1_795_255_200_123_456_789L);
        assertThat(record.getObservedTimeUnixNano()).isEqualTo(WRITTEN_AT);
        assertThat(record.getTraceId()).isEqualTo(bytes("0102030405060708090a0b0c0d0e0f10"));
        assertThat(record.getSpanId()).isEqualTo(bytes("0102030405060708"));
        assertThat(attributes(record))
                .containsEntry("edge.event.id", text("edged:wal:42"))
                .containsEntry("edge.event.kind", text("decision"))
                .containsEntry("edge.wal.seq", AnyValue.newBuilder().setIntValue(42).build())
                .containsEntry("valve", AnyValue.newBuilder().setIntValue(7).build())
                .containsEntry("open", AnyValue.newBuilder().setBoolValue(false).build())
                .containsEntry("share", AnyValue.newBuilder().setDoubleValue(0.5).build())
                .hasSize(6);
    }

    private static ByteString bytes(String hex) {
        return ByteString.copyFrom(HexFormat.of().parseHex(hex));
    }

    @Test
    void theResourceNamesTheServiceAndTheNode() throws Exception {
        var resource = request("{}").getResourceLogs(0).getResource();
        assertThat(resource.getAttributesList())
                .extracting(KeyValue::getKey)
                .containsExactly("service.name", "service.instance.id", "edge.lock.fingerprint");
        assertThat(record("{}").getTimeUnixNano()).isEqualTo(WRITTEN_AT);
        assertThat(record("{}").hasBody()).isFalse();
    }

    @Test
    void messageIsTheBodyUnlessThereIsOne() throws Exception {
        assertThat(record("{\"message\":\"m\"}").getBody()).isEqualTo(text("m"));
        var both = record("{\"message\":\"m\",\"body\":{\"a\":[1,null]}}");
        assertThat(both.getBody().getKvlistValue().getValues(0).getKey()).isEqualTo("a");
        assertThat(attributes(both)).containsEntry("message", text("m"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`\"trace\"`|1", "`\"debug\"`|5", "`\"Info\"`|9", "`\"warning\"`|13",
                "`\"ERROR\"`|17", "`\"critical\"`|21", "`\"odd\"`|0", "17|17"
            })
    void severityIsATextOrANumber(String value, int number) throws Exception {
        assertThat(record("{\"severity\":" + value + "}").getSeverityNumberValue())
                .isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"severity\":25",
                "\"severity\":99999999999999999999",
                "\"severity\":{}",
                "\"kind\":1",
                "\"name\":[]",
                "\"time\":\"yesterday\"",
                "\"time\":-5",
                "\"time\":\"9999-01-01T00:00:00Z\"",
                "\"trace_id\":\"00000000000000000000000000000000\"",
                "\"trace_id\":\"0102\"",
                "\"span_id\":\"010203040506070z\"",
                "\"attributes\":\"none\"",
                "\"other\":true",
            })
    void aMemberThatDoesNotFitBecomesAnAttributeOfItsName(String member) throws Exception {
        String name = member.substring(1, member.indexOf('"', 1));
        var record = record("{" + member + "}");
        assertThat(attributes(record)).containsKey(name);
        assertThat(record.getTimeUnixNano()).isEqualTo(WRITTEN_AT);
        assertThat(record.getTraceId().isEmpty()).isTrue();
        assertThat(record.getSpanId().isEmpty()).isTrue();
    }

    @Test
    void attributesNeverShareAName() throws Exception {
        var record =
                record(
                        "{\"a\":1,\"attributes\":{\"a\":2,\"edge.event.id\":\"forged\","
                                + "\"edge.event.kind\":\"forged\"},\"kind\":\"error\"}");
        assertThat(attributes(record))
                .containsEntry("a", AnyValue.newBuilder().setIntValue(1).build())
                .containsEntry("event.a", AnyValue.newBuilder().setIntValue(2).build())
                .containsEntry("edge.event.id", text("edged:wal:42"))
                .containsEntry("event.edge.event.id", text("forged"))
                .containsEntry("edge.event.kind", text("error"))
                .containsEntry("event.edge.event.kind", text("forged"));
    }

    @Test
    void numbersBeyond64BitsKeepTheirDigits() throws Exception {
        assertThat(attributes(record("{\"n\":123456789012345678901234567890}")))
                .containsEntry("n", text("123456789012345678901234567890"));
    }

    @Test
    void deepValuesBecomeTextSoThatNoReceiverRefusesTheRequest() throws Exception {
        String deep = "[".repeat(500) + "1" + "]".repeat(500);
        var record = record("{\"body\":" + deep + "}");
        AnyValue value = record.getBody();
        int depth = 0;
        while (value.hasArrayValue()) {
            value = value.getArrayValue().getValues(0);
            depth++;
        }
        assertThat(depth).isEqualTo(EventRecords.MAX_DEPTH);
        assertThat(value.getStringValue()).isEqualTo(deep.substring(depth, deep.length() - depth));
    }

    @ParameterizedTest
    @ValueSource(strings = {"not json", "[1]", "{\"a\":", "{\"a\" 1}"})
    void whatIsNoEventTravelsAsText(String event) throws Exception {
        var record = record(event);
        assertThat(record.getBody()).isEqualTo(text(event));
        assertThat(attributes(record)).containsKeys("edge.event.id", "edge.wal.seq");
    }
}
