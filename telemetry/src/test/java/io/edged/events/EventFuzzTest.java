package io.edged.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Damaged events, made from a seed: nothing crashes, what is taken is one JSON object each, and
 * what one line is taken for does not depend on its neighbours. {@code make soak-fuzz} tries more.
 */
class EventFuzzTest {

    private static final int INPUTS = Integer.getInteger("fuzz.inputs", 20_000);
    private static final long SEED = Long.getLong("fuzz.seed", 1);
    private static final JsonFactory JSON = new JsonFactory();

    private static final List<String> EVENTS =
            List.of(
                    "{\"kind\":\"action\",\"name\":\"a\"}",
                    "{ \"kind\" : \"error\", \"severity\" : 17, \"body\" : [1, {\"a\":null}] }",
                    "{\"kind\":\"x\",\"time\":\"2026-11-21T12:00:00Z\",\"attributes\":{\"b\":\"}\\\"\"}}",
                    "{\"kind\":\"d\",\"trace_id\":\"0123456789abcdef0123456789abcdef\",\"\\u00e9\":1e5}",
                    "{\"kind\":\"l\",\"body\":\"\u00e9\ud83d\ude00\",\"time\":1790000000000000000}");

    @Test
    void whatIsTakenIsAnObjectWithAKind() throws Exception {
        int taken = 0;
        for (int i = 0; i < INPUTS; i++) {
            long seed = SEED + i;
            var random = new Random(seed);
            byte[] event = damaged(random, bytes(EVENTS.get(random.nextInt(EVENTS.size()))));
            if (!(Event.check(event) instanceof Event.Checked.Good(ByteBuffer good))) continue;
            taken++;
            byte[] kept = new byte[good.remaining()];
            good.get(kept);
            try (var parser = JSON.createParser(kept)) {
                assertThat(parser.nextToken())
                        .as("seed %d", seed)
                        .isEqualTo(JsonToken.START_OBJECT);
                boolean kind = false;
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    kind |= parser.currentName().equals("kind");
                    parser.nextToken();
                    parser.skipChildren();
                }
                assertThat(kind).as("seed %d", seed).isTrue();
                assertThat(parser.nextToken()).as("seed %d", seed).isNull();
            }
            assertThat(kept).as("seed %d: no line ends", seed).doesNotContain((byte) '\n');
            assertThat(Event.check(kept))
                    .as("seed %d", seed)
                    .isEqualTo(new Event.Checked.Good(ByteBuffer.wrap(kept)));
        }
        assertThat(taken).isBetween(1, INPUTS - 1);
    }

    @Test
    void aSequenceIsGoodExactlyIfEachOfItsLinesIs() throws Exception {
        int good = 0;
        for (int i = 0; i < INPUTS / 4; i++) {
            long seed = SEED + i;
            var random = new Random(seed);
            var expected = new ArrayList<String>();
            var all = new StringBuilder();
            boolean bad = false;
            for (int line = random.nextInt(5); line >= 0; line--) {
                byte[] event = bytes(EVENTS.get(random.nextInt(EVENTS.size())));
                if (random.nextInt(6) == 0) event = damaged(random, event);
                String text = new String(event, StandardCharsets.ISO_8859_1);
                if (text.indexOf('\n') >= 0 || text.isBlank()) continue;
                all.append(text).append('\n');
                switch (Event.check(event)) {
                    case Event.Checked.Good(ByteBuffer kept) -> expected.add(text(kept));
                    case Event.Checked.Bad _ -> bad = true;
                }
            }
            var taken = new ArrayList<String>();
            var result =
                    EventSequence.read(
                            new ByteArrayInputStream(
                                    all.toString().getBytes(StandardCharsets.ISO_8859_1)),
                            event -> taken.add(text(event)));
            if (bad || expected.isEmpty()) {
                // Two events on one line are a sequence, and no line.
                if (result instanceof EventSequence.Result.Good) continue;
                assertThat(result).as("seed %d", seed).isInstanceOf(EventSequence.Result.Bad.class);
            } else {
                good++;
                assertThat(taken).as("seed %d", seed).isEqualTo(expected);
                assertThat(result)
                        .as("seed %d", seed)
                        .isEqualTo(new EventSequence.Result.Good(expected.size()));
            }
        }
        assertThat(good).isPositive();
    }

    private static byte[] damaged(Random random, byte[] good) {
        byte[] bytes = good.clone();
        switch (random.nextInt(6)) {
            case 0 -> {
                return bytes;
            }
            case 1 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            case 2 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            case 3 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            case 4 -> {
                int at = random.nextInt(bytes.length);
                bytes[at] = (byte) "{}[]\",:\\ \t0e-.".charAt(random.nextInt(14));
            }
            default -> {
                int from = random.nextInt(bytes.length);
                int to = from + random.nextInt(bytes.length - from);
                var twice = new java.io.ByteArrayOutputStream();
                twice.write(bytes, 0, to);
                twice.write(bytes, from, bytes.length - from);
                return twice.toByteArray();
            }
        }
        return bytes;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer event) {
        return StandardCharsets.UTF_8.decode(event.duplicate()).toString();
    }
}
