package io.edged.wal;

import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;

/**
 * The records of a crash run: number {@code index} of seed {@code seed} is the same in every
 * process and on every machine, and tells its number.
 */
final class CrashRecords {

    private static final List<Signal> SIGNALS = List.of(Signal.values());
    private static final String EVENT_START = "{\"n\":";

    private static final byte FIELD_1 = 1 << 3 | 2;

    /** What tells the number: the field, its length, eight bytes. */
    private static final int NUMBER_BYTES = 2 + Long.BYTES;

    private final long seed;

    CrashRecords(long seed) {
        this.seed = seed;
    }

    /** A new append of that record. */
    Written append(int index) {
        var random = new Random(seed * 1_000_003 + index);
        if (random.nextInt(5) == 0)
            return Written.event(
                    EVENT_START + index + ",\"pad\":\"" + "x".repeat(random.nextInt(900)) + "\"}");
        int size =
                switch (random.nextInt(4)) {
                    case 0 -> 8 + random.nextInt(40);
                    case 1 -> 500 + random.nextInt(100);
                    case 2 -> 4_000 + random.nextInt(300);
                    default -> 8 + random.nextInt(9_000);
                };
        byte[] content = body(index, size, random);
        return Written.batch(
                SIGNALS.get(random.nextInt(SIGNALS.size())),
                content,
                1 + random.nextInt(5),
                random.nextBoolean() ? "" : "{\"tenant\":\"t" + random.nextInt(3) + "\"}");
    }

    /**
     * A body as the flag "mergeable" promises it: two fields of number 1, one with the record's
     * number, one with what fills it.
     */
    private static byte[] body(int index, int size, Random random) {
        byte[] filling = new byte[size];
        random.nextBytes(filling);
        ByteBuffer body = ByteBuffer.allocate(NUMBER_BYTES + 4 + size);
        body.put(FIELD_1).put((byte) Long.BYTES).putLong(index).put(FIELD_1);
        int rest = size;
        for (; rest >= 0x80; rest >>>= 7) body.put((byte) (rest | 0x80));
        body.put((byte) rest).put(filling);
        return Arrays.copyOf(body.array(), body.position());
    }

    /** The number that a content tells, if it is that record's, whole and unchanged. */
    OptionalInt index(ByteBuffer content) {
        OptionalInt told = told(content);
        if (told.isEmpty()) return told;
        return ByteBuffer.wrap(append(told.getAsInt()).content).equals(content)
                ? told
                : OptionalInt.empty();
    }

    private static OptionalInt told(ByteBuffer content) {
        if (content.remaining() < NUMBER_BYTES) return OptionalInt.empty();
        if (content.get(content.position()) != '{') {
            long index = content.getLong(content.position() + NUMBER_BYTES - Long.BYTES);
            return index >= 0 && index <= Integer.MAX_VALUE
                    ? OptionalInt.of((int) index)
                    : OptionalInt.empty();
        }
        String text = StandardCharsets.UTF_8.decode(content.duplicate()).toString();
        int end = text.indexOf(',');
        if (!text.startsWith(EVENT_START) || end < 0) return OptionalInt.empty();
        try {
            return OptionalInt.of(Integer.parseInt(text.substring(EVENT_START.length(), end)));
        } catch (NumberFormatException e) {
            return OptionalInt.empty();
        }
    }
}
