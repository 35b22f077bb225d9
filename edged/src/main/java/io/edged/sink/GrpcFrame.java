package io.edged.sink;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToMessageCodec;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Turns a call of gRPC into the request of OTLP/HTTP that says the same, and the answer back: the
 * message without its frame, and the status as a trailer. One stream, one call.
 */
final class GrpcFrame extends MessageToMessageCodec<FullHttpRequest, FullHttpResponse> {

    static final int HEAD_BYTES = 5;

    @Override
    protected void decode(ChannelHandlerContext context, FullHttpRequest call, List<Object> out) {
        ByteBuf frame = call.content();
        // Anything else is no call: the handler behind says so.
        boolean whole =
                frame.readableBytes() >= HEAD_BYTES
                        && frame.getUnsignedInt(frame.readerIndex() + 1)
                                == frame.readableBytes() - HEAD_BYTES;
        boolean compressed = whole && frame.getByte(frame.readerIndex()) == 1;
        var request =
                new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1,
                        HttpMethod.POST,
                        Signal.ofMethod(call.uri()).map(Signal::path).orElse("/no-such-method"),
                        whole
                                ? frame.retainedSlice(
                                        frame.readerIndex() + HEAD_BYTES,
                                        frame.readableBytes() - HEAD_BYTES)
                                : Unpooled.EMPTY_BUFFER);
        request.headers().set(call.headers());
        request.headers().remove(HttpHeaderNames.CONTENT_ENCODING);
        if (whole) request.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/x-protobuf");
        if (compressed)
            request.headers()
                    .set(
                            HttpHeaderNames.CONTENT_ENCODING,
                            call.headers().get("grpc-encoding", ContentEncoding.IDENTITY.token()));
        out.add(request);
    }

    @Override
    protected void encode(
            ChannelHandlerContext context, FullHttpResponse answer, List<Object> out) {
        int status = answer.status().code();
        var response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.OK,
                        status == 200
                                ? Unpooled.wrappedBuffer(new byte[HEAD_BYTES])
                                : Unpooled.EMPTY_BUFFER);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/grpc");
        response.trailingHeaders().setInt("grpc-status", grpcStatus(status));
        if (status != 200)
            response.trailingHeaders()
                    .set("grpc-message", "status " + status + " " + message(answer.content()));
        out.add(response);
    }

    /** A part of a line of text, which is all that a trailer can carry. */
    private static String message(ByteBuf text) {
        String line = text.toString(StandardCharsets.US_ASCII).strip();
        String cut = line.substring(0, Math.min(200, line.length()));
        return cut.isEmpty() ? "of the sink" : cut.replaceAll("[^ -~]|%", "?");
    }

    /** As gRPC has it for the other direction, and for data what the drain makes of it. */
    private static int grpcStatus(int status) {
        return switch (status) {
            case 200 -> 0; // OK
            case 400, 422 -> 3; // INVALID_ARGUMENT
            case 401 -> 16; // UNAUTHENTICATED
            case 403 -> 7; // PERMISSION_DENIED
            case 404, 405, 415 -> 12; // UNIMPLEMENTED
            case 413 -> 8; // RESOURCE_EXHAUSTED
            case 429, 502, 503, 504 -> 14; // UNAVAILABLE
            default -> 13; // INTERNAL
        };
    }
}
