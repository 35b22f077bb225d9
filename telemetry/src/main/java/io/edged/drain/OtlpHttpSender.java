package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.netty.channel.EventLoop;

import java.util.HashMap;
import java.util.function.Consumer;

/** OTLP over HTTP. */
final class OtlpHttpSender implements Sender {

    private final NettyHttpSender http;
    private final Answers answers;
    private final String basePath;

    /**
     * @param maxConnections as many as requests under way
     * @param loop of the connections
     */
    OtlpHttpSender(SenderConfig config, Answers answers, int maxConnections, EventLoop loop) {
        this.http = new NettyHttpSender(config, maxConnections, loop, () -> {});
        this.answers = answers;
        String path = Endpoint.of(config.getEndpoint()).path();
        this.basePath = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    }

    @Override
    public void send(Shipment shipment, Consumer<SendResult> onResult) {
        var headers = new HashMap<>(shipment.headers());
        if (shipment.encoding() != ContentEncoding.IDENTITY)
            headers.put("content-encoding", shipment.encoding().token());
        http.send(
                new Upload(
                        basePath + shipment.signal().path(),
                        headers,
                        shipment.body(),
                        shipment.released()),
                response -> onResult.accept(answers.of(response)),
                why -> onResult.accept(answers.of(why)));
    }

    @Override
    public void abort() {
        http.abort();
    }
}
