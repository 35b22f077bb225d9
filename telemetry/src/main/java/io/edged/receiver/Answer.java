package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** The place of a request in the order of answers; belongs to the event loop. */
sealed interface Answer permits Answer.Ready, HttpAppend {

    /** Whether it is known what to say. */
    boolean ready();

    /** The answer's bytes; called once, when it is ready. */
    ByteBuf encode(ByteBufAllocator allocator, boolean close);

    /** Whether the connection ends with it. */
    boolean close();

    /** An answer that did not have to wait for the log. */
    record Ready(Encoder encoder, boolean close) implements Answer {

        /** Makes the bytes when it is their turn. */
        @FunctionalInterface
        interface Encoder {
            ByteBuf encode(ByteBufAllocator allocator, boolean close);
        }

        @Override
        public boolean ready() {
            return true;
        }

        @Override
        public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
            return encoder.encode(allocator, close);
        }
    }
}
