package io.edged.otlp;

import io.edged.otlp.ProtobufReader.MalformedException;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Cuts a run of items out of an export request, without decoding them: byte ranges are kept as they
 * are and the lengths around them mended. A resource, scope or metric of which no item is left goes
 * as well; the others keep everything that they say about their items.
 *
 * <p>Items count from 0 in the order in which {@link Skim} counts them.
 */
public final class ItemSlice {

    private final int first;
    private final int last;

    /** The number of the next item. */
    private int next;

    private ItemSlice(int first, int last) {
        this.first = first;
        this.last = last;
    }

    /**
     * A request with only these items.
     *
     * @param body uncompressed, between position and limit, which stay
     * @param items how many there are in the whole body
     * @param first first item to keep
     * @param last last item to keep
     * @return empty if the body is no such request or holds another number of items
     */
    public static Optional<ByteBuffer> of(
            Signal signal, ByteBuffer body, int items, int first, int last) {
        if (first < 0 || last < first || last >= items)
            throw new IllegalArgumentException(
                    "items " + first + " to " + last + " of " + items + " are none");
        var slice = new ItemSlice(first, last);
        try {
            ProtobufWriter kept =
                    slice.message(Schema.root(signal).row(), new ProtobufReader(body));
            return slice.next == items
                    ? Optional.of(ByteBuffer.wrap(kept.toByteArray()))
                    : Optional.empty();
        } catch (MalformedException e) {
            return Optional.empty();
        }
    }

    private ProtobufWriter message(int type, ProtobufReader in) throws MalformedException {
        var out = new ProtobufWriter();
        for (int field = in.next(); field != 0; field = in.next()) {
            int action = action(type, field, in);
            if (action >= Schema.ITEM && action < Schema.VARINT) {
                in.skip();
                if (next >= first && next <= last) out.copy(in.field());
                next++;
            } else if (action >= Schema.MESSAGE
                    && action < Schema.ITEM
                    && Schema.holdsItems(action - Schema.MESSAGE)) {
                int before = next;
                ProtobufWriter inner = message(action - Schema.MESSAGE, in.message());
                // One that held no items at all says nothing about those that are kept.
                if (before <= last && next > first && next > before) out.message(field, inner);
            } else {
                in.skip();
                out.copy(in.field());
            }
        }
        return out;
    }

    private static int action(int type, int field, ProtobufReader in) {
        int tag = field << 3 | WireType.LENGTH;
        return in.isLength() && field < Schema.TAGS >> 3 ? Schema.action(type, tag) : Schema.OPAQUE;
    }
}
