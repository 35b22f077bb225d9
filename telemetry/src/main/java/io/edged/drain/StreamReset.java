package io.edged.drain;

import io.netty.handler.codec.http2.Http2Error;

import java.io.IOException;

/** The other side ended one HTTP/2 stream without an answer. */
final class StreamReset extends IOException {
    private static final long serialVersionUID = 1;

    private final long code;

    StreamReset(long code) {
        super("the request was reset with " + name(code));
        this.code = code;
    }

    /** Whether the other side asks for fewer requests. */
    boolean throttled() {
        return code == Http2Error.ENHANCE_YOUR_CALM.code();
    }

    private static String name(long code) {
        Http2Error known = Http2Error.valueOf(code);
        return known == null ? "HTTP/2 error " + code : known.name();
    }
}
