package io.edged.drain;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;

import java.util.concurrent.TimeUnit;

/**
 * Gives the OpenTelemetry exporters an HTTP sender on Netty, found through {@code
 * META-INF/services}. Each sender has one daemon thread of its own, which ends with {@link
 * HttpSender#shutdown}.
 */
public final class NettyHttpSenderProvider implements HttpSenderProvider {

    /** An exporter sends one request at a time, or a few. */
    private static final int MAX_CONNECTIONS = 8;

    /**
     * Makes a sender with a thread of its own.
     *
     * @throws IllegalArgumentException if the endpoint is not http or https, or a proxy is asked
     *     for
     */
    @Override
    public HttpSender createSender(HttpSenderConfig config) {
        var group = newGroup("otlp-sender");
        try {
            return new NettyHttpSender(
                    config, MAX_CONNECTIONS, (EventLoop) group.next(), () -> end(group));
        } catch (RuntimeException e) {
            end(group);
            throw e;
        }
    }

    static MultiThreadIoEventLoopGroup newGroup(String threads) {
        var group =
                new MultiThreadIoEventLoopGroup(
                        1, new DefaultThreadFactory(threads, true), NioIoHandler.newFactory());
        // A loop that has nothing planned comes round each second to find that out; this is a plan.
        var _ = group.next().scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.DAYS);
        return group;
    }

    static void end(MultiThreadIoEventLoopGroup group) {
        var _ = group.shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }
}
