package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;

import io.edged.otlp.JsonConversion.Result;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

class JsonConversionTest {

    private static final int LIMIT = 64 << 20;

    private final JsonConversion conversion = new JsonConversion();
    private final List<ByteBuffer> chunks = new ArrayList<>();
    private int chunkBytes = 1000;
    private int maxChunks = Integer.MAX_VALUE;

    @ParameterizedTest
    @EnumSource(Signal.class)
    void givesWhatTheOfficialClassesHold(Signal signal) throws Exception {
        for (long seed = 0; seed < 300; seed++) {
            byte[] body = new Requests(seed).next(signal);
            Message expected = withoutUnknown(parse(signal, body));
            String json = new OtlpJson(seed).print(expected);
            chunkBytes = 1 + new Random(seed).nextInt(3000);
            Result.Converted converted = good(signal, json);
            assertThat(parse(signal, bytes())).as("seed %d: %s", seed, json).isEqualTo(expected);
            assertThat(converted.items()).isEqualTo(Requests.count(signal, body));
            assertThat(converted.bytes()).isEqualTo(bytes().length);
            assertThat(converted.rejected()).isZero();
            assertSkims(signal, converted.items());
        }
    }

    @Test
    void numbersAreTakenInEveryFormOfTheMapping() throws Exception {
        for (String number : List.of("\"5\"", "5", "5.0", "5e0", "50e-1"))
            assertThat(logRecord("{\"timeUnixNano\":" + number + "}").getTimeUnixNano())
                    .isEqualTo(5);
        assertThat(logRecord("{\"timeUnixNano\":18446744073709551615}").getTimeUnixNano())
                .isEqualTo(-1);
        assertThat(body("{\"intValue\":\"-9223372036854775808\"}").getIntValue())
                .isEqualTo(Long.MIN_VALUE);
        assertThat(body("{\"doubleValue\":\"NaN\"}").getDoubleValue()).isNaN();
        assertThat(body("{\"doubleValue\":\"-Infinity\"}").getDoubleValue())
                .isEqualTo(Double.NEGATIVE_INFINITY);
        assertThat(body("{\"doubleValue\":\"1.5\"}").getDoubleValue()).isEqualTo(1.5);
        assertThat(body("{\"doubleValue\":3}").getDoubleValue()).isEqualTo(3);
    }

    @Test
    void aMemberOfAOneofIsThereEvenIfItIsZero() throws Exception {
        assertThat(body("{\"intValue\":0}").hasIntValue()).isTrue();
        assertThat(body("{\"stringValue\":\"\"}").hasStringValue()).isTrue();
        assertThat(body("{\"boolValue\":false}").hasBoolValue()).isTrue();
        assertThat(body("{\"stringValue\":null}").hasStringValue()).isFalse();
        assertThat(body("{}").getValueCase().getNumber()).isZero();
    }

    @Test
    void halfASurrogatePairBecomesTheReplacementCharacter() throws Exception {
        assertThat(body("{\"stringValue\":\"a\\ud83d\"}").getStringValue()).isEqualTo("a\uFFFD");
        assertThat(body("{\"stringValue\":\"\\ude00b\"}").getStringValue()).isEqualTo("\uFFFDb");
        assertThat(body("{\"stringValue\":\"\\ud83d\\ude00\"}").getStringValue())
                .isEqualTo("\uD83D\uDE00");
    }

