package io.edged.cli;

import io.edged.admin.Commands;
import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Asks the daemon that runs with a configuration to do something, over its admin listener. */
final class ControlClient {

    private static final int CONNECT_MILLIS = 2_000;
    private static final int READ_MILLIS = 30_000;
    private static final int MAX_ANSWER_BYTES = 256 << 20;

    private ControlClient() {}

    /**
     * Sends a command.
     *
     * @return its answer; empty if nothing listens there
     * @throws ExitException the daemon does not do it; the message says why
     */
    static Optional<String> ask(EdgeConfig config, String command, Map<String, String> query) {
        var listen = config.admin().listen();
        String host = listen.host().equals("0.0.0.0") ? "127.0.0.1" : listen.host();
        String authority = (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + listen.port();
        String parameters =
                query.entrySet().stream()
                        .map(entry -> encode(entry.getKey()) + "=" + encode(entry.getValue()))
                        .collect(Collectors.joining("&", query.isEmpty() ? "" : "?", ""));
        try {
            var connection =
                    (HttpURLConnection)
                            URI.create("http://" + authority + Commands.PATH + command + parameters)
                                    .toURL()
                                    .openConnection(Proxy.NO_PROXY);
            connection.setConnectTimeout(CONNECT_MILLIS);
            connection.setReadTimeout(READ_MILLIS);
            connection.setRequestMethod("POST");
            connection.setRequestProperty(Commands.HEADER, "1");
            int status = connection.getResponseCode();
            try (InputStream in =
                    status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                byte[] bytes = in == null ? new byte[0] : in.readNBytes(MAX_ANSWER_BYTES);
                String answer = new String(bytes, StandardCharsets.UTF_8);
                if (status == 200) return Optional.of(answer);
                throw new ExitException(
                        status == 400 ? ExitCode.USAGE : ExitCode.INTERNAL,
                        "the daemon at "
                                + authority
                                + " answers "
                                + status
                                + ": "
                                + answer.strip());
            }
        } catch (ConnectException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.INTERNAL, "the daemon at " + authority + " does not answer: " + e, e);
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
