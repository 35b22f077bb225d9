package io.edged.receiver;

import static io.edged.receiver.FrameClient.ACK;
import static io.edged.receiver.FrameClient.CONTINUATION;
import static io.edged.receiver.FrameClient.DATA;
import static io.edged.receiver.FrameClient.END_HEADERS;
import static io.edged.receiver.FrameClient.END_STREAM;
import static io.edged.receiver.FrameClient.GOAWAY;
import static io.edged.receiver.FrameClient.HEADERS;
import static io.edged.receiver.FrameClient.PING;
import static io.edged.receiver.FrameClient.PRIORITY;
import static io.edged.receiver.FrameClient.PUSH_PROMISE;
import static io.edged.receiver.FrameClient.RST_STREAM;
import static io.edged.receiver.FrameClient.SETTINGS;
import static io.edged.receiver.FrameClient.WINDOW_UPDATE;
import static io.edged.receiver.FrameClient.block;
import static io.edged.receiver.FrameClient.bytes;
import static io.edged.receiver.FrameClient.int32;
import static io.edged.receiver.FrameClient.join;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.util.ReferenceCountUtil;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What RFC 9113 says of frames and requests that must not be, a row each, and of some that must be
 * borne. Where a plain Netty server does not do what it says, doing the same is enough.
 */
@Timeout(120)
class Http2ConformanceTest {

    private static final int PROTOCOL_ERROR = 1;
    private static final int FLOW_CONTROL_ERROR = 3;
    private static final int STREAM_CLOSED = 5;
    private static final int FRAME_SIZE_ERROR = 6;
    private static final int COMPRESSION_ERROR = 9;
    private static final int PADDED = 8;
    private static final String PATH = "/v1/logs";

    private static final MemoryLog LOG = new MemoryLog();
    private static Receiver receiver;
    private static MultiThreadIoEventLoopGroup plainLoops;
    private static Channel plain;

