package io.edged.drain;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An HTTP/2 server of bare frames, so that it can be wrong in every way there is. It reads a
 * request to its end (or not), then does what the script says.
 */
final class HostileHttp2 implements AutoCloseable {

    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;

    static final int END_STREAM = 1;
    static final int END_HEADERS = 4;
    private static final int ACK = 1;
    private static final int PREFACE_BYTES = 24;

    /** Called for each request that has arrived. */
    interface Script {
        void answer(Peer peer, int request, int streamId) throws IOException;

        /** Called for each PING, which was answered if it is to be. */
        default void pinged(Peer peer, int ping) throws IOException {}
    }

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Map<Socket, Boolean> sockets = new ConcurrentHashMap<>();
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger pings = new AtomicInteger();
    private final byte[] settings;

    /** Whether it answers a PING. */
    volatile boolean answersPings = true;

    private final Script script;

    /**
     * @param settings payload of the first SETTINGS frame
     */
    HostileHttp2(byte[] settings, Script script) throws IOException {
        this.settings = settings;
        this.script = script;
        Thread.ofPlatform().daemon().name("hostile-accept").start(this::accept);
    }

    HostileHttp2(Script script) throws IOException {
        this(new byte[0], script);
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    int requests() {
        return requests.get();
    }

    int pings() {
        return pings.get();
    }

    int connections() {
        return connections.get();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                connections.incrementAndGet();
                sockets.put(socket, true);
                Thread.ofPlatform().daemon().name("hostile").start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            new Peer(socket).run();
        } catch (IOException e) {
            // The client went away, or the test is over.
        } finally {
            sockets.remove(socket);
        }
    }

    /** One connection. */
    final class Peer {
        private final Socket socket;
        private final DataInputStream in;
        private final DataOutputStream out;

        Peer(Socket socket) throws IOException {
            this.socket = socket;
            socket.setTcpNoDelay(true);
            this.in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
            this.out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        }

        private void run() throws IOException {
            in.readNBytes(PREFACE_BYTES);
            frame(SETTINGS, 0, 0, settings);
            while (true) {
                int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
                int type = in.readUnsignedByte();
                int flags = in.readUnsignedByte();
                int streamId = in.readInt();
                byte[] payload = in.readNBytes(length);
                if (type == SETTINGS && (flags & ACK) == 0) frame(SETTINGS, ACK, 0, new byte[0]);
                if (type == PING && (flags & ACK) == 0) {
                    pings.incrementAndGet();
                    if (answersPings) frame(PING, ACK, 0, payload);
                    script.pinged(this, pings.get());
                }
                if (type == DATA && length > 0) {
                    windowUpdate(0, length);
                    if ((flags & END_STREAM) == 0) windowUpdate(streamId, length);
                }
                if ((type == DATA || type == HEADERS) && (flags & END_STREAM) != 0)
                    script.answer(this, requests.incrementAndGet(), streamId);
            }
        }

        void frame(int type, int flags, int streamId, byte[] payload) throws IOException {
            out.writeByte(payload.length >> 16);
            out.writeShort(payload.length);
            out.writeByte(type);
            out.writeByte(flags);
            out.writeInt(streamId);
            out.write(payload);
            out.flush();
        }

        private void windowUpdate(int streamId, int bytes) throws IOException {
            frame(WINDOW_UPDATE, 0, streamId, number(bytes));
        }

        void headers(int streamId, boolean last, String... namesAndValues) throws IOException {
            frame(HEADERS, END_HEADERS | (last ? END_STREAM : 0), streamId, block(namesAndValues));
        }

        /** What a good answer begins with. */
        void head(int streamId) throws IOException {
            headers(streamId, false, ":status", "200", "content-type", "application/grpc");
        }

        void good(int streamId) throws IOException {
            head(streamId);
            frame(DATA, 0, streamId, new byte[5]);
            headers(streamId, true, "grpc-status", "0");
        }

        /** Makes the connection end with a reset. */
        void cut() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
            throw new IOException("cut");
        }

        void close() throws IOException {
            socket.close();
        }
    }

    static byte[] number(long value) {
        return new byte[] {
            (byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value
        };
    }

    /** One setting. */
    static byte[] setting(int id, long value) {
        byte[] number = number(value);
        return new byte[] {(byte) (id >> 8), (byte) id, number[0], number[1], number[2], number[3]};
    }

    static byte[] goAway(int lastStreamId, int code) {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(number(lastStreamId));
        bytes.writeBytes(number(code));
        return bytes.toByteArray();
    }

    /** Literal fields that are not indexed, without Huffman (RFC 7541, 6.2.2). */
    private static byte[] block(String... namesAndValues) {
        var bytes = new ByteArrayOutputStream();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            bytes.write(0);
            text(bytes, namesAndValues[i]);
            text(bytes, namesAndValues[i + 1]);
        }
        return bytes.toByteArray();
    }

    private static void text(ByteArrayOutputStream bytes, String text) {
        byte[] encoded = text.getBytes(ISO_8859_1);
        if (encoded.length < 127) {
            bytes.write(encoded.length);
        } else {
            bytes.write(127);
            int rest = encoded.length - 127;
            while (rest >= 128) {
                bytes.write((rest & 127) | 128);
                rest >>= 7;
            }
            bytes.write(rest);
        }
        bytes.writeBytes(encoded);
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets.keySet()) socket.close();
    }
}
