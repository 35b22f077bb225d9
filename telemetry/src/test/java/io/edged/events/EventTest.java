package io.edged.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.events.Event.Checked;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

class EventTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'kind':'error'}",
                "{'kind':'decision','name':'a','severity':'warn','body':{'x':[1,2.50,null]}}",
                "{'kind':'x','severity':24,'time':1700000000000000000,'attributes':{}}",
                "{'kind':'x','time':'2026-11-21T12:00:00.5Z','anything':{'kind':1}}",
                "{'kind':'x','trace_id':'0123456789abcdef0123456789ABCDEF','span_id':'0000000000000001'}",
                "{'kind':'x','n':1e400,'m':123456789012345678901234567890}",
                "{'kind':'x','text':'\\ud83d\\ude00 \\u0000 \\\\'}"
            })
    void goodEventsKeepTheirTokens(String text) {
        String event = text.replace('\'', '"');
        assertThat(stored(event)).isEqualTo(event);
        assertThat(stored(" " + event.replace("{", "{ ").replace("}", "\t}\r"))).isEqualTo(event);
    }

    @Test
    void whiteSpaceInStringsStays() {
        assertThat(stored("{ \"kind\" : \"x\" , \"a b\" : \" \\\" \\\\\" , \"c\" : [ 1 , 2 ] }"))
                .isEqualTo("{\"kind\":\"x\",\"a b\":\" \\\" \\\\\",\"c\":[1,2]}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "[]                          | an event is a JSON object",
                "{}                          | needs the member kind",
                "{'kind':'Error'}            | kind must be 1 to 64 of",
                "{'kind':1}                  | kind must be",
                "{'kind':'x'} {}             | something follows the event",
                "{'kind':'x','kind':'y'}     | Duplicate",
                "{'kind':'x','a':{'b':1,'b':2}} | Duplicate",
                "{'kind':'x','severity':25}  | severity must be",
                "{'kind':'x','severity':null} | severity must be",
                "{'kind':'x','name':7}       | name must be a string",
                "{'kind':'x','attributes':[]} | attributes must be an object",
                "{'kind':'x','time':-1}      | time must be RFC 3339",
                "{'kind':'x','time':'now'}   | time must be RFC 3339",
                "{'kind':'x','trace_id':'00000000000000000000000000000000'} | trace_id must be 32",
                "{'kind':'x','span_id':'1'}  | span_id must be 16",
                "{'kind':'x','a':'\\ud83d'}  | half of a surrogate pair",
                "{'kind':'x','\\ude00':1}    | low surrogate",
                "{'kind':'x','a':['\\ud83dx']} | half of a surrogate pair",
                "{'kind':'x','a':01}         | not JSON at byte",
                "{'kind':'x',}               | not JSON at byte",
                "{'kind':'x'                 | not JSON at byte",
                "{'kind':'x','a':NaN}        | not JSON at byte",
            })
    void badEventsSayWhy(String text, String reason) {
        String event = text.replace('\'', '"');
        assertBad(event.getBytes(StandardCharsets.UTF_8), reason);
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        byte[] event = "{\"kind\":\"x\",\"a\":\"?\"}".getBytes(StandardCharsets.UTF_8);
        for (byte octet : new byte[] {(byte) 0xC0, (byte) 0xFF, (byte) 0xED, (byte) 0x80}) {
            event[event.length - 3] = octet;
            assertBad(event, "the event is not UTF-8");
        }
        assertBad("\uFEFF{\"kind\":\"x\"}".getBytes(StandardCharsets.UTF_8), "byte order mark");
    }

    @Test
    void nestingIsBounded() {
        String deep = "{\"kind\":\"x\",\"a\":" + "[".repeat(100) + "]".repeat(100) + "}";
        assertBad(deep.getBytes(StandardCharsets.UTF_8), "nesting depth");
    }

    @Test
    void noiseIsRefusedOrKeptWithoutHarm() {
        byte[] event =
                "{\"kind\":\"error\",\"a\":{\"b\":[1,\"\\u00e4\",null,true]},\"time\":5}"
                        .getBytes(StandardCharsets.UTF_8);
        int good = 0;
        int inputs = Integer.getInteger("fuzz.inputs", 20_000);
        for (int i = 0; i < inputs; i++) {
            var random = new Random(i);
            byte[] bad = event.clone();
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--)
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            if (!(Event.check(bad) instanceof Checked.Good(ByteBuffer told))) continue;
            good++;
            byte[] kept = new byte[told.remaining()];
            told.get(kept);
            assertThat(kept.length).isLessThanOrEqualTo(bad.length);
            assertThat(Event.check(kept)).isInstanceOf(Checked.Good.class);
        }
        assertThat(good).isPositive();
    }

    private static String stored(String event) {
        Checked checked = Event.check(event.getBytes(StandardCharsets.UTF_8));
        assertThat(checked).as(event).isInstanceOf(Checked.Good.class);
        return StandardCharsets.UTF_8.decode(((Checked.Good) checked).event()).toString();
    }

    private static void assertBad(byte[] event, String reason) {
        assertThat(Event.check(event))
                .isInstanceOfSatisfying(
                        Checked.Bad.class, bad -> assertThat(bad.reason()).contains(reason));
    }
}
