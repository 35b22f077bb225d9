package io.edged.otlp;

/**
 * Why bytes are not a request.
 *
 * @param position byte of the (decompressed) body at which the offending field or byte begins, from
 *     0
 * @param reason for the sender, in one sentence without a full stop
 */
public record Malformed(long position, String reason) {

    /** For an answer: {@code "... at byte 17"}. */
    public String describe() {
        return reason + " at byte " + position;
    }
}
