package io.edged.drain;

import java.util.Optional;

/**
 * What an {@code Export*ServiceResponse} says beyond "yes". The three messages have one shape:
 * field 1 is the partial success, in which field 1 is the number of rejected items and field 2 a
 * text.
 *
 * @param rejectedItems 0 or more
 * @param message whether the destination said anything; its words are not kept, they may quote data
 */
record PartialSuccess(long rejectedItems, boolean message) {

    static final PartialSuccess NONE = new PartialSuccess(0, false);

    /** Empty if the bytes are not such a message. */
    static Optional<PartialSuccess> decode(byte[] response) {
        try {
            var outer = new Reader(response, 0, response.length);
            PartialSuccess found = NONE;
            while (outer.more()) {
                int tag = outer.tag();
                if (tag == (1 << 3 | 2)) {
                    found = inner(outer.message(), found);
                } else {
                    outer.skip(tag);
                }
            }
            return Optional.of(found);
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    private static PartialSuccess inner(Reader reader, PartialSuccess before) {
        long rejected = before.rejectedItems;
        boolean message = before.message;
        while (reader.more()) {
            int tag = reader.tag();
            if (tag == (1 << 3)) {
                rejected = reader.varint();
                if (rejected < 0) throw new IllegalArgumentException("negative count");
            } else if (tag == (2 << 3 | 2)) {
                message = reader.message().more();
            } else {
                reader.skip(tag);
            }
        }
        return new PartialSuccess(rejected, message);
    }

    /** A position in protobuf; throws IllegalArgumentException wherever the bytes make no sense. */
    private static final class Reader {
        private final byte[] bytes;
        private final int end;
        private int at;

        Reader(byte[] bytes, int from, int end) {
            this.bytes = bytes;
            this.at = from;
            this.end = end;
        }

        boolean more() {
            return at < end;
        }

        int tag() {
            long tag = varint();
            if (tag < 8 || tag > 0xFFFF_FFFFL) throw new IllegalArgumentException("bad tag");
            return (int) tag;
        }

        long varint() {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                if (at >= end) throw new IllegalArgumentException("cut");
                byte next = bytes[at++];
                value |= (long) (next & 0x7f) << shift;
                if (next >= 0) return value;
            }
            throw new IllegalArgumentException("varint is too long");
        }

        Reader message() {
            long length = varint();
            if (length < 0 || length > end - at) throw new IllegalArgumentException("cut");
            var inner = new Reader(bytes, at, at + (int) length);
            at += (int) length;
            return inner;
        }

        void skip(int tag) {
            switch (tag & 7) {
                case 0 -> varint();
                case 1 -> advance(8);
                case 2 -> message();
                case 5 -> advance(4);
                default -> throw new IllegalArgumentException("bad wire type");
            }
        }

        private void advance(int count) {
            if (count > end - at) throw new IllegalArgumentException("cut");
            at += count;
        }
    }
}
