package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.jspecify.annotations.Nullable;

/** The place of a request in the order of answers; belongs to the event loop. */
sealed interface Answer
        permits Answer.Ready, Answer.Later, Answer.CrossOrigin, HttpAppend, HttpEvents {

    /** Whether it is known what to say. */
    boolean ready();

    /** The answer's bytes; called once, when it is ready. */
    ByteBuf encode(ByteBufAllocator allocator, boolean close);

    /** Whether the connection ends with it. */
    boolean close();

    /**
     * An answer that the page of another origin may read.
     *
     * @param fields that say so, each with its line end
     */
    record CrossOrigin(Answer answer, String fields) implements Answer {
        @Override
        public boolean ready() {
            return answer.ready();
        }

        @Override
        public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
            return Answers.with(allocator, answer.encode(allocator, close), fields);
        }

        @Override
        public boolean close() {
            return answer.close();
        }
    }

    /** The place of a request that is still being converted. */
    final class Later implements Answer {
        private final boolean close;
        private @Nullable Answer answer;

        Later(boolean close) {
            this.close = close;
        }

        /** It is known now what the answer is, or will be. */
        void is(Answer known) {
            answer = known;
        }

        @Override
        public boolean ready() {
            return answer != null && answer.ready();
        }

        @Override
        public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
            if (answer == null) throw new IllegalStateException("nobody knows the answer yet");
            return answer.encode(allocator, close);
        }

        @Override
        public boolean close() {
            return close;
        }
    }

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
