package io.edged.admin;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * One connection's exchanges, one at a time: a request that comes before the answer to the last one
 * ends the connection after that answer. Runs on the event loop.
 */
final class AdminHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final System.Logger LOG = System.getLogger(AdminHandler.class.getName());

    private final AdminOptions options;
    private final Pages pages;
    private final Executor renderer;

    /** Closes the connection if the exchange takes too long. */
    private @Nullable ScheduledFuture<?> exchangeDeadline;

    private boolean answering;
    private boolean pipelined;

    /** Runs commands, which may wait for the disk, apart from what must not. */
    private final Executor commander;

    AdminHandler(AdminOptions options, Pages pages, Executor renderer, Executor commander) {
        this.commander = commander;
        this.options = options;
        this.pages = pages;
        this.renderer = renderer;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        startExchange(context);
        context.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancelDeadline();
        context.fireChannelInactive();
    }

    private void startExchange(ChannelHandlerContext context) {
        cancelDeadline();
        exchangeDeadline =
                context.executor()
                        .schedule(
                                () -> {
                                    var _ = context.close();
                                },
                                options.exchangeTimeout().toNanos(),
                                TimeUnit.NANOSECONDS);
    }

    private void cancelDeadline() {
        if (exchangeDeadline != null) exchangeDeadline.cancel(false);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (answering) {
            pipelined = true;
            return;
        }
        answering = true;
        var exchange = new Exchange(context, request);
        String directory = request.headers().get(Commands.DIRECTORY_HEADER);
        if (directory != null && !pages.isDirectory(directory)) {
            exchange.answer(Pages.Body.text(421, "this daemon has another state directory\n"));
        } else if (request.decoderResult().isFailure()) {
            exchange.keepAlive = false;
            exchange.answer(
                    Pages.Body.text(
                            400, "the request is not well formed or its header is too large\n"));
        } else if (request.method().equals(HttpMethod.POST)
                && request.uri().startsWith(Commands.PATH)) {
            command(exchange, request);
        } else if (!request.method().equals(HttpMethod.GET)
                && !request.method().equals(HttpMethod.HEAD)) {
            exchange.answer(Pages.Body.text(405, "only GET and HEAD\n"));
        } else {
            switch (pages.page(request)) {
                case Pages.Page.Now(Pages.Body body) -> exchange.answer(body);
                case Pages.Page.Later(Pages.Render render) ->
                        renderLater(exchange, render, renderer);
            }
        }
    }

    private void command(Exchange exchange, FullHttpRequest request) {
        if (!isLocal(exchange.context.channel()) || !request.headers().contains(Commands.HEADER)) {
            exchange.answer(
                    Pages.Body.text(
                            403,
                            "commands are taken from this machine only, with the header "
                                    + Commands.HEADER
                                    + "\n"));
            return;
        }
        switch (pages.command(request)) {
            case Pages.Page.Now(Pages.Body body) -> exchange.answer(body);
            case Pages.Page.Later(Pages.Render render) -> renderLater(exchange, render, commander);
        }
    }

    private static boolean isLocal(Channel channel) {
        return channel instanceof NioDomainSocketChannel
                || (channel.remoteAddress() instanceof InetSocketAddress peer
                        && peer.getAddress().isLoopbackAddress());
    }

    private void renderLater(Exchange exchange, Pages.Render render, Executor renderer) {
        var loop = exchange.context.executor();
        var timeout =
                loop.schedule(
                        () -> exchange.answer(Pages.Body.text(503, "rendering takes too long\n")),
                        options.renderTimeout().toNanos(),
                        TimeUnit.NANOSECONDS);
        try {
            renderer.execute(() -> {
                Pages.Body body = rendered(render);
                try {
                    loop.execute(() -> {
                        timeout.cancel(false);
                        exchange.answer(body);
                    });
                } catch (RejectedExecutionException e) {
                    // The server has closed meanwhile, and with it who asked.
                    LOG.log(DEBUG, "an answer came after the end of its connection");
                }
            });
        } catch (RejectedExecutionException e) {
            timeout.cancel(false);
            exchange.answer(Pages.Body.text(503, "too many requests wait to be rendered\n"));
        }
    }

    private static Pages.Body rendered(Pages.Render render) {
        try {
            return render.render();
        } catch (IOException | RuntimeException e) {
            LOG.log(WARNING, "an admin page could not be rendered", e);
            return Pages.Body.text(500, "the page could not be rendered: " + e + "\n");
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // Connection resets are the client's business; anything else closes this connection only.
        if (!(cause instanceof IOException))
            LOG.log(WARNING, "an admin connection failed and is closed", cause);
        var _ = context.close();
    }

    /** One request and its one answer; what comes after the first answer is dropped. */
    private final class Exchange {
        private final ChannelHandlerContext context;
        private final boolean head;
        private boolean keepAlive;
        private boolean answered;

        Exchange(ChannelHandlerContext context, FullHttpRequest request) {
            this.context = context;
            this.head = request.method().equals(HttpMethod.HEAD);
            this.keepAlive = HttpUtil.isKeepAlive(request);
        }

        void answer(Pages.Body body) {
            if (answered) return;
            answered = true;
            boolean close = !keepAlive || pipelined;
            var response = response(body, close);
            var written = context.writeAndFlush(response);
            if (close) written.addListener(ChannelFutureListener.CLOSE);
            else written.addListener(this::written);
        }

        private void written(Future<? super Void> write) {
            answering = false;
            if (pipelined || !write.isSuccess()) {
                var _ = context.close();
            } else {
                startExchange(context);
            }
        }

        private FullHttpResponse response(Pages.Body body, boolean close) {
            var response =
                    new DefaultFullHttpResponse(
                            HttpVersion.HTTP_1_1,
                            HttpResponseStatus.valueOf(body.status()),
                            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body.bytes()));
            var headers = response.headers();
            headers.set(HttpHeaderNames.CONTENT_TYPE, body.contentType());
            headers.setInt(HttpHeaderNames.CONTENT_LENGTH, body.bytes().remaining());
            headers.set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE);
            headers.set("x-content-type-options", "nosniff");
            if (body.isHtml()) {
                headers.set("content-security-policy", pages.policy());
                headers.set("referrer-policy", "no-referrer");
            }
            if (body.gzip()) headers.set(HttpHeaderNames.CONTENT_ENCODING, HttpHeaderValues.GZIP);
            if (body.status() == 405) headers.set(HttpHeaderNames.ALLOW, "GET, HEAD");
            if (close) headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            return response;
        }
    }
}
