package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.netty.channel.EventLoop;

import java.util.HashMap;
import java.util.function.Consumer;

/** OTLP over gRPC. */
final class OtlpGrpcSender implements Sender {

    private final NettyGrpcSender grpc;
    private final Answers answers;

    /**
     * @param loop of the connection
     */
    OtlpGrpcSender(SenderConfig config, Answers answers, KeepAlive keepAlive, EventLoop loop) {
        this.grpc = new NettyGrpcSender(config, keepAlive, loop, () -> {});
        this.answers = answers;
    }

    @Override
    public void send(Shipment shipment, Consumer<SendResult> onResult) {
        var headers = new HashMap<>(shipment.headers());
        if (shipment.encoding() != ContentEncoding.IDENTITY)
            headers.put("content-encoding", shipment.encoding().token());
        grpc.send(
                new Upload(
                        shipment.signal().method(), headers, shipment.body(), shipment.released()),
                response -> onResult.accept(answers.of((GrpcReply) response)),
                why -> onResult.accept(answers.of(why)));
    }

    @Override
    public void abort() {
        grpc.abort();
    }
}
