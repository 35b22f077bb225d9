package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

import java.util.List;

/**
 * Netty's decoder with every limit named, and stricter where leniency lets two programs disagree
 * about where a request ends (request smuggling): a request with both {@code Content-Length} and
 * {@code Transfer-Encoding} and a folded header line are malformed (RFC 9112, 5.2 and 6.3). A
 * failure is a message with a failed {@link DecoderResult}; everything behind it is thrown away.
 */
final class RequestDecoder extends HttpRequestDecoder {

    /**
     * A body part may be as large as what one read brings, so that it is handed on in one piece.
     */
    private static final int MAX_PART_BYTES = 1 << 20;

    /** Told when a request begins to come in, and so its deadline. */
    private final Runnable headerBegun;

    private boolean inHeader;
    private boolean inBody;
    private boolean failed;

    RequestDecoder(ReceiverOptions.Limits limits, Runnable headerBegun) {
        super(
                new HttpDecoderConfig()
                        .setMaxInitialLineLength(limits.requestLineBytes())
                        .setMaxHeaderSize(limits.headerBytes())
                        .setMaxChunkSize(MAX_PART_BYTES)
                        .setChunkedSupported(true)
                        .setAllowPartialChunks(true)
                        .setAllowDuplicateContentLengths(false)
                        .setValidateHeaders(true)
                        .setStrictLineParsing(true)
                        .setUseRfc9112TransferEncoding(true)
                        .setInitialBufferSize(256));
        this.headerBegun = headerBegun;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        super.channelRead(context, message);
        if (!inBody && !failed && (inHeader || actualReadableBytes() > 0)) headerBegun.run();
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
            throws Exception {
        if (failed) {
            buffer.skipBytes(buffer.readableBytes());
            return;
        }
        if (!inBody && folded(buffer)) {
            failed = true;
            buffer.skipBytes(buffer.readableBytes());
            var request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/");
            request.setDecoderResult(
                    DecoderResult.failure(new IllegalArgumentException("a header line is folded")));
            out.add(request);
            return;
        }
        super.decode(context, buffer, out);
        for (Object message : out) {
            if (message instanceof HttpRequest) {
                inHeader = false;
                inBody = true;
            }
            if (message instanceof LastHttpContent) inBody = false;
        }
    }

    @Override
    protected HttpMessage createMessage(String[] initialLine) throws Exception {
        inHeader = true;
        return super.createMessage(initialLine);
    }

    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
        throw new IllegalArgumentException(
                "a request has either Content-Length or Transfer-Encoding, not both");
    }

    /** Whether a line of the header begins with white space. Lines are whole or not yet taken. */
    private boolean folded(ByteBuf buffer) {
        int end = buffer.writerIndex();
        int line = buffer.readerIndex();
        boolean first = !inHeader; // the request line
        while (line < end) {
            byte octet = buffer.getByte(line);
            if (!first && (octet == ' ' || octet == '\t')) return true;
            if (!first && (octet == '\r' || octet == '\n')) return false; // the end of the header
            int feed = buffer.indexOf(line, end, (byte) '\n');
            if (feed < 0) return false;
            line = feed + 1;
            first = false;
        }
        return false;
    }
}
