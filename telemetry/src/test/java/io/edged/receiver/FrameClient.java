package io.edged.receiver;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** A client that sends exactly the HTTP/2 frames it is told to, good or bad. */
final class FrameClient implements AutoCloseable {

    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int PRIORITY = 2;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PUSH_PROMISE = 5;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;
    static final int CONTINUATION = 9;

    static final int END_STREAM = 1;
    static final int ACK = 1;
    static final int END_HEADERS = 4;

    static final int ENHANCE_YOUR_CALM = 11;

    static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    record Frame(int type, int flags, int stream, ByteBuffer payload) {

        byte[] bytes() {
            byte[] bytes = new byte[payload.remaining()];
            payload.get(0, bytes);
            return bytes;
        }

        /** Of RST_STREAM and GOAWAY. */
        int error() {
            return payload.getInt(type == GOAWAY ? 4 : 0);
        }

        /** Of GOAWAY: the last stream that is answered. */
        int lastStream() {
            return payload.getInt(0);
        }

        /** What GOAWAY says beside its code. */
        String text() {
            return StandardCharsets.US_ASCII.decode(payload.duplicate().position(8)).toString();
        }
    }

    /** All of an answer on one stream. */
    record Answer(Http2Headers head, ByteBuffer body, Http2Headers trailers) {
        String status() {
            return head.status().toString();
        }

        /** The gRPC status, wherever it is. */
        int grpcStatus() {
            return Integer.parseInt(header("grpc-status"));
        }

        String header(String name) {
            CharSequence value = trailers.get(name);
            if (value == null) value = head.get(name);
            return value == null ? "" : value.toString();
        }
    }

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;
    private final DefaultHttp2HeadersDecoder headersDecoder = new DefaultHttp2HeadersDecoder(true);

    FrameClient(InetSocketAddress address) throws IOException {
        this(new Socket(address.getAddress(), address.getPort()));
        send(PREFACE.getBytes(StandardCharsets.US_ASCII));
        frame(SETTINGS, 0, 0, new byte[0]);
    }

    /** On a socket that is open already; sends nothing by itself. */
    FrameClient(Socket socket) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(30_000);
        in = new DataInputStream(socket.getInputStream());
        out = socket.getOutputStream();
    }

    FrameClient send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
        return this;
    }

    FrameClient frame(int type, int flags, int stream, byte[] payload) throws IOException {
        return send(bytes(type, flags, stream, payload));
    }

    static byte[] bytes(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .put((byte) (payload.length >> 16))
                .putShort((short) payload.length)
                .put((byte) type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    static byte[] int32(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    /** A header block of name, value, name, value: literals, no table, no Huffman code. */
    static byte[] block(String... fields) {
        var block = new ByteArrayOutputStream();
        for (int i = 0; i < fields.length; i += 2) {
            block.write(0);
            literal(block, fields[i]);
            literal(block, fields[i + 1]);
        }
        return block.toByteArray();
    }

    private static void literal(ByteArrayOutputStream block, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length < 127) {
            block.write(bytes.length);
        } else {
            block.write(127);
            int rest = bytes.length - 127;
            for (; rest >= 128; rest >>>= 7) block.write((rest & 0x7F) | 0x80);
            block.write(rest);
        }
        block.writeBytes(bytes);
    }

    /** The fields of a gRPC request. */
    static byte[] grpc(String path, String... more) {
        return join(
                block(
                        ":method", "POST",
                        ":scheme", "http",
                        ":path", path,
                        ":authority", "edge",
                        "content-type", "application/grpc",
                        "te", "trailers"),
                block(more));
    }

    /** The fields of an OTLP/HTTP request. */
    static byte[] post(String path, String... more) {
        return join(
                block(
                        ":method", "POST",
                        ":scheme", "http",
                        ":path", path,
                        ":authority", "edge",
                        "content-type", "application/x-protobuf"),
                block(more));
    }

    static byte[] message(int flag, byte[] body) {
        return ByteBuffer.allocate(5 + body.length)
                .put((byte) flag)
                .putInt(body.length)
                .put(body)
                .array();
    }

    static byte[] join(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) all.writeBytes(part);
        return all.toByteArray();
    }

    /** Headers, and the data in frames of at most this size; the last one ends the stream. */
    FrameClient request(int stream, byte[] headers, byte[] data, int frameBytes)
            throws IOException {
        var all = new ByteArrayOutputStream();
        all.writeBytes(bytes(HEADERS, END_HEADERS, stream, headers));
        for (int at = 0; at == 0 || at < data.length; at += frameBytes) {
            int end = Math.min(data.length, at + frameBytes);
            all.writeBytes(
                    bytes(
                            DATA,
                            end == data.length ? END_STREAM : 0,
                            stream,
                            java.util.Arrays.copyOfRange(data, at, end)));
        }
        return send(all.toByteArray());
    }

    /** The next frame; acknowledges nothing by itself. */
    Frame read() throws IOException {
        int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        int stream = in.readInt();
        return new Frame(type, flags, stream, ByteBuffer.wrap(in.readNBytes(length)));
    }

    Frame readUntil(Predicate<Frame> wanted) throws IOException {
        for (; ; ) {
            Frame frame = read();
            if (wanted.test(frame)) return frame;
        }
    }

    /** Reads until the stream has ended. */
    Answer answer(int stream) throws IOException {
        var blocks = new ArrayList<Http2Headers>();
        var body = new ByteArrayOutputStream();
        for (; ; ) {
            Frame frame = read();
            if (frame.type == HEADERS) {
                Http2Headers headers = decode(frame);
                if (frame.stream == stream) blocks.add(headers);
            }
            if (frame.type == GOAWAY) throw new IOException("GOAWAY " + frame.text());
            if (frame.stream != stream) continue;
            if (frame.type == RST_STREAM) throw new IOException("reset " + frame.error());
            if (frame.type == DATA) body.writeBytes(frame.bytes());
            if ((frame.type == DATA || frame.type == HEADERS) && (frame.flags & END_STREAM) != 0)
                return new Answer(
                        blocks.getFirst(), ByteBuffer.wrap(body.toByteArray()), blocks.getLast());
        }
    }

    /** Header blocks have to be decoded in order: the table goes on. */
    Http2Headers decode(Frame frame) throws IOException {
        try {
            return headersDecoder.decodeHeaders(
                    frame.stream, Unpooled.wrappedBuffer(frame.payload));
        } catch (Http2Exception e) {
            throw new IOException(e);
        }
    }

    /** The connection's end: the frames until then. */
    List<Frame> rest() throws IOException {
        var frames = new ArrayList<Frame>();
        try {
            while (true) frames.add(read());
        } catch (EOFException | SocketException e) {
            return frames;
        }
    }

    /** The code of the GOAWAY with which the server has ended the connection. */
    int goodbye() throws IOException {
        return rest().stream()
                .filter(frame -> frame.type == GOAWAY)
                .findFirst()
                .orElseThrow(() -> new IOException("the connection ended without GOAWAY"))
                .error();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
