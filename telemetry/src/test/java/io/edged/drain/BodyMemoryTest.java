package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;

/** Memory of bodies: never written while somebody holds it, and written again when nobody does. */
class BodyMemoryTest {

    private static final int BLOCK = 1000;

    private final BodyMemory memory = new BodyMemory(BLOCK, 3);

    private BodyMemory.Room filled(int bytes, int with) {
        BodyMemory.Room room = memory.take(bytes);
        ByteBuffer to = room.bytes().duplicate();
        while (to.hasRemaining()) to.put((byte) with);
        room.hold();
        memory.settled();
        return room;
    }

    private static boolean holds(BodyMemory.Room room, int with) {
        ByteBuffer bytes = room.bytes().duplicate();
        while (bytes.hasRemaining()) if (bytes.get() != (byte) with) return false;
        return true;
    }

    @Test
    void whatIsHeldKeepsItsContentThroughAnyOrderOfUses() {
        long seed = 7;
        var random = new SplittableRandom(seed);
        record Held(BodyMemory.Room room, int with) {}
        List<Held> held = new ArrayList<>();
        int direct = 0;
        for (int i = 0; i < 20_000; i++) {
            if (held.size() < 12 && random.nextBoolean()) {
                BodyMemory.Room room = filled(1 + random.nextInt(BLOCK + 50), i);
                if (room.bytes().isDirect()) direct++;
                held.add(new Held(room, i));
            } else if (!held.isEmpty()) {
                Held gone = held.remove(random.nextInt(held.size()));
                assertThat(holds(gone.room(), gone.with())).as("seed %d, use %d", seed, i).isTrue();
                gone.room().letGo();
            }
        }
        assertThat(direct).isGreaterThan(1000);
    }

    @Test
    void whatWasTakenIsNobodyElsesBeforeItIsSettled() {
        BodyMemory.Room first = memory.take(BLOCK);
        BodyMemory.Room second = memory.take(BLOCK);
        BodyMemory.Room third = memory.take(BLOCK);
        assertThat(List.of(first, second, third)).allMatch(room -> room.bytes().isDirect());
        first.bytes().put(0, (byte) 1);
        // All blocks are lent, though none was held yet.
        BodyMemory.Room fourth = memory.take(BLOCK);
        assertThat(fourth.bytes().isDirect()).isFalse();
        fourth.bytes().put(0, (byte) 2);
        assertThat(first.bytes().get(0)).isEqualTo((byte) 1);
    }

    @Test
    void oneBodyAfterTheOtherNeedsOneBlock() {
        BodyMemory.Room first = filled(600, 1);
        first.letGo();
        BodyMemory.Room second = filled(600, 2);
        assertThat(holds(first, 2)).as("the same memory").isTrue();
        second.letGo();
    }

    @Test
    void aBodyWithoutBytesIsHeldAsOthersAre() {
        BodyMemory.Room empty = filled(0, 0);
        BodyMemory.Room next = filled(1, 1);
        empty.letGo();
        assertThat(holds(next, 1)).isTrue();
    }

    @Test
    void aBodyLargerThanABlockIsOfTheHeap() {
        assertThat(memory.take(BLOCK + 1).bytes().isDirect()).isFalse();
    }

    @Test
    void neighboursAreOneBuffer() {
        List<BodyMemory.Room> rooms =
                List.of(filled(300, 1), filled(300, 2), filled(600, 3), filled(100, 4));
        List<ByteBuffer> joined = BodyMemory.joined(rooms);
        assertThat(joined.stream().map(ByteBuffer::remaining)).containsExactly(600, 700);
        assertThat(joined.getFirst().get(299)).isEqualTo((byte) 1);
        assertThat(joined.getFirst().get(300)).isEqualTo((byte) 2);
        assertThat(joined.getLast().get(600)).isEqualTo((byte) 4);
    }

    @Test
    void whatIsCompressedStandsHereToo() throws Exception {
        byte[] plain = new byte[100_000];
        var random = new SplittableRandom(3);
        for (int i = 0; i < plain.length; i++) plain[i] = (byte) random.nextInt(4);
        var large = new BodyMemory(40_000, 2);
        List<BodyMemory.Room> compressed = Gzip.compress(List.of(ByteBuffer.wrap(plain)), large);
        assertThat(compressed).anyMatch(room -> room.bytes().isDirect());
        int bytes = compressed.stream().mapToInt(room -> room.bytes().remaining()).sum();
        var all = ByteBuffer.allocate(bytes);
        compressed.forEach(room -> all.put(room.bytes().duplicate()));
        try (var gzip = new GZIPInputStream(new java.io.ByteArrayInputStream(all.array()))) {
            assertThat(Arrays.equals(gzip.readAllBytes(), plain)).isTrue();
        }
    }

    @Test
    void whatIsLetGoTwiceIsAMistake() {
        BodyMemory.Room room = BodyMemory.Room.of(ByteBuffer.allocate(3));
        room.hold();
        room.letGo();
        assertThatThrownBy(room::letGo).isInstanceOf(IllegalStateException.class);
    }
}
