package io.edged.drain;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;

import javax.net.ServerSocketFactory;

/**
 * An HTTP/1.1 server on a plain socket, so that it can answer in every wrong way there is. What it
 * answers is decided per request.
 */
final class Upstream implements AutoCloseable {

    /** A request as it came; header names in lower case. */
    static final class Request {
        private final int number;
        private final String path;
        private final Map<String, String> headers;
        private final byte[] body;

        Request(int number, String path, Map<String, String> headers, byte[] body) {
            this.number = number;
            this.path = path;
            this.headers = headers;
            this.body = body;
        }

        /** From 1, over all connections. */
        int number() {
            return number;
        }

        String path() {
            return path;
        }

        Map<String, String> headers() {
            return headers;
        }

        byte[] body() {
            return body;
        }

        /** The body without its content coding. */
        byte[] plainBody() {
            if (!"gzip".equals(headers.get("content-encoding"))) return body;
            try (var gzip = new GZIPInputStream(new ByteArrayInputStream(body))) {
                return gzip.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        EdgeBatch edgeBatch() {
            return EdgeBatch.parse(String.valueOf(headers.get("edge-batch")));
        }
    }

    /** Writes an answer; returns false if the connection is of no more use. */
    interface Reply {
        boolean write(Socket socket, OutputStream output) throws IOException;
    }

    interface Script {
        Reply reply(Request request) throws IOException;
    }

    private final ServerSocket server;
    private final Script script;
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final Map<Socket, Boolean> sockets = new ConcurrentHashMap<>();
    private final AtomicInteger connections = new AtomicInteger();

    Upstream(Script script) throws IOException {
        this(ServerSocketFactory.getDefault(), script);
    }

    Upstream(ServerSocketFactory factory, Script script) throws IOException {
        this.server = factory.createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        this.script = script;
        Thread.ofPlatform().daemon().name("upstream-accept").start(this::accept);
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    int port() {
        return server.getLocalPort();
    }

    List<Request> requests() {
        return List.copyOf(requests);
    }

    int connections() {
        return connections.get();
    }

    /** Waits until what clients that are gone have left in their connections was read. */
    void awaitNoClient() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!sockets.isEmpty()) {
            if (System.nanoTime() > deadline) throw new AssertionError("a client stays connected");
            Thread.sleep(1);
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                connections.incrementAndGet();
                sockets.put(socket, true);
                Thread.ofPlatform().daemon().name("upstream").start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            var input = new BufferedInputStream(socket.getInputStream());
            OutputStream output = socket.getOutputStream();
            boolean more = true;
            while (more) {
                Request request = read(input);
                requests.add(request);
                more = script.reply(request).write(socket, output);
                output.flush();
            }
        } catch (IOException e) {
            // The client went away, or the test is over.
        } finally {
            sockets.remove(socket);
        }
    }

    private Request read(InputStream input) throws IOException {
        String[] start = line(input).split(" ", 3);
        Map<String, String> headers = new LinkedHashMap<>();
        for (String line = line(input); !line.isEmpty(); line = line(input)) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        byte[] body = input.readNBytes(length);
        if (body.length < length) throw new EOFException();
        return new Request(requests.size() + 1, start[1], headers, body);
    }

    private static String line(InputStream input) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int next = input.read(); next != '\n'; next = input.read()) {
            if (next < 0) throw new EOFException();
            if (next != '\r') line.write(next);
        }
        return line.toString(ISO_8859_1);
    }

    static Reply ok() {
        return status(200);
    }

    static Reply status(int status, String... headerLines) {
        return answer(status, new byte[0], headerLines);
    }

    static Reply answer(int status, byte[] body, String... headerLines) {
        return (socket, output) -> {
            var head = new StringBuilder("HTTP/1.1 " + status + " Scripted\r\n");
            for (String line : headerLines) head.append(line).append("\r\n");
            head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
            output.write(head.toString().getBytes(ISO_8859_1));
            output.write(body);
            return true;
        };
    }

    static Reply raw(String bytes) {
        return (socket, output) -> {
            output.write(bytes.getBytes(ISO_8859_1));
            return false;
        };
    }

    static Reply closeWithoutAnswer() {
        return (socket, output) -> false;
    }

    /** Begins an answer and resets the connection in its body. */
    static Reply resetInTheAnswer() {
        return (socket, output) -> {
            output.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".getBytes(ISO_8859_1));
            output.flush();
            socket.setSoLinger(true, 0);
            return false;
        };
    }

    /** Never answers: waits until the client goes away. */
    static Reply hang() {
        return (socket, output) -> {
            while (socket.getInputStream().read() >= 0) {
                // nothing more is expected
            }
            return false;
        };
    }

    /** Answers when the latch opens. */
    static Reply after(CountDownLatch latch, Reply then) {
        return (socket, output) -> {
            try {
                latch.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return then.write(socket, output);
        };
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets.keySet()) socket.close();
    }
}
