package io.edged.cli;

import io.edged.admin.Commands;
import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Asks the daemon that runs with a configuration: over its control socket, and where there is none
 * over its admin listener.
 */
final class ControlClient {

    private static final int CONNECT_MILLIS = 2_000;
    private static final int READ_MILLIS = 30_000;
    private static final int MAX_ANSWER_BYTES = 256 << 20;
    private static final int MISDIRECTED = 421;

    private ControlClient() {}

    /** A status and what came with it. */
    record Answer(int status, String body) {}

    /**
     * Sends a command.
     *
     * @return its answer; empty if no daemon runs with this configuration
     * @throws ExitException the daemon does not do it; the message says why
     */
    static Optional<String> ask(EdgeConfig config, String command, Map<String, String> query) {
        String parameters =
                query.entrySet().stream()
                        .map(entry -> encode(entry.getKey()) + "=" + encode(entry.getValue()))
                        .collect(Collectors.joining("&", query.isEmpty() ? "" : "?", ""));
        return exchange(config, "POST " + Commands.PATH + command + parameters)
                .map(answer -> require(answer, command));
    }

    /** A page of the daemon, whatever its status. */
    static Optional<Answer> get(EdgeConfig config, String path) {
        return exchange(config, "GET " + path);
    }

    private static String require(Answer answer, String command) {
        if (answer.status() == 200) return answer.body();
        throw new ExitException(
                answer.status() == 400 ? ExitCode.USAGE : ExitCode.INTERNAL,
                "the daemon answers "
                        + command
                        + " with "
                        + answer.status()
                        + ": "
                        + answer.body().strip());
    }

    private static Optional<Answer> exchange(EdgeConfig config, String request) {
        String text =
                request
                        + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n"
                        + Commands.HEADER
                        + ": 1\r\n"
                        + Commands.DIRECTORY_HEADER
                        + ": "
                        + encode(directory(config))
                        + "\r\n\r\n";
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        Optional<Answer> local = config.admin().socket().flatMap(path -> overSocket(path, bytes));
        return local.isPresent() ? local : overPort(config, bytes);
    }

    /** The state directory as both sides write it. */
    static String directory(EdgeConfig config) {
        return config.storage().dir().toAbsolutePath().normalize().toString();
    }

    private static Optional<Answer> overSocket(Path path, byte[] request) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(path));
            Answer answer =
                    exchange(
                            Channels.newInputStream(channel),
                            Channels.newOutputStream(channel),
                            request);
            return answer.status() == MISDIRECTED ? Optional.empty() : Optional.of(answer);
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty(); // Not there, not ours, or not allowed: the port remains.
        }
    }

    private static Optional<Answer> overPort(EdgeConfig config, byte[] request) {
        var listen = config.admin().listen();
        String host = listen.host().equals("0.0.0.0") ? "127.0.0.1" : listen.host();
        try (var socket = new Socket(Proxy.NO_PROXY)) {
            try {
                socket.connect(new InetSocketAddress(host, listen.port()), CONNECT_MILLIS);
            } catch (IOException e) {
                return Optional.empty();
            }
            socket.setSoTimeout(READ_MILLIS);
            Answer answer = exchange(socket.getInputStream(), socket.getOutputStream(), request);
            return answer.status() == MISDIRECTED ? Optional.empty() : Optional.of(answer);
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.INTERNAL,
                    "the daemon at " + host + ":" + listen.port() + " does not answer: " + e,
                    e);
        }
    }

    /** One request, and all that comes until the other side closes. */
    private static Answer exchange(InputStream in, OutputStream out, byte[] request)
            throws IOException {
        out.write(request);
        out.flush();
        byte[] bytes = in.readNBytes(MAX_ANSWER_BYTES);
        int end = endOfHead(bytes);
        String head = new String(bytes, 0, end, StandardCharsets.US_ASCII);
        if (!head.matches("(?s)HTTP/1\\.1 [0-9]{3}.*"))
            throw new IOException("what answers is not edged");
        var body = new ByteArrayOutputStream();
        body.write(bytes, end, bytes.length - end);
        return new Answer(
                Integer.parseInt(head.substring(9, 12)), body.toString(StandardCharsets.UTF_8));
    }

    private static int endOfHead(byte[] bytes) throws IOException {
        for (int i = 3; i < bytes.length; i++)
            if (bytes[i] == '\n' && bytes[i - 1] == '\r' && bytes[i - 2] == '\n') return i + 1;
        throw new IOException("the answer broke off");
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
