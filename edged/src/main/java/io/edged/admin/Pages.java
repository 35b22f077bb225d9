package io.edged.admin;

import io.edged.daemon.Health;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** What the admin server shows, by path. Knows nothing of channels. */
final class Pages {
    private static final int MAX_PARAMETERS = 64;
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String HTML = "text/html; charset=utf-8";
    private static final String INDEX =
            """
            edged
            /metrics  Prometheus text or OpenMetrics
            /livez    does it make progress? ?verbose ?exclude=NAME /livez/NAME
            /readyz   can it append and acknowledge now? the same parameters
            /status   JSON
            /history  the last 15 minutes, JSON
            A browser sees a page of all that here.
            """;

    /** Answers at once, or work for the rendering thread. */
    sealed interface Page {
        record Now(Body body) implements Page {}

        record Later(Render render) implements Page {}
    }

    @FunctionalInterface
    interface Render {
        Body render() throws IOException;
    }

    record Body(int status, String contentType, ByteBuffer bytes, boolean gzip) {
        static Body html(String html) {
            return new Body(
                    200, HTML, ByteBuffer.wrap(html.getBytes(StandardCharsets.UTF_8)), false);
        }

        boolean isHtml() {
            return contentType.equals(HTML);
        }

        static Body text(int status, String text) {
            return new Body(
                    status, TEXT, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), false);
        }
    }

    @FunctionalInterface
    private interface Writer {
        void write(OutputStream out) throws IOException;
    }

    private final Metrics metrics;
    private final Health health;
    private final Status status;
    private final Commands commands;
    private final StatusPage page = new StatusPage();

    Pages(Metrics metrics, Health health, Status status, Commands commands) {
        this.commands = commands;
        this.metrics = metrics;
        this.health = health;
        this.status = status;
    }

    /** What a browser may do with an HTML page. */
    String policy() {
        return page.policy();
    }

    boolean isDirectory(String asked) {
        return commands.isDirectory(asked);
    }

    /** The page for a GET or HEAD request. Whatever the URL holds, this answers. */
    Page page(FullHttpRequest request) {
        try {
            var url =
                    new QueryStringDecoder(
                            request.uri(), StandardCharsets.UTF_8, true, MAX_PARAMETERS);
            return page(url.path(), url.parameters(), request.headers());
        } catch (IllegalArgumentException e) {
            return new Page.Now(Body.text(400, "the URL is not well formed\n"));
        }
    }

    private Page page(String path, Map<String, List<String>> query, HttpHeaders headers) {
        String accept = String.join(",", headers.getAll(HttpHeaderNames.ACCEPT));
        boolean gzip =
                Accept.gzip(String.join(",", headers.getAll(HttpHeaderNames.ACCEPT_ENCODING)));
        return switch (path) {
            case "/" ->
                    new Page.Now(
                            accept.contains("text/html")
                                    ? Body.html(page.html())
                                    : Body.text(200, INDEX));
            case "/metrics" -> {
                var exposition = Accept.exposition(accept);
                yield new Page.Later(() ->
                        rendered(
                                exposition.contentType(),
                                gzip,
                                out -> metrics.scrape(out, exposition)));
            }
            case "/status" ->
                    new Page.Later(() -> rendered("application/json", gzip, status::write));
            default -> {
                if (status.hasPage(path))
                    yield new Page.Later(() ->
                            rendered("application/json", gzip, out -> status.writePage(path, out)));
                if (isHealth(path, "/livez")) yield health(Health.Kind.LIVE, path, query);
                if (isHealth(path, "/readyz")) yield health(Health.Kind.READY, path, query);
                yield new Page.Now(Body.text(404, "not found; see /\n"));
            }
        };
    }

    /** What a command answers. */
    Page command(FullHttpRequest request) {
        try {
            var url =
                    new QueryStringDecoder(
                            request.uri(), StandardCharsets.UTF_8, true, MAX_PARAMETERS);
            Map<String, List<String>> query = url.parameters();
            return commands.find(url.path())
                    .<Page>map(command -> new Page.Later(() -> run(command, query)))
                    .orElseGet(() -> new Page.Now(Body.text(404, "there is no such command\n")));
        } catch (IllegalArgumentException e) {
            return new Page.Now(Body.text(400, "the URL is not well formed\n"));
        }
    }

    private static Body run(Commands.Command command, Map<String, List<String>> query)
            throws IOException {
        try {
            return Body.text(200, command.run(query));
        } catch (IllegalArgumentException e) {
            return Body.text(400, e.getMessage() + "\n");
        }
    }

    private static boolean isHealth(String path, String endpoint) {
        return path.equals(endpoint) || path.startsWith(endpoint + "/");
    }

    private Page health(Health.Kind kind, String path, Map<String, List<String>> query) {
        int slash = path.indexOf('/', 1);
        String endpoint = slash < 0 ? path.substring(1) : path.substring(1, slash);
        String name = slash < 0 ? "" : path.substring(slash + 1);
        HealthText.Answer answer = HealthText.answer(health, kind, endpoint, name, query);
        return new Page.Now(Body.text(answer.status(), answer.text()));
    }

    private static Body rendered(String contentType, boolean gzip, Writer writer)
            throws IOException {
        var bytes = new ByteArrayOutputStream(16 << 10);
        if (gzip) {
            try (var compressed = new GZIPOutputStream(bytes)) {
                writer.write(compressed);
            }
        } else {
            writer.write(bytes);
        }
        return new Body(200, contentType, ByteBuffer.wrap(bytes.toByteArray()), gzip);
    }
}
