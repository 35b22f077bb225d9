package io.edged.receiver;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A client that sends exactly the bytes it is given. */
final class RawClient implements AutoCloseable {

    record Response(int status, Map<String, String> headers, ByteBuffer body) {
        String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }

    private final Socket socket = new Socket();
    private final InputStream in;
    private final OutputStream out;

    RawClient(InetSocketAddress address) throws IOException {
        this(null, address);
    }

    /** From an address of this machine; null for the one that the system chooses. */
    RawClient(@Nullable InetAddress from, InetSocketAddress address) throws IOException {
        if (from != null) socket.bind(new InetSocketAddress(from, 0));
        socket.connect(address);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(30_000);
        in = new BufferedInputStream(socket.getInputStream());
        out = socket.getOutputStream();
    }

    RawClient send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    RawClient send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
        return this;
    }

    /** A complete request with a Content-Length. */
    RawClient post(String path, byte[] body, String... headers) throws IOException {
        return send(head(path, "Content-Length: " + body.length, headers)).send(body);
    }

    static String head(String path, String length, String... headers) {
        var head = new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: edge\r\n");
        if (!String.join("", headers).contains("Content-Type:"))
            head.append("Content-Type: application/x-protobuf\r\n");
        if (!length.isEmpty()) head.append(length).append("\r\n");
        for (String header : headers) head.append(header).append("\r\n");
        return head.append("\r\n").toString();
    }

    Response read() throws IOException {
        String[] status = line().split(" ", 3);
        Map<String, String> headers = new HashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        int code = Integer.parseInt(status[1]);
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Response(code, headers, ByteBuffer.wrap(in.readNBytes(length)));
    }

    /** The next byte without taking it away from the socket's end: empty at the end. */
    Optional<Integer> next() throws IOException {
        int octet = in.read();
        return octet < 0 ? Optional.empty() : Optional.of(octet);
    }

    /** Reads a byte and throws it away; false at the end, however it came. */
    boolean hasMore() {
        try {
            return in.read() >= 0;
        } catch (SocketException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether something has come that was not read yet. */
    boolean hasAnswer() throws IOException {
        return in.available() > 0;
    }

    void endInput() throws IOException {
        socket.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) throw new EOFException("after " + line);
            if (octet != '\r') line.append((char) octet);
        }
        return line.toString();
    }
}