    @BeforeAll
    static void start() throws IOException {
        var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        receiver = Receiver.start(ReceiverOptions.at(listen), LOG, new SimpleMeterRegistry());
        plainLoops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        plain =
                new ServerBootstrap()
                        .group(plainLoops)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.pipeline()
                                                .addLast(
                                                        Http2FrameCodecBuilder.forServer().build(),
                                                        new Http2MultiplexHandler(
                                                                new ChannelInitializer<Channel>() {
                                                                    @Override
                                                                    protected void initChannel(
                                                                            Channel stream) {
                                                                        stream.pipeline()
                                                                                .addLast(new Ok());
                                                                    }
                                                                }));
                                    }
                                })
                        .bind(listen)
                        .syncUninterruptibly()
                        .channel();
    }

    @AfterAll
    static void stop() {
        receiver.close();
        LOG.close();
        plain.close().awaitUninterruptibly();
        plainLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** Answers 200 when a request is complete. */
    private static final class Ok extends ChannelInboundHandlerAdapter {
        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // a write that fails ends the stream
        public void channelRead(ChannelHandlerContext context, Object message) {
            boolean last =
                    (message instanceof Http2HeadersFrame headers && headers.isEndStream())
                            || (message instanceof Http2DataFrame data && data.isEndStream());
            ReferenceCountUtil.release(message);
            if (last)
                context.writeAndFlush(
                        new DefaultHttp2HeadersFrame(
                                new DefaultHttp2Headers().status("200"), true));
        }
    }

    /**
     * What is sent, and with which codes the stream or the connection must end.
     *
     * @param codes none if a ping behind it must be answered
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Row(String rule, Set<Integer> codes, byte[] frames) {
        @Override
        public String toString() {
            return rule;
        }
    }

    static Stream<Row> rows() {
        byte[] begun = bytes(HEADERS, END_HEADERS, 1, post());
        byte[] whole = bytes(HEADERS, END_HEADERS | END_STREAM, 1, post());
        byte[] reset = join(begun, bytes(RST_STREAM, 0, 1, int32(8)));
        byte[] open = bytes(HEADERS, 0, 1, post());
        return Stream.of(
                row("unknown frames are ignored", bytes(0x16, 0, 0, new byte[8])),
                row("unknown flags are ignored", bytes(PING, 0x16, 0, new byte[8])),
                row("the reserved bit is ignored", bytes(PING, 0, 1 << 31, new byte[8])),
                row("unknown settings are ignored", bytes(SETTINGS, 0, 0, setting(0xFF, 1))),
                row("priorities of idle streams are borne", bytes(PRIORITY, 0, 3, priority(1))),
                row(
                        "data of a stream that was reset a moment ago is borne or STREAM_CLOSED",
                        Set.of(-1, STREAM_CLOSED),
                        join(reset, bytes(DATA, 0, 1, new byte[1]))),
                // frames, section 4
                row(
                        "a header block that is none",
                        COMPRESSION_ERROR,
                        bytes(HEADERS, END_HEADERS | END_STREAM, 1, new byte[] {-1, -1, -1, -1})),
                row(
                        "a frame of another kind in a header block",
                        PROTOCOL_ERROR,
                        join(open, bytes(PRIORITY, 0, 1, priority(0)))),
                row(
                        "an unknown frame in a header block",
                        PROTOCOL_ERROR,
                        join(open, bytes(0x16, 0, 1, new byte[1]))),
                row(
                        "a frame of another stream in a header block",
                        PROTOCOL_ERROR,
                        join(open, bytes(HEADERS, END_HEADERS, 3, post()))),
                row(
                        "headers larger than a frame may be",
                        FRAME_SIZE_ERROR,
                        bytes(HEADERS, END_HEADERS, 1, new byte[(16 << 10) + 1])),
                // streams, section 5
                row("data on an idle stream", PROTOCOL_ERROR, bytes(DATA, 0, 1, new byte[1])),
                row("a reset of an idle stream", PROTOCOL_ERROR, bytes(RST_STREAM, 0, 1, int32(8))),
                row(
                        "a window for an idle stream",
                        PROTOCOL_ERROR,
                        bytes(WINDOW_UPDATE, 0, 1, int32(8))),
                row(
                        "a continuation of nothing",
                        PROTOCOL_ERROR,
                        bytes(CONTINUATION, END_HEADERS, 1, post())),
                row(
                        "data behind the end of a stream",
                        STREAM_CLOSED,
                        join(whole, bytes(DATA, END_STREAM, 1, new byte[1]))),
                row(
                        "headers behind the end of a stream",
                        STREAM_CLOSED,
                        join(whole, bytes(HEADERS, END_HEADERS | END_STREAM, 1, post()))),
                row(
                        "headers on a stream that was reset",
                        STREAM_CLOSED,
                        join(reset, bytes(HEADERS, END_HEADERS | END_STREAM, 1, post()))),
                row("a stream of the server's", PROTOCOL_ERROR, bytes(HEADERS, 5, 2, post())),
                row(
                        "a stream below one before",
                        Set.of(PROTOCOL_ERROR, STREAM_CLOSED),
                        join(bytes(HEADERS, 5, 5, post()), bytes(HEADERS, 5, 3, post()))),
                // kinds of frames, section 6
                row("data on stream 0", PROTOCOL_ERROR, bytes(DATA, 0, 0, new byte[1])),
                row(
                        "data with more padding than there is",
                        PROTOCOL_ERROR,
                        join(begun, bytes(DATA, PADDED, 1, new byte[] {5, 1, 1}))),
                row("headers on stream 0", PROTOCOL_ERROR, bytes(HEADERS, 5, 0, post())),
                row(
                        "headers with more padding than there is",
                        PROTOCOL_ERROR,
                        bytes(HEADERS, 5 | PADDED, 1, join(new byte[] {127}, block("a", "b")))),
                row("a priority of stream 0", PROTOCOL_ERROR, bytes(PRIORITY, 0, 0, priority(1))),
                row(
                        "a priority of four bytes",
                        FRAME_SIZE_ERROR,
                        join(begun, bytes(PRIORITY, 0, 1, new byte[4]))),
                row("a reset of stream 0", PROTOCOL_ERROR, bytes(RST_STREAM, 0, 0, int32(8))),
                row(
                        "a reset of three bytes",
                        FRAME_SIZE_ERROR,
                        join(begun, bytes(RST_STREAM, 0, 1, new byte[3]))),
                row(
                        "an acknowledgement of settings with content",
                        FRAME_SIZE_ERROR,
                        bytes(SETTINGS, ACK, 0, new byte[1])),
                row("settings of a stream", PROTOCOL_ERROR, bytes(SETTINGS, 0, 1, setting(3, 9))),
                row("settings of five bytes", FRAME_SIZE_ERROR, bytes(SETTINGS, 0, 0, new byte[5])),
                row(
                        "push neither on nor off",
                        PROTOCOL_ERROR,
                        bytes(SETTINGS, 0, 0, setting(2, 2))),
                row(
                        "a window above the largest",
                        FLOW_CONTROL_ERROR,
                        bytes(SETTINGS, 0, 0, setting(4, 1 << 31))),
                row(
                        "frames below the least size",
                        PROTOCOL_ERROR,
                        bytes(SETTINGS, 0, 0, setting(5, 16_383))),
                row(
                        "frames above the largest size",
                        PROTOCOL_ERROR,
                        bytes(SETTINGS, 0, 0, setting(5, 1 << 24))),
                row(
                        "a promise of a client",
                        PROTOCOL_ERROR,
                        join(begun, bytes(PUSH_PROMISE, 4, 1, join(int32(2), post())))),
                row("a ping of a stream", PROTOCOL_ERROR, bytes(PING, 0, 1, new byte[8])),
                row("a ping of seven bytes", FRAME_SIZE_ERROR, bytes(PING, 0, 0, new byte[7])),
                row("goodbye to a stream", PROTOCOL_ERROR, bytes(GOAWAY, 0, 1, new byte[8])),
                row("no window", PROTOCOL_ERROR, bytes(WINDOW_UPDATE, 0, 0, int32(0))),
                row(
                        "no window for a stream",
                        PROTOCOL_ERROR,
                        join(begun, bytes(WINDOW_UPDATE, 0, 1, int32(0)))),
                row(
                        "a window of three bytes",
                        FRAME_SIZE_ERROR,
                        bytes(WINDOW_UPDATE, 0, 0, new byte[3])),
                row(
                        "more window than there can be",
                        FLOW_CONTROL_ERROR,
                        bytes(WINDOW_UPDATE, 0, 0, int32(Integer.MAX_VALUE))),
                row(
                        "more window for a stream than there can be",
                        FLOW_CONTROL_ERROR,
                        join(begun, bytes(WINDOW_UPDATE, 0, 1, int32(Integer.MAX_VALUE)))),
                row(
                        "a continuation behind the end of headers",
                        PROTOCOL_ERROR,
                        join(begun, bytes(CONTINUATION, END_HEADERS, 1, new byte[0]))),
                row(
                        "a continuation on stream 0",
                        PROTOCOL_ERROR,
                        join(open, bytes(CONTINUATION, END_HEADERS, 0, new byte[0]))),
                // requests, section 8
                row(
                        "headers in the middle",
                        PROTOCOL_ERROR,
                        join(begun, bytes(HEADERS, END_HEADERS, 1, block("a", "b")))),
                request("a name in upper case", post("X-Upper", "1")),
                request("a pseudo-field nobody knows", join(block(":nothing", "1"), post())),
                request("a pseudo-field of answers", join(block(":status", "200"), post())),
                request("a pseudo-field among the trailing", post(":path", PATH)),
                request("a pseudo-field behind others", join(block("a", "b"), post())),
                request("a field of connections", post("connection", "keep-alive")),
                request("a coding of transfers", post("transfer-encoding", "chunked")),
                request("te other than trailers", post("te", "gzip")),
                request("a line feed in a value", post("a", "b\nc")),
                request("a blank in a name", post("a b", "c")),
                request("no path", block(":method", "POST", ":scheme", "http")),
                request("an empty path", block(":method", "POST", ":scheme", "http", ":path", "")),
                request("no method", block(":scheme", "http", ":path", PATH)),
                request("no scheme", block(":method", "POST", ":path", PATH)),
                request("a method twice", join(block(":method", "POST"), post())),
                row(
                        "less content than its length",
                        PROTOCOL_ERROR,
                        join(
                                bytes(HEADERS, END_HEADERS, 1, post("content-length", "5")),
                                bytes(DATA, END_STREAM, 1, new byte[4]))),
                row(
                        "more content than its length",
                        PROTOCOL_ERROR,
                        join(
                                bytes(HEADERS, END_HEADERS, 1, post("content-length", "5")),
                                bytes(DATA, END_STREAM, 1, new byte[6]))));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void doesWhatTheStandardSaysOrWhatPlainNettyDoes(Row row) throws IOException {
        int code = reaction(row, receiver.address());
        if (row.codes.contains(code)) return;
        int plainCode = reaction(row, (InetSocketAddress) plain.localAddress());
        assertThat(code)
                .as("the code of plain Netty; the standard's is %s", row.codes)
                .isEqualTo(plainCode);
    }

    /** The code with which stream or connection end, −1 if the ping behind it was answered. */
    private static int reaction(Row row, InetSocketAddress server) throws IOException {
        try (var client = new FrameClient(server)) {
            client.send(join(row.frames, bytes(PING, 0, 0, PROBE)));
            while (true) {
                FrameClient.Frame frame = client.read();
                if (frame.type() == RST_STREAM || frame.type() == GOAWAY) {
                    if (frame.error() != 0) return frame.error();
                } else if (frame.type() == PING && frame.payload().get(0) == PROBE[0]) {
                    return -1;
                } else if (frame.type() == HEADERS
                        && client.decode(frame).status().charAt(0) == '4') {
                    return PROTOCOL_ERROR; // a malformed request may be answered so, section 8.1.1
                }
            }
        } catch (EOFException | SocketException e) {
            throw new AssertionError("closed without a word", e);
        }
    }

    private static final byte[] PROBE = {77, 0, 0, 0, 0, 0, 0, 0};

    private static Row row(String rule, byte[] frames) {
        return new Row(rule, Set.of(-1), frames);
    }

    private static Row row(String rule, int code, byte[] frames) {
        return new Row(rule, Set.of(code), frames);
    }

    private static Row row(String rule, Set<Integer> codes, byte[] frames) {
        return new Row(rule, codes, frames);
    }

    private static Row request(String rule, byte[] fields) {
        return row(rule, PROTOCOL_ERROR, bytes(HEADERS, END_HEADERS | END_STREAM, 1, fields));
    }

    private static byte[] post(String... more) {
        return FrameClient.post(PATH, more);
    }

    private static byte[] setting(int name, int value) {
        return join(new byte[] {0, (byte) name}, int32(value));
    }

    private static byte[] priority(int on) {
        return join(int32(on), new byte[] {1});
    }
}
