package io.edged.drain;

import io.netty.channel.EventLoop;
import io.opentelemetry.sdk.common.export.GrpcSender;
import io.opentelemetry.sdk.common.export.GrpcSenderConfig;
import io.opentelemetry.sdk.common.export.GrpcSenderProvider;

/**
 * Gives the OpenTelemetry exporters a gRPC sender on Netty, found through {@code
 * META-INF/services}. Each sender has one daemon thread of its own, which ends with {@link
 * GrpcSender#shutdown}.
 */
public final class NettyGrpcSenderProvider implements GrpcSenderProvider {

    /**
     * Makes a sender with a thread of its own.
     *
     * @throws IllegalArgumentException if the endpoint is not http or https
     */
    @Override
    public GrpcSender createSender(GrpcSenderConfig config) {
        var group = NettyHttpSenderProvider.newGroup("otlp-grpc-sender");
        try {
            return new NettyGrpcSender(
                    config,
                    KeepAlive.USUAL,
                    (EventLoop) group.next(),
                    () -> NettyHttpSenderProvider.end(group));
        } catch (RuntimeException e) {
            NettyHttpSenderProvider.end(group);
            throw e;
        }
    }
}