    @Test
    void unknownNamesArePassedOverAndTheFirstAtTheTopIsNamed() {
        Result.Converted converted = good(Signal.LOGS, "{\"resource_logs\":[{}],\"x\":1}");
        assertThat(converted.items()).isZero();
        assertThat(converted.bytes()).isZero();
        assertThat(converted.unknownMember()).contains("resource_logs");
        assertThat(good(Signal.LOGS, "{}").unknownMember()).isEqualTo(Optional.empty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "[]                                        | a request is a JSON object",
                "'{\"resourceLogs\":{}}'                   | resourceLogs must be an array",
                "'{\"resourceLogs\":[null]}'               | resourceLogs must be an object",
                "'{\"resourceLogs\":[],\"resourceLogs\":[]}' | resourceLogs is there twice",
                "'{} {}'                                   | something follows the request",
                "'{\"resourceLogs\":[}'                    | not JSON",
                "'{\"resourceLogs\":['                     | not JSON",
                "''                                        | a request is a JSON object",
            })
    void whatIsNoRequestIsRefusedWithAReason(String json, String reason) {
        assertRefused(json, reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "'\"severityNumber\":\"SEVERITY_NUMBER_INFO\"' | severityNumber must be a number",
                "'\"severityNumber\":2147483648' | severityNumber must be an integer in range",
                "'\"timeUnixNano\":-1'           | timeUnixNano must be an integer in range",
                "'\"timeUnixNano\":18446744073709551616' | timeUnixNano must be an integer in range",
                "'\"timeUnixNano\":1.5'          | timeUnixNano must be an integer",
                "'\"timeUnixNano\":1e400'        | timeUnixNano must be an integer",
                "'\"timeUnixNano\":\"\"'         | timeUnixNano must be an integer",
                "'\"timeUnixNano\":\"1e3\"'      | timeUnixNano must be an integer",
                "'\"timeUnixNano\":\"٣\"'        | timeUnixNano must be an integer",
                "'\"flags\":4294967296'          | flags must be an integer in range",
                "'\"traceId\":\"abcd\"'          | traceId must be 32 hex digits",
                "'\"spanId\":\"000000000000000g\"' | spanId must be 16 hex digits",
                "'\"severityText\":1'            | severityText must be a string",
                "'\"body\":\"text\"'             | body must be an object",
                "'\"body\":{\"bytesValue\":\"***\"}' | bytesValue must be base64",
                "'\"body\":{\"boolValue\":\"true\"}' | boolValue must be true or false",
                "'\"body\":{\"doubleValue\":1e999}' | doubleValue must be a number in range",
                "'\"body\":{\"doubleValue\":\"0x1p3\"}' | doubleValue must be a number",
                "'\"body\":{\"intValue\":1,\"boolValue\":true}' | boolValue excludes another",
            })
    void aMemberThatIsNotWhatItMustBeIsNamed(String member, String reason) {
        assertRefused(record("{" + member + "}"), reason);
    }

    @Test
    void nestingIsBounded() {
        String deep = "{\"arrayValue\":{\"values\":[".repeat(30) + "{}" + "]}}".repeat(30);
        assertRefused(record("{\"body\":" + deep + "}"), "nesting depth");
        assertRefused("{\"x\":" + "[".repeat(100_000), "nesting depth");
    }

    @Test
    void recordsOverTheLimitAreLeftOutAndTheOthersAreKept() throws Exception {
        String small = "{\"severityText\":\"small\"}";
        String large = "{\"severityText\":\"" + "x".repeat(5000) + "\"}";
        for (int limit : new int[] {5003, 5002, 1000}) {
            Result result =
                    convert(
                            Signal.LOGS,
                            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
                                    + String.join(",", small, large, small)
                                    + "]}]}]}",
                            LIMIT,
                            limit);
            int rejected = limit < 5003 ? 1 : 0;
            assertThat(result)
                    .isInstanceOfSatisfying(
                            Result.Converted.class,
                            converted -> {
                                assertThat(converted.items()).isEqualTo(3 - rejected);
                                assertThat(converted.rejected()).isEqualTo(rejected);
                            });
            var request = ExportLogsServiceRequest.parseFrom(bytes());
            assertThat(request.getResourceLogs(0).getScopeLogs(0).getLogRecordsList())
                    .hasSize(3 - rejected)
                    .first()
                    .satisfies(record -> assertThat(record.getSeverityText()).isEqualTo("small"));
        }
    }

