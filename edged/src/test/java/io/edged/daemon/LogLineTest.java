package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.LogRecord;

class LogLineTest {
    private final LogLine logfmt = new LogLine(LogFormat.LOGFMT, false);
    private final LogLine json = new LogLine(LogFormat.JSON, false);

    private static LogRecord record(String template, Object... parameters) {
        var record = new LogRecord(Level.WARNING, template);
        record.setLoggerName("io.edged.wal.Wal");
        record.setInstant(Instant.parse("2026-11-21T10:00:00.1239Z"));
        record.setParameters(parameters);
        return record;
    }

    private static Map<String, String> parse(String line) throws IOException {
        var members = new LinkedHashMap<String, String>();
        try (var parser = new JsonFactory().createParser(line)) {
            assertThat(parser.nextToken()).isEqualTo(JsonToken.START_OBJECT);
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                assertThat(parser.nextToken()).isEqualTo(JsonToken.VALUE_STRING);
                assertThat(members.put(name, parser.getText())).isNull();
            }
            assertThat(parser.nextToken()).isNull();
        }
        return members;
    }

    @Test
    void pairsBecomeFields() {
        assertThat(
                        logfmt.of(
                                record(
                                        "upstream refused a request; destination={0} status={1}",
                                        "cloud", 1503)))
                .isEqualTo(
                        "ts=2026-11-21T10:00:00.123Z level=warn logger=wal.Wal"
                                + " msg=\"upstream refused a request\" destination=cloud status=1503");
    }

    @Test
    void theTextMayHoldParametersToo() {
        assertThat(logfmt.of(record("it's {1} of {0}; left={0}", 2, "one")))
                .endsWith("msg=\"it's one of 2\" left=2");
    }

    @Test
    void aMessageWithoutPairsIsAllText() {
        assertThat(logfmt.of(record("a; b=c {x} {7}", "p"))).endsWith("msg=\"a; b=c {x} {7}\"");
    }

    @Test
    void bothFormatsSayTheSame() throws IOException {
        assertThat(parse(json.of(record("full; dir={0}", "/a b"))))
                .containsExactly(
                        Map.entry("ts", "2026-11-21T10:00:00.123Z"),
                        Map.entry("level", "warn"),
                        Map.entry("logger", "wal.Wal"),
                        Map.entry("msg", "full"),
                        Map.entry("dir", "/a b"));
    }

    @Test
    void aValueCannotForgeALineOrSteerATerminal() {
        String hostile = "x\nlevel=error msg=\"forged\"\u001b[2J\u202e\u2028\u0085\\";
        String line = logfmt.of(record("got; name={0}", hostile));
        assertThat(line)
                .endsWith(
                        "name=\"x\\nlevel=error msg=\\\"forged\\\"\\u001b[2J\\u202e\\u2028\\u0085\\\\\"");
        assertThat(logfmt.of(record("got; name={0}", ""))).endsWith("name=\"\"");
    }

    @Test
    void causesStandOnTheSameLineWithoutStackTrace() {
        var record = record("failed");
        record.setThrown(new IllegalStateException("outer", new IOException("disk\ngone")));
        assertThat(logfmt.of(record))
                .endsWith(
                        "error=\"IllegalStateException: outer, caused by IOException: disk\\ngone\"");
    }

    @Test
    void causesInACircleEnd() {
        var inner = new Exception("inner");
        var outer = new Exception("outer", inner);
        inner.initCause(outer);
        assertThat(LogLine.chain(outer)).isEqualTo("Exception: outer, caused by Exception: inner");
    }

    @Test
    void stackTracesComeAtDebugOnly() throws IOException {
        var record = record("failed");
        record.setThrown(new IOException("disk"));
        assertThat(logfmt.of(record)).doesNotContain("LogLineTest");
        String line = new LogLine(LogFormat.JSON, true).of(record);
        assertThat(line).doesNotContain("\n");
        assertThat(parse(line).get("stack")).contains("at io.edged.daemon.LogLineTest.");
    }

    @ParameterizedTest
    @EnumSource(LogFormat.class)
    void aLineIsBoundedWhateverComes(LogFormat format) throws IOException {
        var random = new Random(20261121);
        for (int round = 0; round < 300; round++) {
            var value = new StringBuilder();
            int length = random.nextInt(6000);
            for (int i = 0; i < length; i++)
                value.append(
                        switch (random.nextInt(4)) {
                            case 0 -> (char) random.nextInt(0x10000);
                            case 1 -> (char) random.nextInt(32);
                            case 2 -> '"';
                            default -> 'x';
                        });
            String line =
                    new LogLine(format, false)
                            .of(record("long {0}; a={0} b={1} c={0}", value, round));
            assertThat(line.getBytes(StandardCharsets.UTF_8).length)
                    .isLessThanOrEqualTo(LogLine.MAX_BYTES);
            assertThat(line).doesNotContainPattern("[\\p{Cntrl}]");
            if (format == LogFormat.JSON) {
                var members = parse(line);
                if (value.length() > 4096) assertThat(members).containsEntry("truncated", "true");
            }
        }
    }

    @Test
    void aParameterThatThrowsIsNamed() {
        var hostile =
                new Object() {
                    @Override
                    public String toString() {
                        throw new IllegalStateException();
                    }
                };
        assertThat(logfmt.of(record("got; it={0}", hostile)))
                .endsWith("it=\"(IllegalStateException while formatting)\"");
    }
}
