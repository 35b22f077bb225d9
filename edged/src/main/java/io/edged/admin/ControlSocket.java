package io.edged.admin;

import static java.lang.System.Logger.Level.WARNING;

import io.edged.daemon.Listener;
import io.edged.disk.SocketFile;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;

import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A Unix socket with one thread for all of its connections. It appears with mode 0600, and who
 * connects must be the owner of the file or root, by what the kernel says of the other side.
 */
public final class ControlSocket implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ControlSocket.class.getName());
    private static final String ROOT = "root";

    private final Path path;
    private final MultiThreadIoEventLoopGroup loop;
    private final Channel channel;

    private ControlSocket(Path path, MultiThreadIoEventLoopGroup loop, Channel channel) {
        this.path = path;
        this.loop = loop;
        this.channel = channel;
    }

    static ControlSocket start(Path path, Consumer<ChannelPipeline> connection) throws IOException {
        MultiThreadIoEventLoopGroup loop = Listener.newLoop("control");
        try {
            Channel bound =
                    SocketFile.bind(
                            path, "rw-------", address -> bind(loop, path, address, connection));
            return new ControlSocket(path, loop, bound);
        } catch (IOException e) {
            end(loop);
            throw e;
        }
    }

    private static Channel bind(
            MultiThreadIoEventLoopGroup loop,
            Path path,
            UnixDomainSocketAddress address,
            Consumer<ChannelPipeline> connection)
            throws IOException {
        var bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(NioServerDomainSocketChannel.class)
                        .childHandler(new Connections(path, connection))
                        .bind(address)
                        .awaitUninterruptibly();
        if (!bound.isSuccess())
            throw new IOException(String.valueOf(bound.cause().getMessage()), bound.cause());
        return bound.channel();
    }

    /** Asks the kernel who connects before anything is read. */
    private static final class Connections extends ChannelInitializer<NioDomainSocketChannel> {
        private final Path path;
        private final Consumer<ChannelPipeline> connection;

        Connections(Path path, Consumer<ChannelPipeline> connection) {
            this.path = path;
            this.connection = connection;
        }

        @Override
        protected void initChannel(NioDomainSocketChannel channel) throws IOException {
            UnixDomainPrincipal peer =
                    channel.config()
                            .getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
            UserPrincipal owner = Files.getOwner(path, LinkOption.NOFOLLOW_LINKS);
            if (isAllowed(peer == null ? null : peer.user(), owner)) {
                connection.accept(channel.pipeline());
                return;
            }
            LOG.log(WARNING, "refused a command's connection; user={0}", peer);
            var _ = channel.close();
        }
    }

    static boolean isAllowed(@Nullable UserPrincipal peer, UserPrincipal owner) {
        return peer != null && (peer.equals(owner) || peer.getName().equals(ROOT));
    }

    private static void end(MultiThreadIoEventLoopGroup loop) {
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    /** Stops listening, removes the socket and closes every connection. */
    @Override
    public void close() throws IOException {
        channel.close().awaitUninterruptibly();
        Files.deleteIfExists(path);
        end(loop);
    }
}