    @Test
    void whatComesOutIsBounded() {
        String json = record("{\"severityText\":\"" + "x".repeat(5000) + "\"}");
        assertThat(convert(Signal.LOGS, json, 5000, LIMIT)).isInstanceOf(Result.TooLarge.class);
        assertThat(convert(Signal.LOGS, json, 5100, LIMIT)).isInstanceOf(Result.Converted.class);
        String resource = "{\"resourceLogs\":[{\"schemaUrl\":\"" + "x".repeat(9000) + "\"}]}";
        assertThat(convert(Signal.LOGS, resource, LIMIT, 4000)).isInstanceOf(Result.TooLarge.class);
        maxChunks = 2;
        assertThat(convert(Signal.LOGS, json, LIMIT, LIMIT)).isInstanceOf(Result.NoMemory.class);
    }

    private void assertRefused(String json, String reason) {
        Result result = convert(Signal.LOGS, json, LIMIT, LIMIT);
        assertThat(result)
                .isInstanceOfSatisfying(
                        Result.Bad.class,
                        bad -> assertThat(bad.malformed().describe()).contains(reason));
    }

    private void assertSkims(Signal signal, int items) {
        var skim = new Skim(new byte[1024]);
        skim.begin(signal);
        for (ByteBuffer chunk : chunks) assertThat(skim.feed(chunk.duplicate().flip())).isTrue();
        assertThat(skim.end()).isTrue();
        assertThat(skim.items()).isEqualTo(items);
        assertThat(skim.mergeable()).isTrue();
    }

    private static String record(String record) {
        return "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" + record + "]}]}]}";
    }

    private io.opentelemetry.proto.logs.v1.LogRecord logRecord(String json) throws Exception {
        good(Signal.LOGS, record(json));
        return ExportLogsServiceRequest.parseFrom(bytes())
                .getResourceLogs(0)
                .getScopeLogs(0)
                .getLogRecords(0);
    }

    private io.opentelemetry.proto.common.v1.AnyValue body(String json) throws Exception {
        return logRecord("{\"body\":" + json + "}").getBody();
    }

    private Result.Converted good(Signal signal, String json) {
        Result result = convert(signal, json, LIMIT, LIMIT);
        assertThat(result).as(json).isInstanceOf(Result.Converted.class);
        return (Result.Converted) result;
    }

    private Result convert(Signal signal, String json, long maxBytes, int maxRecordBytes) {
        chunks.clear();
        return conversion.convert(
                signal,
                new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
                maxBytes,
                maxRecordBytes,
                _ -> {
                    if (chunks.size() == maxChunks) return null;
                    chunks.add(ByteBuffer.allocateDirect(chunkBytes));
                    return chunks.getLast();
                });
    }

    private byte[] bytes() {
        var all = new ByteArrayOutputStream();
        for (ByteBuffer chunk : chunks) {
            byte[] part = new byte[chunk.position()];
            chunk.get(0, part);
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static Message parse(Signal signal, byte[] body) throws Exception {
        return switch (signal) {
            case LOGS -> ExportLogsServiceRequest.parseFrom(body);
            case METRICS -> ExportMetricsServiceRequest.parseFrom(body);
            case TRACES -> ExportTraceServiceRequest.parseFrom(body);
        };
    }

    /** JSON has no way to say a field that the schema lacks. */
    private static Message withoutUnknown(Message message) {
        var builder = message.toBuilder();
        builder.setUnknownFields(com.google.protobuf.UnknownFieldSet.getDefaultInstance());
        for (var field : message.getAllFields().entrySet()) {
            if (field.getKey().getJavaType()
                    != com.google.protobuf.Descriptors.FieldDescriptor.JavaType.MESSAGE) continue;
            if (!field.getKey().isRepeated()) {
                builder.setField(field.getKey(), withoutUnknown((Message) field.getValue()));
                continue;
            }
            int index = 0;
            for (Object element : (List<?>) field.getValue())
                builder.setRepeatedField(
                        field.getKey(), index++, withoutUnknown((Message) element));
        }
        return builder.build();
    }
}
