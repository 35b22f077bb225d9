package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.logs.v1.LogRecord;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

class SkimTest {

    /** Small, so that larger bodies take several pieces. */
    private final Skim skim = new Skim(new byte[1024]);

    @ParameterizedTest
    @EnumSource(Signal.class)
    void countsWhatTheOfficialClassesCount(Signal signal) throws Exception {
        for (long seed = 0; seed < 200; seed++) {
            byte[] body = new Requests(seed).next(signal);
            assertThat(wellFormed(signal, body)).as("seed %d", seed).isTrue();
            assertThat(skim.items()).as("seed %d", seed).isEqualTo(Requests.count(signal, body));
            assertThat(skim.mergeable()).isTrue();
            assertThat(skim.bytes()).isEqualTo(body.length);
        }
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void partsMayBeCutAnywhere(Signal signal) throws Exception {
        for (long seed = 0; seed < 40; seed++) {
            var random = new Random(seed);
            byte[] body = new Requests(seed).next(signal);
            int expected = Requests.count(signal, body);
            for (int largest : new int[] {1, 2, 3, 7, 19, 64}) {
                skim.begin(signal);
                for (int at = 0; at < body.length; ) {
                    int length = Math.min(1 + random.nextInt(largest), body.length - at);
                    assertThat(skim.feed(direct(body, at, length))).isTrue();
                    at += length;
                }
                assertThat(skim.end()).as("seed %d parts %d", seed, largest).isTrue();
                assertThat(skim.items()).isEqualTo(expected);
            }
        }
    }

    @Test
    void theHighestSeverityIsThatOfTheOfficialClasses() throws Exception {
        for (long seed = 0; seed < 200; seed++) {
            byte[] body = new Requests(seed).next(Signal.LOGS);
            int highest =
                    ExportLogsServiceRequest.parseFrom(body).getResourceLogsList().stream()
                            .flatMap(resource -> resource.getScopeLogsList().stream())
                            .flatMap(scope -> scope.getLogRecordsList().stream())
                            .mapToInt(LogRecord::getSeverityNumberValue)
                            .filter(number -> number <= 24)
                            .max()
                            .orElse(0);
            assertThat(wellFormed(Signal.LOGS, body)).isTrue();
            assertThat(skim.highestSeverity()).as("seed %d", seed).isEqualTo(Math.max(0, highest));
            assertThat(wellFormed(Signal.TRACES, new Requests(seed).next(Signal.TRACES))).isTrue();
            assertThat(skim.highestSeverity()).isZero();
        }
    }

    /** Cut at a top-level field a body is still a body; cut anywhere else it is none. */
    @ParameterizedTest
    @EnumSource(Signal.class)
    void everyTruncationIsRefusedOrCountsWhatIsLeft(Signal signal) {
        int kept = 0;
        for (long seed = 0; seed < 10; seed++) {
            byte[] body = new Requests(seed).next(signal);
            for (int length = 0; length < body.length; length++) {
                byte[] cut = Arrays.copyOf(body, length);
                if (compareWithOfficial(signal, cut)) kept++;
                else assertThat(officialCount(signal, cut)).as("length %d", length).isNegative();
            }
        }
        assertThat(kept).isPositive();
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void whatIsAcceptedAfterDamageCanBeDecodedAndIsCountedRight(Signal signal) {
        int accepted = 0;
        int refused = 0;
        var random = new Random(4318);
        for (int round = 0; round < 5_000; round++) {
            byte[] body = new Requests(round % 200).next(signal);
            if (body.length == 0) continue;
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--)
                body[random.nextInt(body.length)] = (byte) random.nextInt();
            if (compareWithOfficial(signal, body)) accepted++;
            else refused++;
        }
        assertThat(accepted).isGreaterThan(1000);
        assertThat(refused).isGreaterThan(1000);
    }

    @Test
    void noiseEndsInAnAnswer() {
        var random = new Random(7);
        for (int round = 0; round < 5_000; round++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            for (Signal signal : Signal.values()) compareWithOfficial(signal, noise);
        }
    }

    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    0A                         | 0  | ends inside a field
                    0A 05 01                   | 0  | claims
                    0A 80                      | 0  | ends inside a field
                    0A 03 12 05 00             | 2  | field 2 claims 5 bytes, its message has 1 left
                    0A 02 12 80                | 2  | runs past the end of its message
                    0A 02 08 80                | 2  | runs past the end of its message
                    0A 01 0A                   | 2  | runs past the end of its message
                    02 00                      | 0  | field number 0
                    0B 0C                      | 0  | field 1 is a group
                    0C                         | 0  | field 1 is a group
                    0E 00                      | 0  | unknown wire type 6
                    0F 00                      | 0  | unknown wire type 7
                    10 FF FF FF FF FF FF FF FF FF 02 | 0 | varint is longer than 64 bits
                    10 FF FF FF FF FF FF FF FF FF FF 01 | 0 | varint is longer than 64 bits
                    FA FF FF FF FF 01          | 0  | tag is longer than 32 bits
                    0A FF FF FF FF FF FF FF FF FF 01 | 0 | claims 18446744073709551615 bytes
                    0A 02 1A 05                | 2  | field 3 claims 5 bytes
                    0A 04 09 00 00 00          | 2  | field 1 claims 8 bytes
                    0A 04 1A 02 C3 28          | 7  | text is not UTF-8
                    0A 04 1A 02 61 C3          | 6  | text ends inside a UTF-8 sequence
                    0A 05 1A 03 ED A0 80       | 5  | text is not UTF-8
                    0A 04 1A 02 C0 80          | 4  | text is not UTF-8
                    0A 06 1A 04 F4 90 80 80    | 5  | text is not UTF-8
                    """)
    void malformedBodiesAreRefusedWithPositionAndReason(String hex, long position, String reason) {
        byte[] body = HexFormat.of().parseHex(hex.replace(" ", ""));
        assertThat(wellFormed(Signal.LOGS, body)).isFalse();
        if (reason.equals("claims")) return; // at the top level only the end can tell
        assertThat(skim.malformed().describe()).contains(reason);
        if (!reason.startsWith("text is"))
            assertThat(skim.malformed().position()).isEqualTo(position);
        assertThat(skim.feed(direct(body, 0, body.length))).isFalse();
        assertThat(skim.end()).isFalse();
    }

    @Test
    void nestingIsBounded() throws Exception {
        for (int depth : new int[] {Skim.MAX_DEPTH, Skim.MAX_DEPTH + 1}) {
            // resource_logs, resource, attributes, value, and then array_value and values in turn
            int[] fields = new int[depth];
            for (int level = 0; level < depth; level++)
                fields[level] =
                        level == 0 || level == 1 || level == 2
                                ? 1
                                : level == 3 ? 2 : level % 2 == 0 ? 5 : 1;
            byte[] body = new byte[0];
            for (int level = depth - 1; level >= 0; level--)
                body = new ProtobufWriter().bytes(fields[level], body).toByteArray();
            boolean allowed = depth <= Skim.MAX_DEPTH;
            assertThat(wellFormed(Signal.LOGS, body)).isEqualTo(allowed);
            assertThat(officialCount(Signal.LOGS, body) >= 0).isEqualTo(allowed);
        }
        assertThat(skim.malformed().reason()).contains("nested deeper than 100");
    }

    @Test
    void anEmptyBodyIsARequestWithoutItems() {
        assertThat(wellFormed(Signal.TRACES, new byte[0])).isTrue();
        assertThat(skim.items()).isZero();
        assertThat(skim.mergeable()).isTrue();
    }

    @Test
    void unknownTopLevelFieldsMakeABodyUnmergeable() {
        byte[] known = new Requests(1).next(Signal.LOGS);
        for (byte[] unknown :
                new byte[][] {
                    new ProtobufWriter().bytes(2, new byte[3]).toByteArray(),
                    new ProtobufWriter().int64(1, 5).toByteArray(),
                    new ProtobufWriter().fixed32(4000, 5).toByteArray(),
                    new ProtobufWriter().fixed64(1, 5).toByteArray()
                }) {
            byte[] body = Arrays.copyOf(known, known.length + unknown.length);
            System.arraycopy(unknown, 0, body, known.length, unknown.length);
            assertThat(wellFormed(Signal.LOGS, body)).isTrue();
            assertThat(skim.mergeable()).isFalse();
        }
    }

    @Test
    void buffersKeepPositionLimitAndOrder() {
        byte[] body = new Requests(2).next(Signal.LOGS);
        ByteBuffer buffer = ByteBuffer.allocateDirect(body.length + 20);
        buffer.put(10, body).position(10).limit(10 + body.length);
        skim.begin(Signal.LOGS);
        assertThat(skim.feed(buffer)).isTrue();
        assertThat(skim.end()).isTrue();
        assertThat(buffer.position()).isEqualTo(10);
        assertThat(buffer.limit()).isEqualTo(10 + body.length);
    }

    @Test
    void askingForTheProblemOfAGoodBodyIsABug() {
        skim.begin(Signal.LOGS);
        assertThatThrownBy(skim::malformed).isInstanceOf(IllegalStateException.class);
    }

    /** Whether the skim accepts; if it does, the official classes must agree, items included. */
    private boolean compareWithOfficial(Signal signal, byte[] body) {
        if (!wellFormed(signal, body)) {
            assertThat(skim.malformed().position()).isBetween(0L, (long) body.length);
            return false;
        }
        int official = officialCount(signal, body);
        String context = HexFormat.of().formatHex(body);
        if (signal == Signal.METRICS)
            assertThat(official).as(context).isBetween(0, skim.items()); // two kinds of data
        else assertThat(official).as(context).isEqualTo(skim.items());
        return true;
    }

    private static int officialCount(Signal signal, byte[] body) {
        try {
            return Requests.count(signal, body);
        } catch (InvalidProtocolBufferException e) {
            return -1;
        }
    }

    private boolean wellFormed(Signal signal, byte[] body) {
        skim.begin(signal);
        return skim.feed(direct(body, 0, body.length)) && skim.end();
    }

    private static ByteBuffer direct(byte[] body, int at, int length) {
        return ByteBuffer.allocateDirect(length).put(body, at, length).flip();
    }
}
