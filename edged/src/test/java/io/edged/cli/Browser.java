package io.edged.cli;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A headless Chromium with the screen of a phone, spoken to over its DevTools protocol. */
final class Browser implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/bin/chromium");
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final Map<Integer, CompletableFuture<JsonTree>> asked = new ConcurrentHashMap<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();
    private final AtomicInteger numbers = new AtomicInteger();
    private @Nullable WebSocket socket;
    private String session = "";

    private Browser(Process process) {
        this.process = process;
    }

    static boolean isThere() {
        return Files.isExecutable(PROGRAM);
    }

    static Browser start(Path directory) throws Exception {
        Path profile = Files.createDirectory(directory.resolve("profile"));
        Path log = directory.resolve("browser.log");
        var process =
                new ProcessBuilder(
                                PROGRAM.toString(),
                                "--headless=new",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-dev-shm-usage",
                                "--disable-background-networking",
                                "--no-first-run",
                                "--window-size=412,1400",
                                "--remote-debugging-port=0",
                                "--user-data-dir=" + profile)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        var browser = new Browser(process);
        try {
            browser.connect(profile.resolve("DevToolsActivePort"));
            return browser;
        } catch (Exception | AssertionError e) {
            browser.close();
            throw e;
        }
    }

    private void connect(Path portFile) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!Files.exists(portFile) || Files.readAllLines(portFile).size() < 2) {
            if (System.nanoTime() > deadline)
                throw new AssertionError("the browser does not start");
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
        List<String> lines = Files.readAllLines(portFile);
        socket =
                client.newWebSocketBuilder()
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1)),
                                new Answers())
                        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        String target =
                ask("Target.createTarget", "{\"url\":\"about:blank\"}").at("targetId").text();
        session =
                ask("Target.attachToTarget", "{\"flatten\":true,\"targetId\":\"" + target + "\"}")
                        .at("sessionId")
                        .text();
        var _ = ask("Page.enable", "{}");
        var _ = ask("Log.enable", "{}");
        var _ = ask("Runtime.enable", "{}");
        var _ =
                ask(
                        "Emulation.setDeviceMetricsOverride",
                        "{\"width\":412,\"height\":1500,\"deviceScaleFactor\":1,\"mobile\":true}");
    }

    void open(String url) throws Exception {
        var _ = ask("Page.navigate", "{\"url\":\"" + url + "\"}");
    }

    /** The value of an expression, as text. */
    String evaluate(String expression) throws Exception {
        return ask(
                        "Runtime.evaluate",
                        "{\"expression\":\""
                                + new String(
                                        JsonStringEncoder.getInstance().quoteAsString(expression))
                                + "\"}")
                .at("result", "value")
                .text();
    }

    void await(String condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!evaluate("String(" + condition + ")").equals("true")) {
            if (System.nanoTime() > deadline)
                throw new AssertionError(
                        "did not come: "
                                + condition
                                + "; the page says: "
                                + evaluate("document.body.innerText"));
            java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
        }
    }

    /** A click of the mouse where the element is. */
    void click(String id) throws Exception {
        String place =
                evaluate(
                        "(function(){var e=document.getElementById('"
                                + id
                                + "');e.scrollIntoView({block:'center'});var r=e.getBoundingClientRect();"
                                + "return (r.x+r.width/2)+','+(r.y+r.height/2)})()");
        String[] point = place.split(",", 2);
        for (String type : List.of("mousePressed", "mouseReleased")) {
            var _ =
                    ask(
                            "Input.dispatchMouseEvent",
                            "{\"type\":\""
                                    + type
                                    + "\",\"button\":\"left\",\"clickCount\":1,\"x\":"
                                    + point[0]
                                    + ",\"y\":"
                                    + point[1]
                                    + "}");
        }
    }

    void shot(Path file) throws Exception {
        String data = ask("Page.captureScreenshot", "{\"format\":\"png\"}").at("data").text();
        Files.write(file, Base64.getDecoder().decode(data));
        if (Files.size(file) < 5_000) throw new AssertionError("an empty picture");
    }

    /**
     * What the browser said against the page: policy, script errors; not that the daemon was away.
     */
    List<String> complaints() {
        return complaints.stream().filter(each -> !each.contains("net::ERR")).toList();
    }

    private JsonTree ask(String method, String parameters) throws Exception {
        int number = numbers.incrementAndGet();
        var answer = new CompletableFuture<JsonTree>();
        asked.put(number, answer);
        var _ =
                Objects.requireNonNull(socket)
                        .sendText(
                                "{\"id\":"
                                        + number
                                        + (session.isEmpty()
                                                ? ""
                                                : ",\"sessionId\":\"" + session + "\"")
                                        + ",\"method\":\""
                                        + method
                                        + "\",\"params\":"
                                        + parameters
                                        + "}",
                                true)
                        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).at("result");
    }

    private final class Answers implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                take(text.toString());
                text.setLength(0);
            }
            from.request(1);
            return CompletableFuture.completedFuture(null);
        }
    }

    private void take(String message) {
        try {
            JsonTree read = JsonTree.read(message);
            String method = read.at("method").text();
            if (method.equals("Runtime.exceptionThrown")
                    || (method.equals("Log.entryAdded")
                            && read.at("params", "entry", "level").text().equals("error")))
                complaints.add(message);
            CompletableFuture<JsonTree> waiting = asked.remove((int) read.at("id").number());
            if (waiting != null) waiting.complete(read);
        } catch (IOException e) {
            complaints.add(String.valueOf(e));
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }
}
